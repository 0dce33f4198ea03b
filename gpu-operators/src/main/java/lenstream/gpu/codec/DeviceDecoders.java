package lenstream.gpu.codec;

import com.google.errorprone.annotations.MustBeClosed;
import java.util.ServiceLoader;
import lenstream.gpu.cuda.Natives;
import lenstream.gpu.cuda.Stream;
import lenstream.gpu.embed.DeviceException;

/**
 * A library of JPEG decoders, one decoder a lane. Found as a service, so that a build can bring another one than nvJPEG.
 * Thread-safe; its decoders are closed before it.
 */
public interface DeviceDecoders extends AutoCloseable {

    /** Makes a {@link DeviceDecoders}; a service. */
    interface Provider {
        /** As settings name it. */
        String name();

        /** @throws DeviceException if the library cannot be used */
        @MustBeClosed
        DeviceDecoders open(Natives natives);
    }

    /** Makes a decoder for batches of at most {@code capacity} images, whose pixels arrive on {@code stream}. */
    @MustBeClosed
    DeviceDecoder decoder(int capacity, Stream stream);

    @Override
    void close();

    /**
     * Opens the decoders of that name.
     *
     * @throws DeviceException if there are none, or their library cannot be used
     */
    @MustBeClosed
    static DeviceDecoders open(String name, Natives natives) {
        for (Provider provider : ServiceLoader.load(Provider.class, DeviceDecoders.class.getClassLoader())) {
            if (provider.name().equals(name)) {
                return provider.open(natives);
            }
        }
        throw new DeviceException("no decoder \"" + name + "\" is part of this build", null);
    }
}
