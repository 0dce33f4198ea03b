package lenstream.search;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import lenstream.core.image.Reason;
import lenstream.core.model.Encoder;
import lenstream.core.model.Fingerprint;
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

    @Override
    public float[] embedText(String text) {
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
    public float[] embedImage(byte[] encoded, @Nullable Region region) throws UnreadableImageException {
        if (encoded[0] == '<') {
            throw new UnreadableImageException(Reason.NOT_AN_IMAGE, "text instead of an image");
        }
        return direction(Arrays.hashCode(encoded));
    }

    @Override
    public int imageSize() {
        return 2;
    }

    /** Each row counts its values that are not zero. */
    @Override
    public List<float[]> embedTensors(float[] values) {
        var rows = new ArrayList<float[]>();
        for (int from = 0; from < values.length; from += 12) {
            int count = 0;
            for (int i = from; i < from + 12; i++) {
                count += values[i] == 0 ? 0 : 1;
            }
            rows.add(direction(count));
        }
        return rows;
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
