package lenstream.gpu.preprocess.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.FloatBuffer;
import java.util.List;
import java.util.Random;
import lenstream.core.model.Preprocessing;
import lenstream.gpu.cuda.Device;
import lenstream.gpu.cuda.DeviceBuffer;
import lenstream.gpu.cuda.PinnedBuffer;
import lenstream.gpu.cuda.Stream;
import lenstream.gpu.decode.PixelSamples;
import lenstream.gpu.decode.Pixels;
import lenstream.gpu.lane.GpuMachine;
import lenstream.gpu.preprocess.Geometry;
import lenstream.gpu.preprocess.HostPreprocessor;
import lenstream.gpu.preprocess.HostTensor;
import org.apache.arrow.memory.RootAllocator;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The kernels equal the CPU twin, and so Pillow, in every bit of a float32 tensor; one ragged batch a test. */
@Tag("gpu")
@EnabledIf("lenstream.gpu.lane.GpuMachine#isPresent")
final class CudaPreprocessorTest {
    private static final int[][] SIZES = {
        {1, 1},
        {5, 7},
        {224, 224},
        {225, 227},
        {400, 400},
        {640, 480},
        {333, 1001},
        {1600, 1200},
        {1000, 31},
        {31, 1000},
        {3001, 2003},
        {224, 300},
        {100, 224},
        {4000, 300}
    };

    @ParameterizedTest
    @CsvSource({
        "SHORTEST, BICUBIC, 224, RGB",
        "SHORTEST, BILINEAR, 256, BGR",
        "SQUASH, BICUBIC, 224, RGB",
        "SQUASH, BILINEAR, 378, RGB",
        "LONGEST, BICUBIC, 225, RGB",
        "SHORTEST, BICUBIC, 31, RGB"
    })
    void tensorIsThatOfTheCpuTwin(
            Preprocessing.ResizeMode mode,
            Preprocessing.Interpolation interpolation,
            int size,
            Preprocessing.ChannelOrder order) {
        GpuMachine.natives();
        Device device = Device.open(0);
        long before = device.allocatedBytes();
        var rules = new Preprocessing(
                Preprocessing.Orientation.APPLY,
                Preprocessing.Alpha.WHITE,
                order,
                size,
                mode,
                Preprocessing.LongerSide.FLOOR,
                interpolation,
                true,
                Preprocessing.Crop.CENTER,
                Preprocessing.CropRounding.HALF_EVEN,
                1 / 255.0,
                List.of(0.48145466, 0.4578275, 0.40821073),
                List.of(0.26862954, 0.26130258, 0.27577711));
        var random = new Random(7);
        int images = SIZES.length;
        try (var allocator = new RootAllocator();
                HostTensor expected = HostTensor.allocate(allocator, images, size);
                var twin = new HostPreprocessor(rules);
                CudaPreprocessor kernels = CudaPreprocessor.open(device, rules, false);
                PreprocessBatch batch =
                        PreprocessBatch.allocate(kernels, size, interpolation, images, 1L << 30, 256L << 20);
                Stream stream = device.stream();
                PinnedBuffer pinned = device.allocatePinned("test", 128 << 20);
                DeviceBuffer arena = device.allocate("test", 128 << 20);
                DeviceBuffer tensor = device.allocate("test", images * kernels.tensorBytes());
                PinnedBuffer result = device.allocatePinned("test", (int) (images * kernels.tensorBytes()))) {
            batch.clear();
            long at = 256;
            for (int i = 0; i < images; i++) {
                int width = SIZES[i][0];
                int height = SIZES[i][1];
                var rgb = new byte[3 * width * height];
                random.nextBytes(rgb);
                try (Pixels pixels = PixelSamples.of(rgb, width, height)) {
                    twin.apply(pixels, expected, i);
                }
                pinned.view().put((int) at, rgb);
                assertThat(batch.add(arena.address() + at, width, height, Geometry.of(rules, width, height)))
                        .isTrue();
                at += (rgb.length + 511) / 256 * 256;
            }
            stream.copyToDevice(pinned, 0, arena, 0, at);
            batch.toTensor(stream, tensor);
            stream.copyToHost(tensor, 0, result, 0, tensor.bytes());
            stream.synchronize();
            FloatBuffer found = result.view()
                    .slice(0, result.bytes())
                    .order(result.view().order())
                    .asFloatBuffer();
            FloatBuffer wanted = expected.view(images);
            int row = 3 * size * size;
            for (int i = 0; i < images; i++) {
                assertThat(found.slice(i * row, row).mismatch(wanted.slice(i * row, row)))
                        .as("first difference of %d x %d", SIZES[i][0], SIZES[i][1])
                        .isEqualTo(-1);
            }
        }
        assertThat(device.allocatedBytes()).isEqualTo(before);
    }
}
