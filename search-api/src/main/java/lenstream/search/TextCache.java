package lenstream.search;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import lenstream.search.http.Metrics;

/** The vectors of the texts asked for last. Thread-safe; vectors are shared and not written to. */
final class TextCache {
    static final String REQUESTS = "lenstream_search_text_cache_requests_total";
    static final String HIT = "result=\"hit\"";
    static final String MISS = "result=\"miss\"";

    private final LongAdder hits;
    private final LongAdder misses;
    private final ReentrantLock lock = new ReentrantLock();
    private final Map<String, float[]> vectors;

    TextCache(int size, Metrics metrics) {
        this.hits = metrics.counter(REQUESTS, HIT);
        this.misses = metrics.counter(REQUESTS, MISS);
        this.vectors = new LinkedHashMap<>(64, 0.75f, true) {
            private static final long serialVersionUID = 1;

            @Override
            protected boolean removeEldestEntry(Map.Entry<String, float[]> eldest) {
                return size() > size;
            }
        };
    }

    /** The vector of a text. Two threads that miss the same text both compute it: that is cheaper than to wait. */
    float[] get(String text, Function<String, float[]> embed) {
        lock.lock();
        try {
            float[] known = vectors.get(text);
            if (known != null) {
                hits.increment();
                return known;
            }
        } finally {
            lock.unlock();
        }
        misses.increment();
        float[] vector = embed.apply(text);
        lock.lock();
        try {
            vectors.put(text, vector);
        } finally {
            lock.unlock();
        }
        return vector;
    }
}
