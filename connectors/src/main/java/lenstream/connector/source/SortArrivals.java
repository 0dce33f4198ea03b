package lenstream.connector.source;

import static java.util.Objects.requireNonNull;

import lenstream.core.command.Command;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.FetchedImage;
import lenstream.core.image.Rejection;
import lenstream.core.ledger.LedgerEntry;
import lenstream.core.ledger.LedgerEntry.Outcome;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.metrics.Counter;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;
import org.jspecify.annotations.Nullable;

/** Sorts and counts what arrived: targets go on, everything else to its side output. */
public final class SortArrivals extends ProcessFunction<Arrival, CrawlTarget> {
    /** Images with their bytes. */
    public static final OutputTag<FetchedImage> IMAGES =
            new OutputTag<>("arrived-images", TypeInformation.of(FetchedImage.class));

    /** Images that came broken. */
    public static final OutputTag<Rejection> REJECTIONS =
            new OutputTag<>("arrived-rejections", TypeInformation.of(Rejection.class));

    /** What else was said of images. */
    public static final OutputTag<LedgerEntry> LEDGER =
            new OutputTag<>("arrived-ledger", TypeInformation.of(LedgerEntry.class));

    /** Pages to be read. */
    public static final OutputTag<Command> PAGES = new OutputTag<>("arrived-pages", TypeInformation.of(Command.class));

    private static final long serialVersionUID = 1;

    private transient @Nullable Counter found;
    private transient @Nullable Counter fetched;
    private transient @Nullable Counter rejected;
    private transient @Nullable Counter unchanged;

    @Override
    public void open(OpenContext context) {
        var metrics = getRuntimeContext().getMetricGroup();
        found = metrics.counter("lenstream_found");
        fetched = metrics.counter("lenstream_fetched");
        rejected = metrics.counter("lenstream_fetch_rejected");
        unchanged = metrics.counter("lenstream_unchanged");
    }

    @Override
    public void processElement(Arrival arrival, Context context, Collector<CrawlTarget> out) {
        if (arrival.target() != null) {
            requireNonNull(found).inc();
            out.collect(arrival.target());
        }
        if (arrival.image() != null) {
            requireNonNull(fetched).inc();
            context.output(IMAGES, arrival.image());
        }
        if (arrival.rejection() != null) {
            requireNonNull(rejected).inc();
            context.output(REJECTIONS, arrival.rejection());
        }
        if (arrival.ledger() != null) {
            if (arrival.ledger().outcome() == Outcome.UNCHANGED) {
                requireNonNull(unchanged).inc();
            }
            context.output(LEDGER, arrival.ledger());
        }
        if (arrival.page() != null) {
            context.output(PAGES, arrival.page());
        }
    }
}
