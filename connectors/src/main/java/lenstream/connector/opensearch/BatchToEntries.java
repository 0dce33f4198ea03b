package lenstream.connector.opensearch;

import java.time.Instant;
import java.util.function.BiPredicate;
import lenstream.core.image.ArrowBatch;
import lenstream.core.image.EmbeddedImage;
import lenstream.core.image.PixelRules;
import lenstream.core.image.Rejection;
import lenstream.core.image.Stage;
import lenstream.core.index.IndexLayout;
import lenstream.core.ledger.LedgerEntry;
import lenstream.core.ledger.LedgerEntry.Outcome;
import lenstream.core.model.Fingerprint;
import org.apache.arrow.memory.BufferAllocator;
import org.apache.arrow.memory.RootAllocator;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichFlatMapFunction;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/** Makes bulk entries of the rows of a batch. The index is that of the batch's fingerprint. */
public final class BatchToEntries extends RichFlatMapFunction<ArrowBatch, BulkEntry> {
    private static final long serialVersionUID = 1;
    /** A batch is a few MiB; reading one that needs more than this is a fault. */
    private static final long MEMORY_BYTES = 1L << 30;

    private final IndexLayout layout;
    private final PixelRules kept;
    private final boolean vectorsOnly;
    private transient @Nullable BufferAllocator allocator;
    private transient @Nullable RejectionCounters rejections;

    /** @param kept what the image store keeps, which every document says */
    public BatchToEntries(IndexLayout layout, PixelRules kept) {
        this(layout, kept, false);
    }

    private BatchToEntries(IndexLayout layout, PixelRules kept, boolean vectorsOnly) {
        this.layout = layout;
        this.kept = kept;
        this.vectorsOnly = vectorsOnly;
    }

    /** The same for a second space: thumbnails and rejections belong to the image, and the first space writes them. */
    public BatchToEntries vectorsOnly() {
        return new BatchToEntries(layout, kept, true);
    }

    @Override
    public void open(OpenContext context) {
        allocator = new RootAllocator(MEMORY_BYTES);
        rejections =
                vectorsOnly ? null : new RejectionCounters(getRuntimeContext().getMetricGroup());
    }

    @Override
    public void flatMap(ArrowBatch batch, Collector<BulkEntry> out) {
        write(batch, (row, fingerprint) -> true, out);
    }

    /**
     * The entries of some rows.
     *
     * @param wanted of a row and the fingerprint of its embedding, whether it is written
     */
    void write(ArrowBatch batch, BiPredicate<EmbeddedImage, String> wanted, Collector<BulkEntry> out) {
        if (allocator == null) {
            throw new IllegalStateException("not open");
        }
        ArrowBatch.Contents contents = batch.read(allocator);
        var fingerprint = new Fingerprint(contents.fingerprint());
        Instant now = Instant.now();
        for (EmbeddedImage row : contents.rows()) {
            if (!wanted.test(row, contents.fingerprint())) {
                continue;
            }
            if (rejections != null && row.rejected()) {
                Rejection rejection = row.toRejection();
                rejections.count(rejection.stage(), rejection.reason());
            }
            for (BulkEntry entry : ImageEntries.of(row, layout, fingerprint, kept, now)) {
                if (!vectorsOnly || entry.index().equals(layout.imageIndex(fingerprint))) {
                    out.collect(entry);
                }
            }
            if (!vectorsOnly) {
                out.collect(LedgerToEntries.of(line(row, now.toEpochMilli()), layout));
            }
        }
    }

    /** The same observation gives the same line, however often a replay brings it. */
    private static LedgerEntry line(EmbeddedImage row, long nowMillis) {
        Stage stage = row.stage();
        boolean isRejected = row.rejected();
        return new LedgerEntry(
                row.target(),
                "embed-" + Long.toString(row.version(), Character.MAX_RADIX),
                stage == null ? Stage.EMBED : stage,
                isRejected ? Outcome.REJECTED : Outcome.EMBEDDED,
                row.reason(),
                isRejected
                        ? String.valueOf(row.detail())
                        : row.mime() + ", " + row.width() + " x " + row.height() + " pixels",
                null,
                nowMillis,
                nowMillis,
                1,
                0);
    }

    @Override
    public void close() {
        if (allocator != null) {
            allocator.close();
            allocator = null;
        }
    }
}
