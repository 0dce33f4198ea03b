package lenstream.gpu.lane;

import java.nio.ByteBuffer;
import lenstream.core.image.PixelFeatures;
import lenstream.core.image.Reason;
import lenstream.core.image.Stage;
import lenstream.gpu.decode.Format;
import lenstream.gpu.decode.HostImageDecoder;
import lenstream.gpu.decode.HostImageReader;
import lenstream.gpu.decode.JpegStructure;
import lenstream.gpu.decode.Pixels;
import lenstream.gpu.decode.Probed;
import lenstream.gpu.decode.Unfinished;
import lenstream.gpu.embed.Embedding;
import org.jspecify.annotations.Nullable;

/** One image on its way. Handed from thread to thread through queues, so never in two hands. */
final class Item {
    /** Far below what the engines take (16384), and above all but panoramas. */
    private static final int LARGEST_SIDE = 8192;

    /** Larger ones are rare, and a batch of them would want gigabytes in the library, which sizes its memory by the largest. */
    private static final long MOST_PIXELS = 24_000_000;

    final byte[] bytes;
    final boolean wantsThumbnail;
    private final Job job;
    private final int index;

    /** Set when the header was read and found sound. */
    Probed.@Nullable Image header;

    /** Whether it is small enough for a lane. */
    boolean fits;

    /** Whether the host pool may try to read it only, for the device to go on. */
    boolean readable;

    /** Set by the host pool: read, to be finished on the device. Given back to the host pool. */
    @Nullable
    Unfinished unfinished;

    /** Bytes of it that a decoder on the device reads; 0 if it is not to be decoded there. */
    int deviceLength;

    JpegStructure.Sampling sampling = JpegStructure.Sampling.GRAY;

    /** The part of the image that is embedded; all of it if null. Only on the way through the host pool. */
    GpuEngine.@Nullable Box box;

    /** Set by the host pool: decoded, turned and cut out, to be preprocessed on the device. Given back to the host pool. */
    @Nullable
    Pixels pixels;

    /** Set by the host pool instead, for what the device has no room for: the finished row of the input tensor. */
    byte @Nullable [] tensorRow;

    /** Whether the host pool has to preprocess it too. */
    boolean wantsRow;

    int width;
    int height;
    byte @Nullable [] thumbnail;

    @Nullable
    PixelFeatures features;

    /**
     * @param wantsThumbnail whether a thumbnail is made on the way
     */
    Item(byte[] bytes, Job job, int index, boolean wantsThumbnail) {
        this.wantsThumbnail = wantsThumbnail;
        this.bytes = bytes;
        this.job = job;
        this.index = index;
    }

    /** Reads its header; false if it was rejected for that. */
    boolean readHeader(HostImageDecoder prober) {
        return switch (prober.probe(ByteBuffer.wrap(bytes))) {
            case Probed.Rejected rejected -> {
                reject(rejected.format(), Stage.DECODE, rejected.reason(), rejected.detail());
                yield false;
            }
            case Probed.Image image -> {
                header = image;
                fits = image.width() <= LARGEST_SIDE
                        && image.height() <= LARGEST_SIDE
                        && (long) image.width() * image.height() <= MOST_PIXELS;
                readable = fits && HostImageReader.mayRead(image.format(), bytes);
                yield true;
            }
        };
    }

    void reject(@Nullable Format format, Stage stage, Reason reason, String detail) {
        job.done(index, new Outcome.Rejected(format, stage, reason, detail));
    }

    /** Fails the whole job: the caller asked for what cannot be. */
    void fail(IllegalArgumentException problem) {
        job.result.completeExceptionally(problem);
        job.abandon();
    }

    void embedded(Embedding embedding) {
        Probed.Image known = header();
        switch (embedding) {
            case Embedding.Vector vector ->
                job.done(
                        index,
                        new Outcome.Embedded(
                                known.format(), width, height, known.frames(), vector.values(), thumbnail, features));
            case Embedding.Bad bad -> reject(known.format(), Stage.EMBED, Reason.BAD_EMBEDDING, bad.detail());
        }
    }

    Probed.Image header() {
        Probed.Image known = header;
        if (known == null) {
            throw new IllegalStateException("the header was not read yet");
        }
        return known;
    }
}
