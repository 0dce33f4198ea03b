package lenstream.connector.fetch;

/** How the last visit of a URL ended. The codes are in savepoints: never change or reuse one. */
enum UrlState {
    /** Never visited to an end. */
    NEW(0),
    /** Its bytes went on to the embed operator. */
    FETCHED(1),
    /** Refused, for a reason that may pass or not. */
    REJECTED(2),
    /** A 410, or a 404 in two rounds: withdrawn from the index. */
    GONE(3);

    private final int code;

    UrlState(int code) {
        this.code = code;
    }

    int code() {
        return code;
    }

    static UrlState of(int code) {
        for (UrlState state : values()) {
            if (state.code == code) {
                return state;
            }
        }
        throw new IllegalArgumentException("no state of a URL has the code " + code);
    }
}
