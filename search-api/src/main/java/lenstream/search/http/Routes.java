package lenstream.search.http;

/**
 * The routes of one feature. A new feature is a class of these and a line in {@code SearchServer}, which makes them all.
 * The work of a route runs on a virtual thread of its own and so must be thread-safe; it may block.
 */
public interface Routes {
    /** Enters every route of the feature; called once, before the server listens. */
    void register(RouteTable table);
}
