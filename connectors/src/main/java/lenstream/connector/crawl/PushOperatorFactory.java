package lenstream.connector.crawl;

import lenstream.connector.fetch.FetchConfig;
import lenstream.connector.fetch.PoliteWeb;
import lenstream.core.command.Command;
import lenstream.core.command.Command.Kind;
import lenstream.core.image.CrawlTarget;
import lenstream.core.web.CanonicalUrl;
import org.apache.flink.streaming.api.operators.AbstractStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.OneInputStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.StreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;

/**
 * Makes the operator that reads pushed pages. Its input are the commands that {@link #isPush} tells, keyed by {@link
 * #host}; its output the images that they lead to. It has to run beside the visit operator, with the same parallelism, so
 * that both share each host's permit.
 */
public final class PushOperatorFactory extends AbstractStreamOperatorFactory<CrawlTarget>
        implements OneInputStreamOperatorFactory<Command, CrawlTarget> {
    private static final long serialVersionUID = 1;

    private final FetchConfig config;

    public PushOperatorFactory(FetchConfig config) {
        this.config = config;
    }

    /** Whether a command is for this operator. */
    public static boolean isPush(Command command) {
        return command.kind() == Kind.PUSH && CanonicalUrl.of(command.subject()).isPresent();
    }

    /** Whether a URL is that of an image rather than of a page or feed to be read, as far as its name tells. */
    public static boolean isNamedLikeAnImage(CanonicalUrl url) {
        return PushedPage.isNamedLikeAnImage(url);
    }

    /** The host that a push is about; only for what {@link #isPush}. */
    public static String host(Command push) {
        return CanonicalUrl.of(push.subject()).orElseThrow().hostAndPort();
    }

    @Override
    @SuppressWarnings({"unchecked", "MustBeClosed"
    }) // the interface's own type parameter; the operator closes its lease
    public <T extends StreamOperator<CrawlTarget>> T createStreamOperator(
            StreamOperatorParameters<CrawlTarget> parameters) {
        return (T) new PushOperator(
                parameters, parameters.getMailboxExecutor(), job -> PoliteWeb.lease(job, config, true));
    }

    @Override
    @SuppressWarnings("rawtypes") // the interface's own raw type
    public Class<? extends StreamOperator> getStreamOperatorClass(ClassLoader classLoader) {
        return PushOperator.class;
    }
}
