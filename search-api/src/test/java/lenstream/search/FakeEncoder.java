package lenstream.search;

import java.util.Arrays;
import lenstream.core.image.Reason;
import lenstream.core.model.Encoder;
import lenstream.core.model.Fingerprint;
import org.jspecify.annotations.Nullable;

/** Embeds a text into a direction that its hash decides, and a "picture" that is no empty array likewise. */
final class FakeEncoder implements QueryEncoder {
    static final int DIM = 4;
    volatile boolean closed;

    @Override
    public Fingerprint fingerprint() {
        return new Fingerprint("fake-1-00000000");
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
    public void close() {
        closed = true;
    }

    private static float[] direction(int hash) {
        var vector = new float[DIM];
        vector[Math.floorMod(hash, DIM)] = 1;
        return vector;
    }
}
