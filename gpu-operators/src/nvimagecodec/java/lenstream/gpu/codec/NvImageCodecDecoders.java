package lenstream.gpu.codec;

import com.google.errorprone.annotations.MustBeClosed;
import lenstream.gpu.cuda.Natives;
import lenstream.gpu.cuda.Stream;
import org.jspecify.annotations.Nullable;

/** nvImageCodec's decoders, in builds with the profile {@code nvimagecodec}. */
public final class NvImageCodecDecoders implements DeviceDecoders.Provider, DeviceDecoders {
    /** Threads of each decoder's own, for parsing. */
    private static final int THREADS = 2;

    private final @Nullable NvImageCodec library;

    /** As a service: opens, but has not opened anything. */
    public NvImageCodecDecoders() {
        this(null);
    }

    private NvImageCodecDecoders(@Nullable NvImageCodec library) {
        this.library = library;
    }

    @Override
    public String name() {
        return "nvimagecodec";
    }

    @Override
    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // freed in close()
    public DeviceDecoders open(Natives natives) {
        return new NvImageCodecDecoders(NvImageCodec.open(natives.codecExtensions()));
    }

    @Override
    @MustBeClosed
    public DeviceDecoder decoder(int capacity, Stream stream) {
        NvImageCodec open = library;
        if (open == null) {
            throw new IllegalStateException("nvImageCodec was not opened");
        }
        return NvImageCodecDecoder.open(open, capacity, THREADS, stream);
    }

    @Override
    public void close() {
        NvImageCodec open = library;
        if (open != null) {
            open.close();
        }
    }
}
