package lenstream.connector.crawl;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.IllegalCharsetNameException;
import java.nio.charset.StandardCharsets;
import java.nio.charset.UnsupportedCharsetException;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The text of an XML document, whatever is said of its encoding: declarations are copied from templates and servers add a
 * default of theirs. What is UTF-8 by its bytes is UTF-8, for no text of another encoding with letters beyond ASCII looks
 * like it by chance. Only then the declaration and the answer's header are asked, and at last it is windows-1252, as browsers
 * do.
 */
final class XmlText {
    private static final Pattern DECLARATION =
            Pattern.compile("<\\?xml[^>]*?\\bencoding\\s*=\\s*[\"']([A-Za-z0-9._:-]+)[\"']");
    private static final int SNIFF = 512;
    private static final Charset WESTERN = Charset.forName("windows-1252");

    /** Encodings of seven bits: their bytes are UTF-8 too, but mean something else. */
    private static final List<String> SEVEN_BITS = List.of("iso-2022", "hz", "utf-7");

    private XmlText() {}

    /**
     * Decodes a document.
     *
     * @param header charset of the answer's Content-Type; null if it says none
     */
    static String decode(byte[] body, @Nullable String header) {
        Charset wide = wide(body);
        if (wide != null) {
            return withoutMark(new String(body, wide));
        }
        Charset declared = declared(body);
        Charset said = declared == null ? known(header) : declared;
        if (said == null || !isSevenBits(said)) {
            try {
                return withoutMark(StandardCharsets.UTF_8
                        .newDecoder()
                        .decode(ByteBuffer.wrap(body))
                        .toString());
            } catch (CharacterCodingException e) {
                // not UTF-8, whatever it says
            }
        }
        boolean isTold = said != null
                && !said.equals(StandardCharsets.UTF_8)
                && !said.equals(StandardCharsets.ISO_8859_1)
                && !said.name().startsWith("UTF-16");
        return new String(body, isTold ? said : WESTERN);
    }

    /** A document of UTF-16 as one of UTF-8 with a byte order mark, for readers that look at bytes; any other as it is. */
    static byte[] narrow(byte[] body) {
        Charset wide = wide(body);
        return wide == null ? body : ('\ufeff' + withoutMark(new String(body, wide))).getBytes(StandardCharsets.UTF_8);
    }

    private static String withoutMark(String text) {
        return text.startsWith("\ufeff") ? text.substring(1) : text;
    }

    /** UTF-16 by its mark, or by the zero beside the first bracket or brace. */
    private static @Nullable Charset wide(byte[] body) {
        if (body.length < 4) {
            return null;
        }
        int first = (body[0] & 0xff) << 8 | body[1] & 0xff;
        if (first == 0xfeff || (body[0] == 0 && (body[1] == '<' || body[1] == '{'))) {
            return StandardCharsets.UTF_16BE;
        }
        if (first == 0xfffe || (body[1] == 0 && (body[0] == '<' || body[0] == '{'))) {
            return StandardCharsets.UTF_16LE;
        }
        return null;
    }

    private static @Nullable Charset declared(byte[] body) {
        String start = new String(body, 0, Math.min(SNIFF, body.length), StandardCharsets.ISO_8859_1);
        Matcher declaration = DECLARATION.matcher(start);
        return declaration.find() ? known(declaration.group(1)) : null;
    }

    private static @Nullable Charset known(@Nullable String name) {
        try {
            return name == null ? null : Charset.forName(name);
        } catch (IllegalCharsetNameException | UnsupportedCharsetException e) {
            return null;
        }
    }

    private static boolean isSevenBits(Charset charset) {
        String name = charset.name().toLowerCase(Locale.ROOT);
        return SEVEN_BITS.stream().anyMatch(name::startsWith);
    }
}
