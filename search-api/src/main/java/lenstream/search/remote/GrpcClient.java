package lenstream.search.remote;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.TimeUnit;
import lenstream.search.grpc.InferenceWire;

/**
 * By gRPC. The messages are few and flat and are written and read field by field. Thread-safe; owns its channel.
 *
 * <p>Source of the field numbers: KServe's {@code open_inference_grpc.proto}, which Triton's {@code grpc_service.proto} extends.
 */
final class GrpcClient implements InferenceClient {
    private static final int MAX_ANSWER = 64 << 20;
    private static final long KEEP_ALIVE_SECONDS = 30;

    private static final MethodDescriptor<byte[], byte[]> SERVER_METADATA = InferenceWire.method("ServerMetadata");
    private static final MethodDescriptor<byte[], byte[]> MODEL_METADATA = InferenceWire.method("ModelMetadata");
    private static final MethodDescriptor<byte[], byte[]> MODEL_INFER = InferenceWire.method("ModelInfer");

    private final URI base;
    private final ManagedChannel channel;

    GrpcClient(URI base, RemoteConfig config) {
        this.base = base;
        NettyChannelBuilder builder = NettyChannelBuilder.forAddress(base.getHost(), base.getPort())
                .maxInboundMessageSize(MAX_ANSWER)
                .keepAliveTime(KEEP_ALIVE_SECONDS, TimeUnit.SECONDS);
        if (base.getScheme().equals("grpc")) {
            builder.usePlaintext();
        } else if (config.authority() != null) {
            try {
                builder.sslContext(GrpcSslContexts.forClient()
                        .trustManager(config.authority().toFile())
                        .build());
            } catch (IOException | IllegalArgumentException e) {
                throw new IllegalArgumentException(
                        "authority: " + config.authority() + " cannot be used: " + e.getMessage(), e);
            }
        }
        if (config.token() != null) {
            var headers = new Metadata();
            headers.put(
                    Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER),
                    "Bearer " + config.token().value());
            builder.intercept(MetadataUtils.newAttachHeadersInterceptor(headers));
        }
        this.channel = builder.build();
    }

    @Override
    public String server(Duration limit) throws RemoteException {
        return read(call(SERVER_METADATA, new byte[0], limit), new Reader<>(new String[] {""}) {
            @Override
            boolean field(int number, CodedInputStream in) throws IOException {
                return number == 1 && set(0, in.readString());
            }

            private boolean set(int index, String text) {
                value[index] = text;
                return true;
            }
        })[0];
    }

    @Override
    public Model model(String name, Duration limit) throws RemoteException {
        byte[] question = InferenceWire.write(out -> out.writeString(1, name));
        var inputs = new ArrayList<Tensor>();
        var outputs = new ArrayList<Tensor>();
        String[] texts = read(call(MODEL_METADATA, question, limit), new Reader<>(new String[] {"", ""}) {
            @Override
            boolean field(int number, CodedInputStream in) throws IOException {
                switch (number) {
                    case 1 -> value[0] = in.readString();
                    case 4 -> inputs.add(tensor(in.readByteArray()));
                    case 5 -> outputs.add(tensor(in.readByteArray()));
                    case 6 -> {
                        String[] property = property(in.readByteArray());
                        value[1] = property[0].equals("fingerprint") ? property[1] : value[1];
                    }
                    default -> {
                        return false;
                    }
                }
                return true;
            }
        });
        return new Model(texts[0], inputs, outputs, texts[1]);
    }

    private static Tensor tensor(byte[] message) throws IOException {
        var shape = new ArrayList<Long>();
        String[] texts = parse(message, new Reader<>(new String[] {"", ""}) {
            @Override
            boolean field(int number, CodedInputStream in) throws IOException {
                switch (number) {
                    case 1, 2 -> value[number - 1] = in.readString();
                    case 3 -> {
                        if (WireFormat.getTagWireType(in.getLastTag()) == WireFormat.WIRETYPE_LENGTH_DELIMITED) {
                            int end = in.pushLimit(in.readRawVarint32());
                            while (!in.isAtEnd()) {
                                shape.add(in.readInt64());
                            }
                            in.popLimit(end);
                        } else {
                            shape.add(in.readInt64());
                        }
                    }
                    default -> {
                        return false;
                    }
                }
                return true;
            }
        });
        return new Tensor(texts[0], texts[1], shape);
    }

    /** Key and value of an entry of a map of strings. */
    private static String[] property(byte[] entry) throws IOException {
        return parse(entry, new Reader<>(new String[] {"", ""}) {
            @Override
            boolean field(int number, CodedInputStream in) throws IOException {
                if (number == 1 || number == 2) {
                    value[number - 1] = in.readString();
                    return true;
                }
                return false;
            }
        });
    }

    @Override
    public ByteBuffer infer(Call call, Duration limit) throws RemoteException {
        byte[] question = InferenceWire.write(out -> {
            out.writeString(1, call.model());
            for (Input input : call.inputs()) {
                out.writeByteArray(5, InferenceWire.write(tensor -> {
                    tensor.writeString(1, input.name());
                    tensor.writeString(2, input.datatype());
                    for (long side : input.shape()) {
                        tensor.writeInt64(3, side);
                    }
                }));
            }
            out.writeByteArray(6, InferenceWire.write(output -> output.writeString(1, call.output())));
            for (Input input : call.inputs()) {
                out.writeByteArray(7, input.raw());
            }
        });
        var names = new ArrayList<String>();
        var raw = new ArrayList<byte[]>();
        read(call(MODEL_INFER, question, limit), new Reader<>(names) {
            @Override
            boolean field(int number, CodedInputStream in) throws IOException {
                switch (number) {
                    case 5 -> {
                        Tensor tensor = tensor(in.readByteArray());
                        value.add(tensor.datatype().equals("FP32") ? tensor.name() : "");
                    }
                    case 6 -> raw.add(in.readByteArray());
                    default -> {
                        return false;
                    }
                }
                return true;
            }
        });
        int index = names.indexOf(call.output());
        if (index < 0 || index >= raw.size()) {
            throw new RemoteException(
                    RemoteException.Kind.REFUSED,
                    base + " sent an answer without an output " + call.output() + " of FP32 in raw_output_contents");
        }
        return ByteBuffer.wrap(raw.get(index)).order(ByteOrder.LITTLE_ENDIAN);
    }

    private byte[] call(MethodDescriptor<byte[], byte[]> method, byte[] question, Duration limit)
            throws RemoteException {
        try {
            return ClientCalls.blockingUnaryCall(
                    channel,
                    method,
                    CallOptions.DEFAULT.withDeadlineAfter(limit.toNanos(), TimeUnit.NANOSECONDS),
                    question);
        } catch (StatusRuntimeException e) {
            Status status = e.getStatus();
            throw new RemoteException(
                    switch (status.getCode()) {
                        case UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED, ABORTED -> RemoteException.Kind.UNREACHABLE;
                        case RESOURCE_EXHAUSTED -> RemoteException.Kind.BUSY;
                        // a cause does not travel, so this one is of our own end: grpc-java says UNKNOWN, not
                        // UNAVAILABLE,
                        // of a channel that closed under a call (its netty Utils.statusFromThrowable)
                        case UNKNOWN ->
                            status.getCause() == null ? RemoteException.Kind.REFUSED : RemoteException.Kind.UNREACHABLE;
                        default -> RemoteException.Kind.REFUSED;
                    },
                    base + " answered " + status.getCode() + ": " + status.getDescription(),
                    e);
        }
    }

    @Override
    public void reconnect() {
        channel.resetConnectBackoff();
    }

    @Override
    public void close() {
        channel.shutdownNow();
    }

    /** Takes fields of a message. */
    private abstract static class Reader<T> {
        final T value;

        Reader(T value) {
            this.value = value;
        }

        /** @return whether it has read the field; else it is skipped */
        abstract boolean field(int number, CodedInputStream in) throws IOException;
    }

    private <T> T read(byte[] message, Reader<T> reader) throws RemoteException {
        try {
            return parse(message, reader);
        } catch (IOException e) {
            throw new RemoteException(
                    RemoteException.Kind.REFUSED, base + " sent a message that is no protocol buffer", e);
        }
    }

    private static <T> T parse(byte[] message, Reader<T> reader) throws IOException {
        CodedInputStream in = CodedInputStream.newInstance(message);
        int tag;
        while ((tag = in.readTag()) != 0) {
            if (!reader.field(WireFormat.getTagFieldNumber(tag), in)) {
                in.skipField(tag);
            }
        }
        return reader.value;
    }
}
