package lenstream.gpu.lifetime;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import lenstream.gpu.decode.DecodeLimits;
import lenstream.gpu.decode.DecodeRules;
import lenstream.gpu.decode.Decoded;
import lenstream.gpu.decode.HostImageDecoder;
import lenstream.gpu.embed.onnx.OnnxModel;
import org.slf4j.LoggerFactory;

/** Opens decoder and network on a thread that is interrupted already, as Flink does to a task that it cancels; then uses them. */
final class InterruptedStart {
    private InterruptedStart() {}

    /** @param args an AVIF, a JPEG, and a network */
    public static void main(String[] args) throws Exception {
        LoggerFactory.getLogger(InterruptedStart.class); // a task finds logging at work
        List<ByteBuffer> pictures = List.of(read(args[0]), read(args[1]));
        byte[] network = Files.readAllBytes(Path.of(args[2]));
        Thread.currentThread().interrupt();
        try {
            use(pictures, network);
        } catch (LinkageError e) {
            System.out.println("the task that was cancelled failed: " + e);
        }
        System.out.println("interrupted " + Thread.interrupted());
        System.out.println(use(pictures, network));
    }

    /** How many pictures were decoded. */
    private static long use(List<ByteBuffer> pictures, byte[] network) {
        try (var decoder = new HostImageDecoder(DecodeLimits.defaults(), DecodeRules.defaults(), 1);
                OnnxModel model = OnnxModel.open("network", network, 1)) {
            Objects.requireNonNull(model);
            return pictures.stream()
                    .filter(picture -> decoder.decode(picture) instanceof Decoded.Image)
                    .count();
        }
    }

    private static ByteBuffer read(String file) throws IOException {
        byte[] bytes = Files.readAllBytes(Path.of(file));
        return ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
    }
}
