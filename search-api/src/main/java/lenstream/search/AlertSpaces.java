package lenstream.search;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import lenstream.core.alert.Alert;
import lenstream.core.alert.AlertRegister;
import lenstream.core.index.IndexException;
import lenstream.core.model.Relevance;
import lenstream.search.http.ProblemException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sees to it that every alert has a rule in every space that this server has loaded: the one that is searched and, while
 * there is a move to another encoder, the one that it leads to. The query was kept, and its least score means about the same
 * in the new space. So alerts follow a move long before the switch, and its way back needs nothing. A query that cannot be
 * embedded anew (a vector; an image that is gone) is left as it is, and its alert says that it is stale. Confined to one
 * thread; blocks.
 */
final class AlertSpaces implements Runnable {
    private static final Logger LOG = LoggerFactory.getLogger(AlertSpaces.class);
    /** A look at all alerts also finds one that another process has left half made. */
    private static final Duration EVERY = Duration.ofMinutes(10);

    private final ActiveSpace spaces;
    private final AlertRegister register;
    private Set<String> done = Set.of();
    private long next;

    AlertSpaces(ActiveSpace spaces, AlertRegister register) {
        this.spaces = spaces;
        this.register = register;
    }

    @Override
    public void run() {
        List<SearchSpace> loaded = spaces.holdAll();
        try {
            Set<String> fingerprints =
                    loaded.stream().map(space -> space.fingerprint().value()).collect(Collectors.toUnmodifiableSet());
            if (fingerprints.equals(done) && System.nanoTime() - next < 0) {
                return;
            }
            int made = 0;
            for (Alert alert : register.all()) {
                for (SearchSpace space : loaded) {
                    if (alert.space(space.fingerprint().value()).isEmpty() && add(alert.id(), space)) {
                        made++;
                    }
                }
            }
            if (made > 0) {
                LOG.info("event=alerts_embedded count={} spaces={}", made, fingerprints);
            }
            done = fingerprints;
            next = System.nanoTime() + EVERY.toNanos();
        } finally {
            loaded.forEach(SearchSpace::release);
        }
    }

    private boolean add(String id, SearchSpace space) {
        Alert alert = register.get(id).orElse(null); // with its query
        if (alert == null) {
            return false;
        }
        try {
            put(register, alert, space);
            return true;
        } catch (ProblemException | IllegalArgumentException | IndexException e) {
            LOG.warn("event=alert_stale id={} space={} reason={}", id, space.fingerprint(), e.getMessage());
            return false;
        }
    }

    /**
     * Puts an alert in force in a space.
     *
     * @throws ProblemException if its query cannot be embedded there
     */
    static Alert put(AlertRegister register, Alert alert, SearchSpace space) {
        SearchRequest request = RequestReader.ofJson(alert.query().toString().getBytes(StandardCharsets.UTF_8));
        float[] vector =
                SearchRoutes.direction(space, request.query(), request.region()).vector();
        Relevance relevance = space.relevance();
        double cosine =
                alert.words() ? relevance.cosineOfText(alert.minScore()) : relevance.cosineOfImage(alert.minScore());
        return register.put(alert, new Alert.Space(space.fingerprint().value(), cosine), vector);
    }
}
