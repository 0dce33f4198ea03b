package lenstream.search;

import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import lenstream.core.image.Reason;
import lenstream.core.model.Encoder;
import lenstream.core.model.Fingerprint;
import lenstream.gpu.embed.Embedding;
import org.jspecify.annotations.Nullable;

/** Embeds a text into a direction that its hash decides, and a "picture" that is no empty array likewise. */
final class FakeEncoder implements QueryEncoder {
    static final int DIM = 4;
    private static final int LIMIT_SECONDS = 30;
    private final Fingerprint fingerprint;
    volatile boolean closed;

    /** Texts wait for it. */
    volatile CountDownLatch gate = new CountDownLatch(0);

    /** A permit for each text that has come as far as the gate. */
    final Semaphore atGate = new Semaphore(0);

    /** As many at once as there are requests. */
    volatile Batching texts = new Batching(1, 64);

    FakeEncoder() {
        this("fake-1-00000000");
    }

    FakeEncoder(String fingerprint) {
        this.fingerprint = new Fingerprint(fingerprint);
    }

    @Override
    public Fingerprint fingerprint() {
        return fingerprint;
    }

    @Override
    public String model() {
        return "fake";
    }

    @Override
    public int dim() {
        return DIM;
    }

    @Override
    public Encoder.@Nullable ScoreHint scoreHint() {
        return null;
    }

    /** An image, or the count of a tensor's values that are not zero. */
    private record Picture(int hash) implements Prepared {
        @Override
        public void close() {}
    }

    @Override
    public Batching texts() {
        return texts;
    }

    @Override
    public Batching images() {
        return new Batching(2, 1);
    }

    @Override
    public List<float[]> embedTexts(List<String> batch) {
        return batch.stream().map(this::direction).toList();
    }

    private float[] direction(String text) {
        atGate.release();
        try {
            if (!gate.await(LIMIT_SECONDS, TimeUnit.SECONDS)) {
                throw new IllegalStateException("the gate stayed shut");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return direction(text.hashCode());
    }

    @Override
    public int tokens(String text) {
        return text.split(" ").length;
    }

    @Override
    public Prepared prepare(byte[] encoded, @Nullable Region region) throws UnreadableImageException {
        if (encoded[0] == '<') {
            throw new UnreadableImageException(Reason.NOT_AN_IMAGE, "text instead of an image");
        }
        return new Picture(Arrays.hashCode(encoded));
    }

    @Override
    public int imageSize() {
        return 2;
    }

    @Override
    public Prepared prepare(float[] values, int row) {
        int count = 0;
        for (int i = 12 * row; i < 12 * row + 12; i++) {
            count += values[i] == 0 ? 0 : 1;
        }
        return new Picture(count);
    }

    @Override
    public List<Embedding> embedImages(List<Prepared> images) {
        return images.stream()
                .<Embedding>map(image -> new Embedding.Vector(direction(((Picture) image).hash())))
                .toList();
    }

    /** The vector of an encoded image. */
    static float[] ofImage(byte[] encoded) {
        return direction(Arrays.hashCode(encoded));
    }

    @Override
    public void close() {
        closed = true;
    }

    private static float[] direction(int hash) {
        var vector = new float[DIM];
        vector[Math.floorMod(hash, DIM)] = 1;
        return vector;
    }
}
