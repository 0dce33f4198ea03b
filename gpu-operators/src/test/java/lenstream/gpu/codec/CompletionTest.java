package lenstream.gpu.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC;
import static org.bytedeco.opencv.global.opencv_core.CV_8UC1;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMWRITE_JPEG_PROGRESSIVE;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMWRITE_JPEG_QUALITY;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMWRITE_JPEG_SAMPLING_FACTOR;
import static org.bytedeco.opencv.global.opencv_imgcodecs.IMWRITE_PNG_FILTER;
import static org.bytedeco.opencv.global.opencv_imgcodecs.imencode;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import lenstream.gpu.cuda.Device;
import lenstream.gpu.cuda.DeviceBuffer;
import lenstream.gpu.cuda.PinnedBuffer;
import lenstream.gpu.cuda.Stream;
import lenstream.gpu.decode.DecodeLimits;
import lenstream.gpu.decode.DecodeRules;
import lenstream.gpu.decode.Decoded;
import lenstream.gpu.decode.Format;
import lenstream.gpu.decode.HostImageDecoder;
import lenstream.gpu.decode.HostImageReader;
import lenstream.gpu.decode.Pixels;
import lenstream.gpu.decode.Unfinished;
import lenstream.gpu.lane.GpuMachine;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.opencv.opencv_core.Mat;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;

/** What the device makes of read images equals what the CPU decodes, in every byte; one batch of every size, sampling and filter. */
@Tag("gpu")
@EnabledIf("lenstream.gpu.lane.GpuMachine#isPresent")
final class CompletionTest {
    private static final int[] SAMPLINGS = {0x111111, 0x211111, 0x121111, 0x221111};
    private static final int[][] SIZES = {
        {1, 1}, {3, 2}, {4, 5}, {5, 4}, {17, 16}, {31, 33}, {64, 64}, {65, 200}, {333, 101}, {640, 480}, {1000, 31}
    };

    private record Sample(Format format, byte[] file) {}

    @Test
    void pixelsAreThoseOfTheCpu() {
        GpuMachine.natives();
        Device device = Device.open(0);
        long before = device.allocatedBytes();
        List<Sample> images = samples();
        var reader = new HostImageReader(DecodeRules.defaults(), 1);
        int bytes = 64 << 20;
        try (CompletionKernels kernels = CompletionKernels.open(device);
                Completion completion = Completion.allocate(kernels, images.size());
                Stream stream = device.stream();
                PinnedBuffer host = device.allocatePinned("test", bytes);
                DeviceBuffer memory = device.allocate("test", bytes)) {
            var results = new ArrayList<Integer>();
            int at = 0;
            for (Sample image : images) {
                try (Unfinished read = reader.read(image.format(), image.file())) {
                    assertThat(read).isNotNull();
                    int planes = aligned(at + read.bytes());
                    int rgb = aligned(planes + (int) Completion.planeBytes(read));
                    ByteBuffer to = host.view().position(at);
                    switch (read) {
                        case Unfinished.Png png -> to.put(png.samples(), 0, png.bytes());
                        case Unfinished.Jpeg jpeg -> jpeg.copyTo(to);
                    }
                    stream.copyToDevice(host, at, memory, at, read.bytes());
                    completion.add(read, memory.address() + at, memory.address() + planes, memory.address() + rgb);
                    results.add(rgb);
                    at = aligned(rgb + 3 * read.width() * read.height());
                }
            }
            completion.run(stream);
            stream.copyToHost(memory, 0, host, 0, at);
            stream.synchronize();
            for (int i = 0; i < images.size(); i++) {
                byte[] expected = decoded(images.get(i).file());
                var seen = new byte[expected.length];
                host.view().get(results.get(i), seen);
                assertThat(seen).as("image %d", i).isEqualTo(expected);
            }
        }
        assertThat(device.allocatedBytes()).isEqualTo(before);
    }

    private static int aligned(int at) {
        return (at + 255) & ~255;
    }

    private static byte[] decoded(byte[] file) {
        var decoder = new HostImageDecoder(DecodeLimits.defaults(), DecodeRules.defaults(), 1);
        try (Pixels pixels = ((Decoded.Image) decoder.decode(ByteBuffer.wrap(file))).pixels()) {
            return Arrays.copyOf(pixels.rgbView(), 3 * pixels.width() * pixels.height());
        }
    }

    private static List<Sample> samples() {
        var random = new Random(4);
        var samples = new ArrayList<Sample>();
        for (int[] size : SIZES) {
            for (int sampling : SAMPLINGS) {
                int quality = new int[] {5, 50, 88, 100}[samples.size() % 4];
                samples.add(new Sample(
                        Format.JPEG,
                        encode(
                                random,
                                size,
                                3,
                                ".jpg",
                                IMWRITE_JPEG_QUALITY,
                                quality,
                                IMWRITE_JPEG_PROGRESSIVE,
                                1,
                                IMWRITE_JPEG_SAMPLING_FACTOR,
                                sampling)));
            }
            samples.add(new Sample(Format.JPEG, encode(random, size, 1, ".jpg", IMWRITE_JPEG_PROGRESSIVE, 1)));
            for (int filter : new int[] {8, 16, 32, 64, 128, 248}) { // none, left, above, mean, Paeth, all in turn
                for (int channels : new int[] {3, 4}) {
                    samples.add(
                            new Sample(Format.PNG, encode(random, size, channels, ".png", IMWRITE_PNG_FILTER, filter)));
                }
            }
        }
        return samples;
    }

    private static byte[] encode(Random random, int[] size, int channels, String kind, int... settings) {
        try (var image = new Mat(size[1], size[0], channels == 1 ? CV_8UC1 : CV_8UC(channels));
                var out = new BytePointer();
                var options = new IntPointer(settings)) {
            var samples = new byte[size[0] * size[1] * channels];
            for (int i = 0; i < samples.length; i++) {
                int x = i / channels % size[0];
                int y = i / channels / size[0];
                samples[i] = (byte) (127
                        + 120 * Math.sin((x * (1 + i % channels) + 3 * y) / 17.0)
                        + random.nextInt(i % 5 == 0 ? 60 : 6));
            }
            image.data().put(samples, 0, samples.length);
            imencode(kind, image, out, options);
            var encoded = new byte[(int) out.limit()];
            out.get(encoded);
            return encoded;
        }
    }
}
