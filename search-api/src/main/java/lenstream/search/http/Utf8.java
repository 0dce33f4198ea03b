package lenstream.search.http;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;

/**
 * What RFC 8259 asks of JSON and its parser does not look for: overlong forms, surrogates and what lies beyond U+10FFFF are no
 * UTF-8. Reads in pieces, as a body may hold a picture.
 */
public final class Utf8 {
    private static final int PIECE = 8192;

    private Utf8() {}

    /**
     * The bytes as they are.
     *
     * @throws ProblemException if they are no UTF-8
     */
    public static byte[] checked(byte[] bytes) {
        CharsetDecoder decoder = UTF_8.newDecoder().onMalformedInput(CodingErrorAction.REPORT);
        ByteBuffer in = ByteBuffer.wrap(bytes);
        CharBuffer out = CharBuffer.allocate(PIECE);
        try {
            CoderResult result;
            do {
                result = decoder.decode(in, out.clear(), true);
                if (result.isError()) {
                    result.throwException();
                }
            } while (result.isOverflow());
            return bytes;
        } catch (CharacterCodingException e) {
            throw ProblemException.badRequest("The body is no UTF-8 at byte " + in.position() + ".");
        }
    }
}
