package lenstream.connector.warc;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.zip.GZIPOutputStream;
import org.netpreserve.jwarc.MediaType;
import org.netpreserve.jwarc.WarcCompression;
import org.netpreserve.jwarc.WarcRecord;
import org.netpreserve.jwarc.WarcResource;
import org.netpreserve.jwarc.WarcResponse;
import org.netpreserve.jwarc.WarcRevisit;
import org.netpreserve.jwarc.WarcTruncationReason;
import org.netpreserve.jwarc.WarcWriter;

/** Makes archives as crawlers write them. Confined to one thread. */
public final class WarcFile {
    /** When everything was archived. */
    public static final Instant DATE = Instant.parse("2024-03-05T06:07:08Z");

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final WarcWriter writer;

    public WarcFile() {
        this(WarcCompression.GZIP);
    }

    WarcFile(WarcCompression compression) {
        try {
            writer = new WarcWriter(Channels.newChannel(bytes), compression);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** An answer with status 200. */
    public WarcFile response(String url, String type, byte[] body, String... headers) {
        return write(new WarcResponse.Builder(url)
                .date(DATE)
                .body(MediaType.HTTP_RESPONSE, http("200 OK", type, body, headers))
                .build());
    }

    WarcFile missing(String url) {
        return write(new WarcResponse.Builder(url)
                .date(DATE)
                .body(MediaType.HTTP_RESPONSE, http("404 Not Found", "image/jpeg", new byte[] {1}))
                .build());
    }

    WarcFile truncated(String url, byte[] body) {
        return write(new WarcResponse.Builder(url)
                .date(DATE)
                .truncated(WarcTruncationReason.LENGTH)
                .body(MediaType.HTTP_RESPONSE, http("200 OK", "image/jpeg", body))
                .build());
    }

    WarcFile resource(String url, String type, byte[] body) {
        return write(new WarcResource.Builder(URI.create(url))
                .date(DATE)
                .body(MediaType.parse(type), body)
                .build());
    }

    WarcFile revisit(String url) {
        return write(new WarcRevisit.Builder(url, WarcRevisit.IDENTICAL_PAYLOAD_DIGEST_1_0)
                .date(DATE)
                .refersTo(URI.create("urn:uuid:0b8c2a52-7a0c-4f4e-9d55-0f6f2d6b7c11"), url, DATE.minusSeconds(3_600))
                .body(MediaType.HTTP_RESPONSE, http("200 OK", "image/jpeg", new byte[0]))
                .build());
    }

    private static byte[] http(String status, String type, byte[] body, String... headers) {
        var all = new ByteArrayOutputStream();
        var head = new StringBuilder("HTTP/1.1 " + status + "\r\nContent-Type: " + type + "\r\n");
        for (String header : headers) {
            head.append(header).append("\r\n");
        }
        if (head.indexOf("Transfer-Encoding") < 0) {
            head.append("Content-Length: ").append(body.length).append("\r\n");
        }
        all.writeBytes(head.append("\r\n").toString().getBytes(StandardCharsets.US_ASCII));
        all.writeBytes(body);
        return all.toByteArray();
    }

    static byte[] gzip(byte[] bytes) {
        var packed = new ByteArrayOutputStream();
        try (var out = new GZIPOutputStream(packed)) {
            out.write(bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return packed.toByteArray();
    }

    private WarcFile write(WarcRecord record) {
        try {
            writer.write(record);
            return this;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public byte[] bytes() {
        return bytes.toByteArray();
    }
}
