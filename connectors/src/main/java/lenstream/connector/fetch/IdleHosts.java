package lenstream.connector.fetch;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The hosts of which nothing waits that were worked on last, and where their wheels stand: who comes back to one of them
 * need not read that again. A copy of what the state holds, some 200 bytes a host, of {@link #MOST} hosts. Confined to the
 * task thread.
 */
final class IdleHosts {
    /** Some 6 MB. */
    static final int MOST = 30_000;

    private final Map<String, long[]> wheels = new LinkedHashMap<>() {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, long[]> eldest) {
            return size() > MOST;
        }
    };

    /** @param wheel as the state holds it */
    void put(String host, RevisitWheel.Ends wheel) {
        wheels.put(host, wheel.packed());
    }

    /** Where the wheel of a host stands that has an empty queue; null if that is not known. It is the caller's own. */
    RevisitWheel.@Nullable Ends take(String host) {
        long[] wheel = wheels.remove(host);
        return wheel == null ? null : RevisitWheel.Ends.unpacked(wheel);
    }
}
