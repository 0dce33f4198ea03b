package lenstream.search.http;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Memory for the bodies of all requests that are under way. Connections are many more than bodies of the largest size fit into
 * this process, and each is taken in whole before there is room to work on it. Bytes count from when they have come, not from
 * when they are announced: who announces much and sends nothing takes nothing from others. Thread-safe.
 */
final class BodyMemory {
    /** Of the heap; a body is there twice for a moment, and what is made of it needs room, too. */
    private static final int SHARE = 4;

    /** As many of the largest bodies fit in any case. */
    private static final int LEAST = 2;

    private final long most;
    private final AtomicLong held = new AtomicLong();

    /** @param most bytes */
    BodyMemory(long most) {
        this.most = most;
    }

    /** @param maxBody bytes of the largest body */
    static BodyMemory ofHeap(long maxBody) {
        return new BodyMemory(Math.max(LEAST * maxBody, Runtime.getRuntime().maxMemory() / SHARE));
    }

    /** @throws ProblemException with 429 if so many more bytes have no room, of which then none count */
    void take(long bytes) {
        if (held.addAndGet(bytes) > most) {
            held.addAndGet(-bytes);
            throw ProblemException.busy("The server takes in too many bodies at once: try again in a second.");
        }
    }

    void give(long bytes) {
        held.addAndGet(-bytes);
    }

    long held() {
        return held.get();
    }
}
