package lenstream.search;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Passes connections on to a port of this machine; while it is down they are refused, as by a service that is not there. */
final class Relay implements AutoCloseable {
    private final Set<Socket> open = ConcurrentHashMap.newKeySet();
    private final int target;
    private final int port;
    private volatile ServerSocket listening;

    Relay(int target) {
        this.target = target;
        this.listening = listen(0);
        this.port = listening.getLocalPort();
    }

    int port() {
        return port;
    }

    /** Ends every connection and refuses new ones. */
    void down() {
        closeQuietly(listening);
        open.forEach(Relay::closeQuietly);
        open.clear();
    }

    void up() {
        listening = listen(port);
    }

    @Override
    public void close() {
        down();
    }

    private ServerSocket listen(int at) {
        try {
            var socket = new ServerSocket();
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), at));
            Thread.ofVirtual().start(() -> accept(socket));
            return socket;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void accept(ServerSocket socket) {
        try {
            while (true) {
                Socket from = socket.accept();
                open.add(from);
                var to = new Socket(InetAddress.getLoopbackAddress(), target);
                open.add(to);
                Thread.ofVirtual().start(() -> pass(from, to));
                Thread.ofVirtual().start(() -> pass(to, from));
                if (socket.isClosed()) {
                    down();
                }
            }
        } catch (IOException e) {
            closeQuietly(socket); // down() was called
        }
    }

    private static void pass(Socket from, Socket to) {
        try {
            from.getInputStream().transferTo(to.getOutputStream());
        } catch (IOException e) {
            // one side ended; so does the other
        }
        closeQuietly(from);
        closeQuietly(to);
    }

    private static void closeQuietly(AutoCloseable socket) {
        try {
            socket.close();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
