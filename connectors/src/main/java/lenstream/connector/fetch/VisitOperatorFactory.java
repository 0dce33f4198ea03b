package lenstream.connector.fetch;

import lenstream.core.command.Command;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.FetchedImage;
import lenstream.core.image.Rejection;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.streaming.api.operators.AbstractStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.StreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.streaming.api.operators.TwoInputStreamOperatorFactory;
import org.apache.flink.util.OutputTag;

/**
 * Makes the operator that visits image URLs. Its first input is keyed by {@link CrawlTarget#host()}, its second one, the
 * commands, is broadcast; new and changed images are its output, what will not be indexed goes to {@link #REJECTIONS},
 * unchanged images are only counted.
 */
public final class VisitOperatorFactory extends AbstractStreamOperatorFactory<FetchedImage>
        implements TwoInputStreamOperatorFactory<CrawlTarget, Command, FetchedImage> {
    /** Side output of images that could not be fetched. */
    public static final OutputTag<Rejection> REJECTIONS =
            new OutputTag<>("visit-rejections", TypeInformation.of(Rejection.class));

    private static final long serialVersionUID = 1;

    private final FetchConfig config;

    public VisitOperatorFactory(FetchConfig config) {
        this.config = config;
    }

    @Override
    @SuppressWarnings({"unchecked", "MustBeClosed"
    }) // the interface's own type parameter; the operator closes its lease
    public <T extends StreamOperator<FetchedImage>> T createStreamOperator(
            StreamOperatorParameters<FetchedImage> parameters) {
        return (T) new VisitOperator(
                parameters, parameters.getMailboxExecutor(), config, job -> PoliteWeb.lease(job, config));
    }

    @Override
    @SuppressWarnings("rawtypes") // the interface's own raw type
    public Class<? extends StreamOperator> getStreamOperatorClass(ClassLoader classLoader) {
        return VisitOperator.class;
    }
}
