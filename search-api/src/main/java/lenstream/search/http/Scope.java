package lenstream.search.http;

/** What a bearer token allows. A later one includes those before it. */
public enum Scope {
    /** Searches and everything else that changes nothing. */
    READ,
    /** Take-downs, alerts, crawls. */
    WRITE,
    /** What decides about the server itself. */
    ADMIN
}
