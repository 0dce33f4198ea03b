package lenstream.core.local;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/** Ports of 127.0.0.1. */
public final class LoopbackPorts {
    private LoopbackPorts() {}

    /**
     * A port that nobody listens on now. Somebody else may take it before it is used: whoever starts a service on it
     * must be ready to try again.
     */
    public static int free() {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
    }

    public static boolean isFree(int port) {
        try (var socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
            return socket.isBound();
        } catch (IOException taken) {
            return false;
        }
    }

    /** Throws the sentence about a port that somebody else holds. */
    public static void requireFree(String service, int port) {
        if (!isFree(port)) {
            throw taken(service, port);
        }
    }

    static LocalServiceException taken(String service, int port) {
        return new LocalServiceException("Port " + port + " of 127.0.0.1, which " + service
                + " was told to use, is taken by another program: stop that program, or choose another port"
                + " (0 takes a free one).");
    }

    /** The body of a 200 answer, or nothing while the service is not there. */
    static Optional<String> get(int port, String path) {
        HttpURLConnection connection = null;
        try {
            connection = (HttpURLConnection)
                    URI.create("http://127.0.0.1:" + port + path).toURL().openConnection();
            connection.setConnectTimeout(1_000);
            connection.setReadTimeout(5_000);
            if (connection.getResponseCode() != 200) {
                return Optional.empty();
            }
            try (var body = connection.getInputStream()) {
                return Optional.of(new String(body.readAllBytes(), StandardCharsets.UTF_8));
            }
        } catch (IOException notYet) {
            return Optional.empty();
        } finally {
            if (connection != null) {
                connection.disconnect();
            }
        }
    }
}
