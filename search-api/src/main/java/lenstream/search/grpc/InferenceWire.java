package lenstream.search.grpc;

import com.google.protobuf.CodedOutputStream;
import io.grpc.MethodDescriptor;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/**
 * {@code inference.GRPCInferenceService} on the wire, for our server and our client: messages travel as the bytes they are and
 * are written field by field. Their size is limited by who receives them. Stateless.
 */
public final class InferenceWire {
    public static final String SERVICE = "inference.GRPCInferenceService";

    private InferenceWire() {}

    /** Writes the fields of a message. */
    @FunctionalInterface
    public interface Fields {
        void to(CodedOutputStream out) throws IOException;
    }

    /** A method of the service: one message, one answer. */
    public static MethodDescriptor<byte[], byte[]> method(String name) {
        return MethodDescriptor.<byte[], byte[]>newBuilder(new Bytes(), new Bytes())
                .setFullMethodName(MethodDescriptor.generateFullMethodName(SERVICE, name))
                .setType(MethodDescriptor.MethodType.UNARY)
                .build();
    }

    /** A message as protocol buffer. */
    public static byte[] write(Fields fields) {
        var bytes = new ByteArrayOutputStream();
        CodedOutputStream out = CodedOutputStream.newInstance(bytes);
        try {
            fields.to(out);
            out.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e); // memory does not fail
        }
        return bytes.toByteArray();
    }

    private static final class Bytes implements MethodDescriptor.Marshaller<byte[]> {
        @Override
        public InputStream stream(byte[] message) {
            return new ByteArrayInputStream(message);
        }

        @Override
        public byte[] parse(InputStream in) {
            try {
                return in.readAllBytes();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
