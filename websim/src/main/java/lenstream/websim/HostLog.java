package lenstream.websim;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/** What one host saw of its visitors, measured where the requests arrive. Thread-safe. */
final class HostLog {
    private final ReentrantLock lock = new ReentrantLock();
    private final String authority;
    private final long delayNanos;
    private final Consumer<String> offences;
    /** Requests of this round by path, images left out. */
    private final Map<String, Integer> paths = new HashMap<>();

    private int active;
    private long lastEnd;
    private String lastPath = "";
    private long leaveAloneUntil;
    private int requestsInRound;
    private boolean robotsAsked;

    HostLog(String authority, long delayNanos, Consumer<String> offences) {
        this.authority = authority;
        this.delayNanos = delayNanos;
        this.offences = offences;
    }

    void beginRound() {
        lock.lock();
        try {
            paths.clear();
            requestsInRound = 0;
            robotsAsked = false;
        } finally {
            lock.unlock();
        }
    }

    /** A request arrived; its number in this round, from 1. */
    int started(String path, long now) {
        lock.lock();
        try {
            if (active > 0) {
                offences.accept(authority + ": asked for " + path + " while it answers " + lastPath);
            } else if (lastEnd != 0 && now - lastEnd < delayNanos) {
                offences.accept("%s: asked for %s %.2f ms after %s, it wants %.2f ms"
                        .formatted(authority, path, (now - lastEnd) / 1e6, lastPath, delayNanos / 1e6));
            }
            if (now < leaveAloneUntil) {
                offences.accept(authority + ": asked for " + path + " before its Retry-After was over");
            }
            if (path.equals(SimServer.ROBOTS)) {
                robotsAsked = true;
            } else if (!robotsAsked) {
                offences.accept(authority + ": asked for " + path + " before robots.txt");
            }
            active++;
            lastPath = path;
            return ++requestsInRound;
        } finally {
            lock.unlock();
        }
    }

    /** How often a path that is no image was asked for in this round, this time included. */
    int asked(String path) {
        lock.lock();
        try {
            return paths.merge(path, 1, Integer::sum);
        } finally {
            lock.unlock();
        }
    }

    /** The last bytes of an answer are about to go out: from here on its visitor may count the delay. */
    void ended(long now) {
        lock.lock();
        try {
            active--;
            lastEnd = now;
        } finally {
            lock.unlock();
        }
    }

    void leaveAloneUntil(long nanos) {
        lock.lock();
        try {
            leaveAloneUntil = nanos;
        } finally {
            lock.unlock();
        }
    }

    /** Requests of this round by path, images left out. */
    Map<String, Integer> paths() {
        lock.lock();
        try {
            return Map.copyOf(paths);
        } finally {
            lock.unlock();
        }
    }
}
