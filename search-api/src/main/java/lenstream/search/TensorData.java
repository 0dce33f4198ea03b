package lenstream.search;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import lenstream.search.http.ProblemException;

/** The contents of a tensor, in whatever form a protocol brings them. Read once. */
interface TensorData {
    /** Most rows of a request. */
    int MAX_ROWS = 256;

    /** The elements of a tensor of {@code BYTES}. */
    List<byte[]> elements();

    /**
     * The values of a tensor of {@code FP32}, row by row.
     *
     * @param count what the shape claims; checked before memory is taken for it
     */
    float[] floats(int count);

    /**
     * The binary form: each element of {@code BYTES} is a length of four bytes, then its bytes; floats follow each other.
     *
     * @param data little-endian; all that remains is the tensor's
     */
    static TensorData ofBinary(ByteBuffer data) {
        return new TensorData() {
            @Override
            public List<byte[]> elements() {
                var elements = new ArrayList<byte[]>();
                while (data.hasRemaining()) {
                    if (elements.size() == MAX_ROWS) {
                        throw ProblemException.badRequest("A request must have 1 to " + MAX_ROWS + " rows.");
                    }
                    int length = data.remaining() < Integer.BYTES ? -1 : data.getInt();
                    if (length < 0 || length > data.remaining()) {
                        throw ProblemException.badRequest("The binary data of BYTES is cut off within an element.");
                    }
                    var element = new byte[length];
                    data.get(element);
                    elements.add(element);
                }
                return elements;
            }

            @Override
            public float[] floats(int count) {
                requireCount(count, data.remaining() / Float.BYTES, data.remaining() % Float.BYTES == 0);
                var values = new float[count];
                data.asFloatBuffer().get(values);
                return values;
            }
        };
    }

    /** Values that are there already. */
    static TensorData of(List<byte[]> elements, float[] floats) {
        return new TensorData() {
            @Override
            public List<byte[]> elements() {
                return elements;
            }

            @Override
            public float[] floats(int count) {
                requireCount(count, floats.length, true);
                return floats;
            }
        };
    }

    /** @throws ProblemException if there are other values than the shape says */
    static void requireCount(int wanted, long sent, boolean whole) {
        if (sent != wanted || !whole) {
            throw ProblemException.badRequest("shape needs " + wanted + " values, the data has " + sent + ".");
        }
    }
}
