package lenstream.cli;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.URISyntaxException;

/** The Flink cluster that a person names as {@code HOST:PORT}. */
final class FlinkCluster {
    private static final int CONNECT_MILLIS = 5_000;

    private FlinkCluster() {}

    /**
     * Its REST address.
     *
     * @throws CliException if that is no address, or nobody answers there: Flink's own client says less, and later
     */
    static URI at(String hostAndPort) {
        URI rest = parse(hostAndPort);
        try (var socket = new Socket()) {
            socket.connect(new InetSocketAddress(rest.getHost(), rest.getPort()), CONNECT_MILLIS);
            return rest;
        } catch (IOException | IllegalArgumentException e) {
            throw new CliException(
                    "no Flink cluster answers on " + hostAndPort + " (" + e.getMessage()
                            + "); start one with ./lenstream up --cluster, or name its REST address",
                    e);
        }
    }

    private static URI parse(String hostAndPort) {
        int colon = hostAndPort.lastIndexOf(':');
        try {
            if (colon > 0) {
                return new URI(
                        "http",
                        null,
                        hostAndPort.substring(0, colon),
                        Integer.parseInt(hostAndPort.substring(colon + 1)),
                        "",
                        null,
                        null);
            }
        } catch (URISyntaxException | NumberFormatException e) {
            throw new CliException("\"" + hostAndPort + "\" is no HOST:PORT; write for example 127.0.0.1:8081", e);
        }
        throw new CliException("\"" + hostAndPort + "\" is no HOST:PORT; write for example 127.0.0.1:8081");
    }
}
