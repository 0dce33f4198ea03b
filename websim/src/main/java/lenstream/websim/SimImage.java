package lenstream.websim;

/**
 * An image of the simulated web. Immutable.
 *
 * @param site that lists it
 * @param number within its site, from 0
 * @param host that keeps it
 * @param path absolute
 */
public record SimImage(int site, int number, int host, Fate fate, String path) {}
