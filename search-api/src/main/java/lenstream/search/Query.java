package lenstream.search;

/** What to search for. */
sealed interface Query {
    /** Words. */
    record Text(String text) implements Query {}

    /** An encoded image; never written to after construction. */
    record Image(byte[] encoded) implements Query {}

    /** An image on the web. */
    record ImageUrl(String url) implements Query {}

    /** An image of the index, which is left out of the answer. */
    record Id(String id) implements Query {}

    /** An embedding; any length but zero, it is normalised. */
    record Vector(float[] values) implements Query {}
}
