package lenstream.connector.fetch;

import lenstream.connector.fetch.FetchOutcome.Validators;
import org.jspecify.annotations.Nullable;

/** What a visit of a file brings, in words, for tests of other packages. */
public final class FetchProbe {
    private final ImageFetcher fetcher;

    public FetchProbe(FetchConfig config) {
        this.fetcher = new ImageFetcher(
                (url, headers) -> {
                    throw new AssertionError("asked the web for " + url);
                },
                config);
    }

    /** @param known mark of what is known; null for nothing */
    public String read(String url, @Nullable String known) throws InterruptedException {
        return switch (fetcher.fetch(url, new Validators(known, null), null)) {
            case FetchOutcome.Fetched fetched ->
                "Fetched " + fetched.bytes().length + " " + fetched.validators().etag();
            case FetchOutcome.Unchanged unchanged -> "Unchanged";
            case FetchOutcome.Gone gone -> "Gone " + gone.reason();
            case FetchOutcome.Rejected rejected -> "Rejected " + rejected.reason() + ": " + rejected.detail();
            case FetchOutcome.Deferred deferred -> "Deferred " + deferred.reason() + ": " + deferred.detail();
        };
    }
}
