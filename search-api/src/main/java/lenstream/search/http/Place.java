package lenstream.search.http;

import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;

/**
 * The place of the request at work among those that may work at once. Set around the work of each request ({@link Admission}) and
 * found again by whoever waits for the web on the same thread. Confined to that thread.
 */
public final class Place {
    private static final ThreadLocal<Place> CURRENT = new ThreadLocal<>();

    private final Admission admission;
    private long awayNanos;

    Place(Admission admission) {
        this.admission = admission;
    }

    /**
     * Does what waits for someone outside: the request's place is another's meanwhile, so that a site that answers slowly holds up
     * only those who ask for it.
     *
     * @throws ProblemException with 429 if too many wait already
     */
    public static <T> T away(Supplier<T> outside) {
        Place place = CURRENT.get();
        if (place == null) {
            return outside.get();
        }
        var found = new AtomicReference<T>();
        place.awayNanos += place.admission.away(() -> found.set(outside.get()));
        return found.get();
    }

    void during(Runnable work) {
        CURRENT.set(this);
        try {
            work.run();
        } finally {
            CURRENT.remove();
        }
    }

    long awayNanos() {
        return awayNanos;
    }
}
