package lenstream.connector.fetch;

import java.io.Serializable;
import lenstream.core.command.Command;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.FetchedImage;
import lenstream.core.image.Rejection;
import lenstream.core.ledger.LedgerEntry;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.runtime.jobgraph.OperatorID;
import org.apache.flink.runtime.operators.coordination.OperatorCoordinator;
import org.apache.flink.streaming.api.operators.AbstractStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.CoordinatedOperatorFactory;
import org.apache.flink.streaming.api.operators.StreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.streaming.api.operators.TwoInputStreamOperatorFactory;
import org.apache.flink.util.OutputTag;

/**
 * Makes the operator that visits image URLs. Its first input is keyed by {@link CrawlTarget#host()}, its second one, the
 * commands, is broadcast; new and changed images are its output, what will not be indexed goes to {@link #REJECTIONS},
 * what was decided to {@link #LEDGER}. A client of the job may ask it a {@link VisitStanding.Question}.
 */
public final class VisitOperatorFactory extends AbstractStreamOperatorFactory<FetchedImage>
        implements TwoInputStreamOperatorFactory<CrawlTarget, Command, FetchedImage>,
                CoordinatedOperatorFactory<FetchedImage> {
    /** The operator's uid in every job. */
    public static final String UID = "visit";

    /** Side output of images that could not be fetched. */
    public static final OutputTag<Rejection> REJECTIONS =
            new OutputTag<>("visit-rejections", TypeInformation.of(Rejection.class));

    /** Side output of what was decided about URLs. */
    public static final OutputTag<LedgerEntry> LEDGER =
            new OutputTag<>("visit-ledger", TypeInformation.of(LedgerEntry.class));

    private static final long serialVersionUID = 1;

    private final FetchConfig config;
    private final Webs webs;

    /** @param sharesHosts whether the job discovers web sites, too, whose readers share hosts with other processes */
    @SuppressWarnings("MustBeClosed") // the operator closes its lease
    public VisitOperatorFactory(FetchConfig config, boolean sharesHosts) {
        this(config, job -> PoliteWeb.lease(job, config, sharesHosts));
    }

    VisitOperatorFactory(FetchConfig config, Webs webs) {
        this.config = config;
        this.webs = webs;
    }

    /** Where a job's operator gets its way to the web from; it closes what it gets. */
    interface Webs extends Serializable {
        PoliteWeb lease(String job);
    }

    @Override
    @SuppressWarnings("unchecked") // the interface's own type parameter
    public <T extends StreamOperator<FetchedImage>> T createStreamOperator(
            StreamOperatorParameters<FetchedImage> parameters) {
        return (T) new VisitOperator(
                parameters,
                parameters.getMailboxExecutor(),
                parameters
                        .getOperatorEventDispatcher()
                        .getOperatorEventGateway(parameters.getStreamConfig().getOperatorID()),
                config,
                webs);
    }

    @Override
    public OperatorCoordinator.Provider getCoordinatorProvider(String operatorName, OperatorID operatorId) {
        return new Coordinators(operatorId);
    }

    private record Coordinators(OperatorID operatorId) implements OperatorCoordinator.Provider {
        @Override
        public OperatorID getOperatorId() {
            return operatorId;
        }

        @Override
        public OperatorCoordinator create(OperatorCoordinator.Context context) {
            return new VisitCoordinator(context.currentParallelism());
        }
    }

    @Override
    @SuppressWarnings("rawtypes") // the interface's own raw type
    public Class<? extends StreamOperator> getStreamOperatorClass(ClassLoader classLoader) {
        return VisitOperator.class;
    }
}
