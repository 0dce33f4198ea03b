package lenstream.cli;

import com.google.errorprone.annotations.MustBeClosed;
import java.util.Optional;
import lenstream.core.local.LocalOpenSearch;
import org.jspecify.annotations.Nullable;

/**
 * An OpenSearch for the time of one command: the cluster that the person named, else the local node that {@code up} or
 * another command started, else one of this command's own, which ends with the lease. Its data stay.
 */
final class OpenSearchLease implements AutoCloseable {
    private final String url;
    private final @Nullable LocalOpenSearch own;

    private OpenSearchLease(String url, @Nullable LocalOpenSearch own) {
        this.url = url;
        this.own = own;
    }

    @MustBeClosed
    static OpenSearchLease acquire(IndexPlace place) {
        return acquire(place, running(place).orElse(""), 0, false);
    }

    /** The cluster that the person named, else the local node that runs for this data folder. */
    static Optional<String> running(IndexPlace place) {
        return place.openSearch != null
                ? Optional.of(place.openSearch.toString())
                : LocalOpenSearch.attach(place.openSearchRun())
                        .map(node -> node.uri().toString());
    }

    /**
     * @param url a running one; empty to start a node
     * @param port for a node of this command's own; 0 for a free one
     * @param quickStart whether such a node should rather start fast than search fast
     */
    @MustBeClosed
    static OpenSearchLease acquire(IndexPlace place, String url, int port, boolean quickStart) {
        if (!url.isEmpty()) {
            return new OpenSearchLease(url, null);
        }
        LocalOpenSearch node = LocalServices.startOpenSearch(place, false, port, quickStart);
        return new OpenSearchLease(node.uri().toString(), node);
    }

    String url() {
        return url;
    }

    @Override
    public void close() {
        if (own != null) {
            own.close();
        }
    }
}
