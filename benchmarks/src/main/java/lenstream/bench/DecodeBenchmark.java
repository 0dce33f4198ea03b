package lenstream.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import lenstream.gpu.decode.DecodeLimits;
import lenstream.gpu.decode.DecodeRules;
import lenstream.gpu.decode.Decoded;
import lenstream.gpu.decode.HostImageDecoder;
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
 * Images a second that one thread decodes.
 *
 * <p>{@code mvn -pl benchmarks exec:exec -Dargs="DecodeBenchmark"}
 */
@State(Scope.Benchmark)
@SuppressWarnings("NullAway.Init") // JMH fills the fields
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(1)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 5, time = 1)
public class DecodeBenchmark {
    @Param({"jpg", "png", "gif", "bmp"})
    String format;

    @Param({"640x480", "1600x1200"})
    String size;

    private final HostImageDecoder decoder = new HostImageDecoder(DecodeLimits.defaults(), DecodeRules.defaults(), 1);
    private ByteBuffer encoded;

    @Setup(Level.Trial)
    public void encode() throws IOException {
        String[] sides = size.split("x");
        byte[] bytes = Samples.encoded(Integer.parseInt(sides[0]), Integer.parseInt(sides[1]), format);
        encoded = ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
    }

    @Benchmark
    public int decode() {
        return switch (decoder.decode(encoded)) {
            case Decoded.Image image -> {
                image.pixels().close();
                yield image.frames();
            }
            case Decoded.Rejected rejected -> throw new IllegalStateException(rejected.detail());
        };
    }
}
