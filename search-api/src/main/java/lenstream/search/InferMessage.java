package lenstream.search;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.WireFormat;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import lenstream.search.grpc.InferenceWire;

/**
 * The messages of {@code inference.GRPCInferenceService} that this server reads and writes, as protocol buffers. There are
 * few of them and they are flat, so they are read field by field; fields that mean nothing here are skipped. Stateless.
 *
 * <p>Source of the field numbers: KServe's {@code open_inference_grpc.proto}, which Triton's {@code grpc_service.proto}
 * extends.
 */
final class InferMessage {
    private InferMessage() {}

    /**
     * An input.
     *
     * @param elements typed contents of {@code BYTES}
     * @param floats typed contents of {@code FP32}
     */
    record Input(String name, String datatype, long[] shape, List<byte[]> elements, float[] floats) {}

    /**
     * A {@code ModelInferRequest}.
     *
     * @param timeoutMicros Triton's parameter {@code timeout}; 0 if there is none
     * @param raw contents of the inputs in their order, little-endian; empty if the contents are typed
     */
    record Request(
            String model,
            String version,
            String id,
            long timeoutMicros,
            List<Input> inputs,
            List<String> outputs,
            List<ByteBuffer> raw) {}

    /** The two strings that every request about a model begins with: its name and its version. */
    static List<String> model(byte[] message) throws InvalidProtocolBufferException {
        return read(message, new Reader<>(new ArrayList<>(List.of("", ""))) {
            @Override
            boolean field(int number, CodedInputStream in) throws IOException {
                if (number == 1 || number == 2) {
                    value.set(number - 1, in.readStringRequireUtf8());
                    return true;
                }
                return false;
            }
        });
    }

    static Request request(byte[] message) throws InvalidProtocolBufferException {
        var strings = new String[] {"", "", "", ""};
        var inputs = new ArrayList<Input>();
        var outputs = new ArrayList<String>();
        var raw = new ArrayList<ByteBuffer>();
        var timeout = new long[1];
        read(message, new Reader<>(strings) {
            @Override
            boolean field(int number, CodedInputStream in) throws IOException {
                switch (number) {
                    case 1, 2, 3 -> value[number] = in.readStringRequireUtf8();
                    case 4 -> timeout[0] = Math.max(timeout[0], timeout(in.readByteArray()));
                    case 5 -> inputs.add(input(in.readByteArray()));
                    case 6 -> outputs.add(model(in.readByteArray()).getFirst());
                    case 7 -> raw.add(in.readByteBuffer().order(ByteOrder.LITTLE_ENDIAN));
                    default -> {
                        return false;
                    }
                }
                return true;
            }
        });
        return new Request(strings[1], strings[2], strings[3], timeout[0], inputs, outputs, raw);
    }

    /** The whole number that an entry of the parameters named {@code timeout} has; 0 if it is another. */
    private static long timeout(byte[] entry) throws InvalidProtocolBufferException {
        var name = new String[] {""};
        var micros = new long[1];
        read(entry, new Reader<>(name) {
            @Override
            boolean field(int number, CodedInputStream in) throws IOException {
                switch (number) {
                    case 1 -> value[0] = in.readStringRequireUtf8();
                    case 2 -> micros[0] = wholeNumber(in.readByteArray());
                    default -> {
                        return false;
                    }
                }
                return true;
            }
        });
        return name[0].equals("timeout") ? micros[0] : 0;
    }

    /** Of an {@code InferParameter}: its {@code int64_param} or {@code uint64_param}. */
    private static long wholeNumber(byte[] parameter) throws InvalidProtocolBufferException {
        return read(parameter, new Reader<>(new long[1]) {
            @Override
            boolean field(int number, CodedInputStream in) throws IOException {
                if ((number != 2 && number != 5) || WireFormat.getTagWireType(in.getLastTag()) != 0) {
                    return false;
                }
                value[0] = in.readInt64();
                return true;
            }
        })[0];
    }

    private static Input input(byte[] message) throws InvalidProtocolBufferException {
        var strings = new String[] {"", "", ""};
        var shape = new ArrayList<Long>();
        var elements = new ArrayList<byte[]>();
        var floats = new ArrayList<float[]>();
        read(message, new Reader<>(strings) {
            @Override
            boolean field(int number, CodedInputStream in) throws IOException {
                switch (number) {
                    case 1, 2 -> value[number] = in.readStringRequireUtf8();
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
                    case 5 -> contents(in.readByteArray(), elements, floats);
                    default -> {
                        return false;
                    }
                }
                return true;
            }
        });
        return new Input(
                strings[1],
                strings[2],
                shape.stream().mapToLong(Long::longValue).toArray(),
                elements,
                floats.isEmpty() ? new float[0] : floats.getFirst());
    }

    private static void contents(byte[] message, List<byte[]> elements, List<float[]> floats)
            throws InvalidProtocolBufferException {
        read(message, new Reader<>(elements) {
            @Override
            boolean field(int number, CodedInputStream in) throws IOException {
                boolean packed = WireFormat.getTagWireType(in.getLastTag()) == WireFormat.WIRETYPE_LENGTH_DELIMITED;
                if (number == 6 && packed) {
                    ByteBuffer bytes = in.readByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
                    var values = new float[bytes.remaining() / Float.BYTES];
                    bytes.asFloatBuffer().get(values);
                    floats.add(values);
                } else if (number == 8 && packed) {
                    value.add(in.readByteArray());
                } else {
                    return false;
                }
                return true;
            }
        });
    }

    /** A message of {@code bool} fields with number 1. */
    static byte[] yes() {
        return InferenceWire.write(out -> out.writeBool(1, true));
    }

    /** A {@code ServerMetadataResponse}. */
    static byte[] server(String name, String version) {
        return InferenceWire.write(out -> {
            out.writeString(1, name);
            out.writeString(2, version);
        });
    }

    /** A {@code ModelMetadataResponse} of a model with one input and one output. */
    static byte[] metadata(String name, String input, long[] inputShape, long[] outputShape, String fingerprint) {
        return InferenceWire.write(out -> {
            out.writeString(1, name);
            out.writeString(2, InferenceModels.VERSION);
            out.writeString(3, InferenceModels.PLATFORM);
            out.writeByteArray(4, tensor(input, "BYTES", inputShape));
            out.writeByteArray(5, tensor(InferenceModels.OUTPUT, "FP32", outputShape));
            out.writeByteArray(
                    6,
                    InferenceWire.write(
                            property -> { // KServe's properties; Triton's clients skip them
                                property.writeString(1, "fingerprint");
                                property.writeString(2, fingerprint);
                            }));
        });
    }

    /**
     * Triton's {@code ModelConfigResponse}: what its tools want to know. Source of the numbers: {@code model_config.proto};
     * 11 is {@code TYPE_FP32}, 13 {@code TYPE_STRING}.
     */
    static byte[] config(String name, String input, int dim) {
        return InferenceWire.write(out -> out.writeByteArray(1, InferenceWire.write(model -> {
            model.writeString(1, name);
            model.writeString(2, InferenceModels.PLATFORM);
            model.writeByteArray(5, InferenceWire.write(tensor -> {
                tensor.writeString(1, input);
                tensor.writeEnum(2, 13);
                tensor.writeInt64(4, -1);
            }));
            model.writeByteArray(6, InferenceWire.write(tensor -> {
                tensor.writeString(1, InferenceModels.OUTPUT);
                tensor.writeEnum(2, 11);
                tensor.writeInt64(3, -1);
                tensor.writeInt64(3, dim);
            }));
        })));
    }

    /** Triton's {@code ModelStatisticsResponse}. */
    static byte[] statistics(String name, Batcher.Done done) {
        return InferenceWire.write(out -> out.writeByteArray(1, InferenceWire.write(model -> {
            model.writeString(1, name);
            model.writeString(2, InferenceModels.VERSION);
            model.writeUInt64(4, done.answered());
            model.writeUInt64(5, done.calls());
            model.writeByteArray(6, InferenceWire.write(stats -> {
                stats.writeByteArray(1, duration(done.answered(), done.waitNanos() + done.workNanos()));
                stats.writeByteArray(2, duration(done.failed(), 0));
                stats.writeByteArray(3, duration(done.answered(), done.waitNanos()));
                stats.writeByteArray(4, duration(done.answered(), 0));
                stats.writeByteArray(5, duration(done.answered(), done.workNanos()));
                stats.writeByteArray(6, duration(done.answered(), 0));
            }));
        })));
    }

    private static byte[] duration(long count, long nanos) {
        return InferenceWire.write(out -> {
            out.writeUInt64(1, count);
            out.writeUInt64(2, nanos);
        });
    }

    /** A {@code ModelInferResponse} with the rows in binary. */
    static byte[] response(Request request, List<float[]> rows, int dim) {
        ByteBuffer values = ByteBuffer.allocate(rows.size() * dim * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (float[] row : rows) {
            values.asFloatBuffer().put(row);
            values.position(values.position() + row.length * Float.BYTES);
        }
        return InferenceWire.write(out -> {
            out.writeString(1, request.model());
            out.writeString(2, InferenceModels.VERSION);
            out.writeString(3, request.id());
            out.writeByteArray(5, tensor(InferenceModels.OUTPUT, "FP32", new long[] {rows.size(), dim}));
            out.writeByteArray(6, values.array());
        });
    }

    private static byte[] tensor(String name, String datatype, long[] shape) {
        return InferenceWire.write(out -> {
            out.writeString(1, name);
            out.writeString(2, datatype);
            for (long side : shape) {
                out.writeInt64(3, side);
            }
        });
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

    private static <T> T read(byte[] message, Reader<T> reader) throws InvalidProtocolBufferException {
        try {
            CodedInputStream in = CodedInputStream.newInstance(message);
            int tag;
            while ((tag = in.readTag()) != 0) {
                if (!reader.field(WireFormat.getTagFieldNumber(tag), in)) {
                    in.skipField(tag);
                }
            }
            return reader.value;
        } catch (InvalidProtocolBufferException e) {
            throw e;
        } catch (IOException e) {
            throw new InvalidProtocolBufferException(e);
        }
    }
}
