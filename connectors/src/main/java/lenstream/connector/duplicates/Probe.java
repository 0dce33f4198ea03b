package lenstream.connector.duplicates;

/**
 * A sketch on its way to one band of the hash. Crosses Flink edges as a POJO; immutable.
 *
 * @param band from 0 on
 * @param content as in {@link Sketch}
 * @param hash as in {@link Sketch}
 * @param vector as in {@link Sketch}
 */
public record Probe(int band, String content, long hash, byte[] vector) {}
