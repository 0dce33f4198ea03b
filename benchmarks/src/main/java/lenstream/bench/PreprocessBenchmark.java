package lenstream.bench;

import java.util.concurrent.TimeUnit;
import lenstream.core.model.Preprocessing.Interpolation;
import lenstream.gpu.preprocess.Resizer;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Images a second that one thread resizes to 224, shortest side, centre crop, bicubic: nearly all of preprocessing.
 *
 * <p>{@code mvn -pl benchmarks exec:exec -Dargs="PreprocessBenchmark"}
 */
@State(Scope.Benchmark)
@SuppressWarnings("NullAway.Init") // JMH fills the fields
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(1)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 5, time = 1)
public class PreprocessBenchmark {
    @Param({"400x300", "640x480", "1600x1200", "4000x3000"})
    String size;

    private final Resizer resizer = new Resizer();
    private final byte[] square = new byte[224 * 224 * 3];
    private byte[] rgb;
    private int width;
    private int height;

    @Setup(Level.Trial)
    public void draw() {
        String[] sides = size.split("x");
        width = Integer.parseInt(sides[0]);
        height = Integer.parseInt(sides[1]);
        rgb = Samples.rgb(width, height);
    }

    @Benchmark
    public byte[] resize() {
        int longer = 224 * width / height;
        resizer.resize(rgb, width, height, longer, 224, Interpolation.BICUBIC, (longer - 224) / 2, 0, 224, 224, square);
        return square;
    }
}
