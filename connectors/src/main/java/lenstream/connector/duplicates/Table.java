package lenstream.connector.duplicates;

import org.jspecify.annotations.Nullable;

/** Where bytes are kept by key: Flink's state, or a map. Confined to one thread. */
interface Table<K> {
    byte @Nullable [] get(K key);

    void put(K key, byte[] value);

    void remove(K key);
}
