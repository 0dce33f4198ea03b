package lenstream.connector.duplicates;

import org.apache.flink.api.common.state.MapState;
import org.jspecify.annotations.Nullable;

/** A table in Flink's keyed state, under the present key. */
record StateTable<K>(MapState<K, byte[]> state) implements Table<K> {
    @Override
    public byte @Nullable [] get(K key) {
        try {
            return state.get(key);
        } catch (Exception e) {
            throw failed(e);
        }
    }

    @Override
    public void put(K key, byte[] value) {
        try {
            state.put(key, value);
        } catch (Exception e) {
            throw failed(e);
        }
    }

    @Override
    public void remove(K key) {
        try {
            state.remove(key);
        } catch (Exception e) {
            throw failed(e);
        }
    }

    private static IllegalStateException failed(Exception cause) {
        return new IllegalStateException("the state of near-duplicates cannot be read or written", cause);
    }
}
