package lenstream.search;

import com.google.errorprone.annotations.MustBeClosed;
import com.google.protobuf.InvalidProtocolBufferException;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCalls;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import lenstream.search.grpc.InferenceWire;
import lenstream.search.http.Deadline;
import lenstream.search.http.HttpConfig;
import lenstream.search.http.ProblemException;
import lenstream.search.http.RouteTable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The Open Inference Protocol, version 2, over gRPC: {@code inference.GRPCInferenceService} with its six methods and two of Triton's that its tools need. Tokens,
 * rates, admission, TLS files and limits are those of the HTTP server. Calls run on virtual threads. Thread-safe.
 */
final class GrpcInference implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(GrpcInference.class);
    private static final int MAX_METADATA = 16 << 10;
    private static final int MAX_CALLS = 256;
    private static final long GRACE_SECONDS = 5;
    private static final Metadata.Key<String> AUTHORIZATION =
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
    private static final Context.Key<String> TOKEN = Context.key("authorization");
    private static final Context.Key<String> PEER = Context.key("peer");

    private final ActiveSpace spaces;
    private final RouteTable table;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Server server;

    /** Makes the answer to a message. */
    private interface Work {
        byte[] answer(byte[] message, InferenceModels models) throws InvalidProtocolBufferException;
    }

    private GrpcInference(String host, int port, HttpConfig http, ActiveSpace spaces, RouteTable table) {
        this.spaces = spaces;
        this.table = table;
        NettyServerBuilder builder = NettyServerBuilder.forAddress(new InetSocketAddress(host, port))
                .executor(threads)
                .maxInboundMessageSize((int) http.maxBody().bytes())
                .maxInboundMetadataSize(MAX_METADATA)
                .maxConcurrentCallsPerConnection(MAX_CALLS)
                .maxConnectionIdle(10, TimeUnit.MINUTES)
                .permitKeepAliveTime(10, TimeUnit.SECONDS)
                .intercept(new Sender())
                .addService(service());
        if (http.tls() != null) {
            builder.useTransportSecurity(
                    http.tls().certificate().toFile(), http.tls().key().toFile());
        }
        this.server = builder.build();
    }

    /** @throws StartException if the port is taken */
    @MustBeClosed
    static GrpcInference start(String host, int port, HttpConfig http, ActiveSpace spaces, RouteTable table) {
        var grpc = new GrpcInference(host, port, http, spaces, table);
        try {
            grpc.server.start();
            LOG.info("event=grpc_started port={}", grpc.port());
            return grpc;
        } catch (IOException e) {
            grpc.threads.close();
            throw new StartException(
                    "gRPC port " + port + " on " + host + " cannot be used (" + e.getMessage()
                            + "): stop the program that holds it or choose another port (0 takes a free one)",
                    e);
        }
    }

    int port() {
        return server.getPort();
    }

    private ServerServiceDefinition service() {
        return ServerServiceDefinition.builder(InferenceWire.SERVICE)
                .addMethod(InferenceWire.method("ServerLive"), unary("health", (message, models) -> InferMessage.yes()))
                .addMethod(
                        InferenceWire.method("ServerReady"), unary("health", (message, models) -> InferMessage.yes()))
                .addMethod(InferenceWire.method("ModelReady"), unary("inference", (message, models) -> {
                    require(models, message);
                    return InferMessage.yes();
                }))
                .addMethod(
                        InferenceWire.method("ServerMetadata"),
                        unary(
                                "inference",
                                (message, models) -> InferMessage.server("lenstream", InferenceModels.VERSION)))
                .addMethod(InferenceWire.method("ModelMetadata"), unary("inference", (message, models) -> {
                    String name = require(models, message);
                    return InferMessage.metadata(
                            name,
                            models.input(name),
                            new long[] {-1},
                            new long[] {-1, models.encoder().dim()},
                            models.encoder().fingerprint().value());
                }))
                .addMethod(InferenceWire.method("ModelConfig"), unary("inference", (message, models) -> {
                    String name = require(models, message);
                    return InferMessage.config(
                            name, models.input(name), models.encoder().dim());
                }))
                .addMethod(InferenceWire.method("ModelStatistics"), unary("inference", (message, models) -> {
                    String name = require(models, message);
                    return InferMessage.statistics(name, models.done(name));
                }))
                .addMethod(InferenceWire.method("ModelInfer"), unary("inference", GrpcInference::infer))
                .build();
    }

    private static String require(InferenceModels models, byte[] message) throws InvalidProtocolBufferException {
        List<String> asked = InferMessage.model(message);
        return models.require(asked.get(0), asked.get(1));
    }

    private static byte[] infer(byte[] message, InferenceModels models) throws InvalidProtocolBufferException {
        InferMessage.Request request = InferMessage.request(message);
        String name = models.require(request.model(), request.version());
        if (request.inputs().size() != 1) {
            throw ProblemException.badRequest("inputs must be exactly one tensor.");
        }
        InferMessage.Input input = request.inputs().getFirst();
        models.requireInput(name, input.name());
        request.outputs().forEach(InferenceModels::requireOutput);
        if (input.shape().length == 0 || input.shape().length > 4) {
            throw ProblemException.badRequest("shape must have 1 to 4 numbers.");
        }
        boolean raw = !request.raw().isEmpty();
        if (request.raw().size() > 1 || (raw && (!input.elements().isEmpty() || input.floats().length > 0))) {
            throw ProblemException.badRequest(
                    "raw_input_contents must have one element an input, and no typed contents beside it.");
        }
        TensorData data =
                raw ? TensorData.ofBinary(request.raw().getFirst()) : TensorData.of(input.elements(), input.floats());
        List<float[]> rows = InferenceModels.within(request.timeoutMicros())
                .during(() -> models.embed(name, input.datatype(), input.shape(), data));
        return InferMessage.response(request, rows, models.encoder().dim());
    }

    private ServerCallHandler<byte[], byte[]> unary(String type, Work work) {
        return ServerCalls.asyncUnaryCall((message, answer) -> {
            try {
                byte[] bytes =
                        table.call(type, String.valueOf(TOKEN.get()), String.valueOf(PEER.get()), deadline(), () -> {
                            SearchSpace space = spaces.hold();
                            try {
                                return work.answer(message, space.models());
                            } catch (InvalidProtocolBufferException e) {
                                throw ProblemException.badRequest("The message is no valid protocol buffer.");
                            } finally {
                                space.release();
                            }
                        });
                answer.onNext(bytes);
                answer.onCompleted();
            } catch (ProblemException e) {
                answer.onError(status(e).withDescription(e.detail()).asRuntimeException());
            } catch (RuntimeException e) {
                LOG.error("event=call_failed type={}", type, e);
                answer.onError(Status.INTERNAL
                        .withDescription(ProblemException.internal().detail())
                        .asRuntimeException());
            }
        });
    }

    /** The caller's own. */
    private static Deadline deadline() {
        io.grpc.Deadline asked = Context.current().getDeadline();
        return asked == null
                ? Deadline.current()
                : Deadline.after(Duration.ofNanos(asked.timeRemaining(TimeUnit.NANOSECONDS)));
    }

    private static Status status(ProblemException problem) {
        return switch (problem.status()) {
            case 401 -> Status.UNAUTHENTICATED;
            case 403 -> Status.PERMISSION_DENIED;
            case 404 -> Status.NOT_FOUND;
            case 429 -> Status.RESOURCE_EXHAUSTED;
            case 503 -> Status.UNAVAILABLE;
            case 500 -> Status.INTERNAL;
            default -> Status.INVALID_ARGUMENT;
        };
    }

    /** Notes who calls. */
    private static final class Sender implements ServerInterceptor {
        @Override
        public <Q, A> ServerCall.Listener<Q> interceptCall(
                ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
            String token = headers.get(AUTHORIZATION);
            SocketAddress peer = call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR);
            String address = peer instanceof InetSocketAddress socket
                    ? socket.getAddress().getHostAddress()
                    : String.valueOf(peer);
            Context context = Context.current()
                    .withValue(TOKEN, token == null ? "" : token)
                    .withValue(PEER, address);
            return Contexts.interceptCall(context, call, headers, next);
        }
    }

    @Override
    public void close() {
        server.shutdown();
        try {
            if (!server.awaitTermination(GRACE_SECONDS, TimeUnit.SECONDS)) {
                server.shutdownNow();
            }
        } catch (InterruptedException e) {
            server.shutdownNow();
            Thread.currentThread().interrupt();
        }
        threads.close();
    }
}
