package lenstream.search;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import lenstream.search.http.Metrics;
import org.jspecify.annotations.Nullable;

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
        float[] known = find(text);
        if (known != null) {
            return known;
        }
        float[] vector = embed.apply(text);
        keep(text, vector);
        return vector;
    }

    /** The vectors of texts, in their order; those that are not known are computed together. */
    List<float[]> getAll(List<String> texts, Function<List<String>, List<float[]>> embed) {
        var vectors = new HashMap<String, float[]>();
        var missing = new ArrayList<String>();
        for (String text : new LinkedHashSet<>(texts)) {
            float[] known = find(text);
            if (known == null) {
                missing.add(text);
            } else {
                vectors.put(text, known);
            }
        }
        List<float[]> computed = missing.isEmpty() ? List.of() : embed.apply(missing);
        for (int i = 0; i < missing.size(); i++) {
            vectors.put(missing.get(i), computed.get(i));
            keep(missing.get(i), computed.get(i));
        }
        return texts.stream().map(vectors::get).toList();
    }

    private float @Nullable [] find(String text) {
        lock.lock();
        try {
            float[] known = vectors.get(text);
            (known == null ? misses : hits).increment();
            return known;
        } finally {
            lock.unlock();
        }
    }

    private void keep(String text, float[] vector) {
        lock.lock();
        try {
            vectors.put(text, vector);
        } finally {
            lock.unlock();
        }
    }
}
