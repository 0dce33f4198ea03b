package lenstream.bench;

import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import lenstream.core.image.PixelFeatures;
import lenstream.gpu.features.PixelAnalysis;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Microseconds that one thread needs for the perceptual hash and the colours of a thumbnail of 256 x 192.
 *
 * <p>{@code mvn -pl benchmarks exec:exec -Dargs="PixelFeaturesBenchmark"}
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 5, time = 1)
public class PixelFeaturesBenchmark {
    private static final int WIDTH = 256;
    private static final int HEIGHT = 192;
    private final byte[] rgb = new byte[WIDTH * HEIGHT * 3];

    @Setup
    public void fill() {
        new SplittableRandom(1).nextBytes(rgb);
    }

    @Benchmark
    public PixelFeatures analyse() {
        return PixelAnalysis.of(rgb, WIDTH, HEIGHT);
    }
}
