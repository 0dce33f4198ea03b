package lenstream.search.http;

import io.helidon.http.Headers;
import io.helidon.http.HttpPrologue;
import io.helidon.webserver.ConnectionContext;
import io.helidon.webserver.http1.Http1ConnectionListener;
import java.time.Duration;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * Ends connections whose headers do not come to an end: a byte now and then keeps every single read short. Called on the threads of
 * the connections; thread-safe. The request line alone is limited by the engine's idle time.
 */
public final class HeaderWatch implements Http1ConnectionListener {
    private final Duration limit;
    private final ThreadLocal<@Nullable Future<?>> end = new ThreadLocal<>(); // of the connection

    /** @param limit from the request line to the end of the headers */
    public HeaderWatch(Duration limit) {
        this.limit = limit;
    }

    @Override
    public void prologue(ConnectionContext connection, HttpPrologue prologue) {
        end.set(Interruption.after(limit));
    }

    @Override
    public void headers(ConnectionContext connection, Headers headers) {
        Future<?> pending = end.get();
        end.remove();
        if (pending != null && !pending.cancel(false)) {
            Thread.interrupted(); // it came at the last moment, and the request is whole
        }
    }
}
