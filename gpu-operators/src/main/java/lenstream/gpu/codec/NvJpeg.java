package lenstream.gpu.codec;

import com.google.errorprone.annotations.MustBeClosed;
import lenstream.gpu.cuda.Natives;
import lenstream.gpu.cuda.Stream;

/** nvJPEG's hardware decoders, part of CUDA: the default. */
public final class NvJpeg implements DeviceDecoders.Provider, DeviceDecoders {
    /** As settings name it. */
    public static final String NAME = "nvjpeg";

    @Override
    public String name() {
        return NAME;
    }

    @Override
    @MustBeClosed
    public DeviceDecoders open(Natives natives) {
        return new NvJpeg();
    }

    @Override
    @MustBeClosed
    public DeviceDecoder decoder(int capacity, Stream stream) {
        return NvJpegDecoder.open(capacity, stream);
    }

    /** Its decoders hold everything. */
    @Override
    public void close() {}
}
