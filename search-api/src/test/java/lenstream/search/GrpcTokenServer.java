package lenstream.search;

import com.google.protobuf.InvalidProtocolBufferException;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerServiceDefinition;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import io.grpc.stub.ServerCalls;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import lenstream.search.grpc.InferenceWire;

/** What {@link TokenServer} is, over gRPC. */
final class GrpcTokenServer implements AutoCloseable {
    private static final String TEXT = "lensmini-text";

    private final Function<long[], float[]> vectors;
    private final ManagedChannel images;
    private final Server server;

    /**
     * @param vectors of the tokens of a text
     * @param imagePort of the server that has the image model
     * @param token that it asks for
     */
    GrpcTokenServer(Function<long[], float[]> vectors, int imagePort, String token) throws IOException {
        this.vectors = vectors;
        var headers = new Metadata();
        headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + token);
        images = NettyChannelBuilder.forAddress("127.0.0.1", imagePort)
                .usePlaintext()
                .intercept(MetadataUtils.newAttachHeadersInterceptor(headers))
                .build();
        server = NettyServerBuilder.forAddress(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0))
                .addService(ServerServiceDefinition.builder(InferenceWire.SERVICE)
                        .addMethod(
                                InferenceWire.method("ServerMetadata"),
                                ServerCalls.asyncUnaryCall((message, answer) -> {
                                    answer.onNext(InferMessage.server("triton", "2"));
                                    answer.onCompleted();
                                }))
                        .addMethod(
                                InferenceWire.method("ModelMetadata"), ServerCalls.asyncUnaryCall((message, answer) -> {
                                    answer.onNext(metadata(name(message)));
                                    answer.onCompleted();
                                }))
                        .addMethod(InferenceWire.method("ModelInfer"), ServerCalls.asyncUnaryCall((message, answer) -> {
                            answer.onNext(infer(message));
                            answer.onCompleted();
                        }))
                        .build())
                .build()
                .start();
    }

    int port() {
        return server.getPort();
    }

    private static String name(byte[] message) {
        try {
            return InferMessage.model(message).getFirst();
        } catch (InvalidProtocolBufferException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** As a server that does not know fingerprints. */
    private static byte[] metadata(String name) {
        boolean text = name.equals(TEXT);
        return InferenceWire.write(out -> {
            out.writeString(1, name);
            for (String input : text ? List.of("input_ids", "attention_mask", "token_type_ids") : List.of("image")) {
                out.writeByteArray(4, text ? tensor(input, "INT64", -1, -1) : tensor(input, "FP32", -1, 3, 224, 224));
            }
            out.writeByteArray(
                    5, text ? tensor("last_hidden_state", "FP32", -1, -1, 384) : tensor("embedding", "FP32", -1, 384));
        });
    }

    private byte[] infer(byte[] message) {
        InferMessage.Request request;
        try {
            request = InferMessage.request(message);
        } catch (InvalidProtocolBufferException e) {
            throw new UncheckedIOException(e);
        }
        if (!request.model().equals(TEXT)) {
            return ClientCalls.blockingUnaryCall(
                    images, InferenceWire.method("ModelInfer"), CallOptions.DEFAULT, message);
        }
        Map<String, long[]> inputs = new LinkedHashMap<>();
        int rows = 0;
        int columns = 0;
        for (int i = 0; i < request.inputs().size(); i++) {
            InferMessage.Input input = request.inputs().get(i);
            rows = (int) input.shape()[0];
            columns = (int) input.shape()[1];
            var values = new long[rows * columns];
            request.raw()
                    .get(i)
                    .duplicate()
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .asLongBuffer()
                    .get(values);
            inputs.put(input.name(), values);
        }
        byte[] raw = TokenServer.tokenVectors(inputs, rows, columns, vectors);
        byte[] output = tensor("last_hidden_state", "FP32", rows, columns, 384);
        return InferenceWire.write(out -> {
            out.writeString(1, TEXT);
            out.writeByteArray(5, output);
            out.writeByteArray(6, raw);
        });
    }

    private static byte[] tensor(String name, String datatype, long... shape) {
        return InferenceWire.write(out -> {
            out.writeString(1, name);
            out.writeString(2, datatype);
            for (long side : shape) {
                out.writeInt64(3, side);
            }
        });
    }

    @Override
    public void close() {
        server.shutdownNow();
        images.shutdownNow();
    }
}
