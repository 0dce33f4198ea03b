package lenstream.search.http;

import java.time.Duration;
import java.util.function.Supplier;

/**
 * Until when the request at work must be answered. It is set around the work of each request ({@link RouteTable}) and found
 * again by whoever begins something costly for it on the same thread. Immutable.
 *
 * @param nanoTime on the scale of {@link System#nanoTime}
 */
public record Deadline(long nanoTime) {
    /** Waits are added to it, so it must not be the last moment there is. */
    private static final long NEVER_NANOS = Duration.ofDays(365).toNanos();

    private static final ThreadLocal<Deadline> CURRENT = new ThreadLocal<>();

    /** So long from now. */
    public static Deadline after(Duration time) {
        return new Deadline(System.nanoTime() + Math.min(NEVER_NANOS, time.toNanos()));
    }

    /** The deadline of the request at work on this thread; a year from now if there is none. */
    public static Deadline current() {
        Deadline set = CURRENT.get();
        return set == null ? new Deadline(System.nanoTime() + NEVER_NANOS) : set;
    }

    /** Does work that must end by this deadline, or by the one that holds already if that is earlier. */
    public <T> T during(Supplier<T> work) {
        Deadline before = CURRENT.get();
        return with(before == null || before.nanoTime - nanoTime > 0 ? this : before, work);
    }

    /** Does work for others too, by whose deadline it must end instead of the one that holds on this thread. */
    public <T> T instead(Supplier<T> work) {
        return with(this, work);
    }

    private static <T> T with(Deadline deadline, Supplier<T> work) {
        Deadline before = CURRENT.get();
        CURRENT.set(deadline);
        try {
            return work.get();
        } finally {
            if (before == null) {
                CURRENT.remove();
            } else {
                CURRENT.set(before);
            }
        }
    }

    /** The later of two. */
    public Deadline orLater(Deadline other) {
        return other.nanoTime - nanoTime > 0 ? other : this;
    }

    /** What is left of it; negative when it has passed. */
    public long leftNanos() {
        return nanoTime - System.nanoTime();
    }
}
