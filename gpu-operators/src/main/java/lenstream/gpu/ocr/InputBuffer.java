package lenstream.gpu.ocr;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

/** Direct memory for a network's input, which grows to the largest that was wanted. Confined. */
final class InputBuffer {
    private FloatBuffer values = allocate(0);

    /** Room for so many values, with anything in it, from 0 to its limit. Good until the next call. */
    FloatBuffer take(int length) {
        if (values.capacity() < length) {
            values = allocate(length);
        }
        return values.clear().limit(length);
    }

    private static FloatBuffer allocate(int length) {
        return ByteBuffer.allocateDirect(Float.BYTES * length)
                .order(ByteOrder.nativeOrder())
                .asFloatBuffer();
    }
}
