package lenstream.bench;

import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Locale;

/**
 * One keep-alive connection that sends a request and waits for its answer. A client with threads and queues of its own would
 * be measured with the server. Confined to one thread at a time.
 */
final class PlainHttp implements Closeable {
    private static final int LIMIT_MILLIS = 60_000;
    private static final int LONGEST_HEAD = 64 << 10;

    private final Socket socket;
    private final InputStream in;
    private final String host;
    private final byte[] buffer = new byte[64 << 10];
    private int next; // of the buffer, to be read
    private int end;
    private long idleSince = System.nanoTime();
    private Duration keepAlive = Duration.ofSeconds(30);

    /** @param timing the header {@code Server-Timing}, empty if there is none */
    record Answer(int status, byte[] body, String timing) {}

    PlainHttp(URI server) throws IOException {
        host = server.getHost() + ":" + server.getPort();
        socket = new Socket(InetAddress.getByName(server.getHost()), server.getPort());
        socket.setTcpNoDelay(true);
        socket.setSoTimeout(LIMIT_MILLIS);
        in = socket.getInputStream();
    }

    /** Whether the server still keeps it, by what it said last. */
    boolean isFresh() {
        return System.nanoTime() - idleSince < keepAlive.toNanos();
    }

    Answer get(String pathAndQuery) throws IOException {
        return send("GET " + pathAndQuery + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n", new byte[0]);
    }

    Answer post(String path, String type, byte[] body) throws IOException {
        return send(
                "POST " + path + " HTTP/1.1\r\nHost: " + host + "\r\nContent-Type: " + type + "\r\nContent-Length: "
                        + body.length + "\r\n\r\n",
                body);
    }

    private Answer send(String head, byte[] body) throws IOException {
        byte[] first = head.getBytes(StandardCharsets.US_ASCII);
        byte[] whole = new byte[first.length + body.length];
        System.arraycopy(first, 0, whole, 0, first.length);
        System.arraycopy(body, 0, whole, first.length, body.length);
        socket.getOutputStream().write(whole);
        String answer = head();
        int status = Integer.parseInt(answer.substring(9, 12));
        byte[] content;
        if (header(answer, "transfer-encoding").contains("chunked")) {
            var chunks = new ByteArrayOutputStream();
            while (true) {
                int size = Integer.parseInt(line().strip(), 16);
                chunks.write(bytes(size));
                line();
                if (size == 0) {
                    break;
                }
            }
            content = chunks.toByteArray();
        } else {
            String length = header(answer, "content-length");
            content = bytes(length.isEmpty() ? 0 : Integer.parseInt(length));
        }
        String kept = header(answer, "keep-alive");
        if (kept.startsWith("timeout=")) {
            keepAlive = Duration.ofSeconds(Integer.parseInt(kept.substring(8)));
        }
        idleSince = System.nanoTime();
        return new Answer(status, content, header(answer, "server-timing"));
    }

    private String head() throws IOException {
        var head = new StringBuilder();
        while (head.length() < LONGEST_HEAD) {
            String line = line();
            if (line.isEmpty()) {
                return head.toString();
            }
            head.append(line).append("\r\n");
        }
        throw new IOException("endless headers");
    }

    private String line() throws IOException {
        var line = new StringBuilder();
        while (true) {
            int read = read();
            if (read == '\n') {
                return line.toString();
            }
            if (read != '\r') {
                line.append((char) read);
            }
        }
    }

    private int read() throws IOException {
        if (next == end) {
            fill();
        }
        return buffer[next++] & 0xff;
    }

    private byte[] bytes(int count) throws IOException {
        var bytes = new byte[count];
        int done = 0;
        while (done < count) {
            if (next == end) {
                fill();
            }
            int part = Math.min(end - next, count - done);
            System.arraycopy(buffer, next, bytes, done, part);
            next += part;
            done += part;
        }
        return bytes;
    }

    private void fill() throws IOException {
        next = 0;
        end = 0;
        int count = in.read(buffer);
        if (count < 0) {
            throw new EOFException("the server closed the connection");
        }
        end = count;
    }

    private static String header(String head, String name) {
        for (String line : head.split("\r\n")) {
            if (line.toLowerCase(Locale.ROOT).startsWith(name + ":")) {
                return line.substring(name.length() + 1).strip();
            }
        }
        return "";
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
