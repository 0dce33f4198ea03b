package lenstream.job.reembed;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.FetchedImage;
import lenstream.core.image.StoredImage;
import lenstream.core.index.Field;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexUnavailableException;
import lenstream.core.index.MultiGet;
import lenstream.core.index.OpenSearchConfig;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.jspecify.annotations.Nullable;

/**
 * Lets those stored images pass that the old index shows now (same id, same hash) and the new one lacks or has of an
 * earlier observation. So a job that starts anew, after a crash or for a second pass, embeds only what is left; and what was
 * superseded, removed or taken down is never embedded. Asks in batches; holds nothing over a checkpoint. Lets them pass one
 * by one at a {@link Pace} that leaves those who search in peace.
 */
final class WantedImages extends AbstractStreamOperator<FetchedImage>
        implements OneInputStreamOperator<StoredImage, FetchedImage>, BoundedOneInput {
    private static final long serialVersionUID = 1;
    private static final int BATCH_ROWS = 128;
    private static final long BATCH_BYTES = 16 << 20;
    private static final long RETRY_MILLIS = 1_000;

    private final OpenSearchConfig openSearch;
    private final String from;
    private final String to;
    private final double mostPerSecond;
    private transient List<StoredImage> rows = new ArrayList<>();
    private transient long bytes;
    private transient @Nullable IndexClient client;
    private transient @Nullable Pace pace;
    private transient @Nullable SearchTimes searchTimes;

    /**
     * @param from name of the old index, which is searched
     * @param to name of the new one
     * @param mostPerSecond images, whatever searches bear
     */
    WantedImages(OpenSearchConfig openSearch, String from, String to, double mostPerSecond) {
        this.openSearch = openSearch;
        this.from = from;
        this.to = to;
        this.mostPerSecond = mostPerSecond;
    }

    @Override
    @SuppressWarnings("MustBeClosed") // freed in close()
    public void open() throws Exception {
        super.open();
        rows = new ArrayList<>();
        IndexClient opened = IndexClient.open(openSearch);
        client = opened;
        var first = new Pace(mostPerSecond);
        pace = first;
        searchTimes = new SearchTimes(opened, from);
        getMetricGroup().gauge("lenstream_backfill_images_per_second", first::perSecond);
    }

    @Override
    public void processElement(StreamRecord<StoredImage> element) throws InterruptedException {
        rows.add(element.getValue());
        bytes += element.getValue().bytes().length;
        if (rows.size() >= BATCH_ROWS || bytes >= BATCH_BYTES) {
            flush();
        }
    }

    @Override
    public void prepareSnapshotPreBarrier(long checkpointId) throws Exception {
        flush();
    }

    @Override
    public void endInput() throws InterruptedException {
        flush();
    }

    private void flush() throws InterruptedException {
        if (rows.isEmpty()) {
            return;
        }
        List<String> ids = rows.stream().map(StoredImage::id).distinct().toList();
        Map<String, MultiGet.Found> old = get(from, ids, List.of(Field.SHA256));
        Map<String, MultiGet.Found> now = get(to, ids, List.of(Field.SHA256));
        for (StoredImage image : rows) {
            MultiGet.Found shown = old.get(image.id());
            MultiGet.Found there = now.get(image.id());
            if (shown != null
                    && shown.source().path(Field.SHA256).asText().equals(image.sha256())
                    && (there == null || there.version() < shown.version())) {
                waitForTurn();
                output.collect(new StreamRecord<>(
                        new FetchedImage(target(image), image.bytes(), image.sha256(), shown.version())));
            }
        }
        rows = new ArrayList<>();
        bytes = 0;
    }

    private void waitForTurn() throws InterruptedException {
        Pace present = requireNonNull(pace);
        requireNonNull(searchTimes).tell(present, System.nanoTime());
        long wait = present.reserve(System.nanoTime());
        if (wait > 0) {
            TimeUnit.NANOSECONDS.sleep(wait);
        }
    }

    /** A cluster that is away is waited for, as the sink does. */
    private Map<String, MultiGet.Found> get(String index, List<String> ids, List<String> fields)
            throws InterruptedException {
        IndexClient open = client;
        if (open == null) {
            throw new IllegalStateException("not open");
        }
        while (true) {
            try {
                return MultiGet.of(open, index, ids, fields);
            } catch (IndexUnavailableException e) {
                LOG.warn("index={} does not answer, waiting", index, e);
                Thread.sleep(RETRY_MILLIS);
            }
        }
    }

    /** The document's own context comes from the old index; the pipeline needs the URL alone. */
    private static CrawlTarget target(StoredImage image) {
        return new CrawlTarget(
                image.url(), "", "", null, null, null, null, null, null, CrawlTarget.UNKNOWN_TIME, 0, "store");
    }

    @Override
    public void close() throws Exception {
        try (IndexClient open = client) {
            client = null;
        } finally {
            super.close();
        }
    }
}
