package lenstream.search;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Function;
import lenstream.core.index.Space;
import lenstream.core.index.SpacePlan;
import lenstream.core.index.SpaceWatch;
import lenstream.core.model.Fingerprint;
import lenstream.search.http.Exchange;
import lenstream.search.http.ProblemException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The embedding space that is searched, and a second one while there is a move from one encoder to another: its encoder
 * is loaded long before the switch, and kept until the way back is closed. Thread-safe.
 */
final class ActiveSpace implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ActiveSpace.class);

    private final Function<QueryEncoder, SearchSpace> maker;
    private final Function<Path, QueryEncoder> opener;
    private final Map<String, SearchSpace> loaded = new LinkedHashMap<>(); // by fingerprint; under this
    private volatile SearchSpace current;
    private boolean closed; // under this

    /**
     * @param first searched until a plan says otherwise; owned
     * @param maker of the space of an encoder, which it then owns
     * @param opener of the encoder of a bundle
     */
    ActiveSpace(SearchSpace first, Function<QueryEncoder, SearchSpace> maker, Function<Path, QueryEncoder> opener) {
        this.current = first;
        this.maker = maker;
        this.opener = opener;
        loaded.put(first.fingerprint().value(), first);
    }

    /** For those who ask about it, not in it. */
    SearchSpace current() {
        return current;
    }

    /** The present space, to be released by the caller. */
    SearchSpace hold() {
        while (true) {
            SearchSpace space = current;
            if (space.hold()) {
                return space;
            }
            if (space == current) { // closed for good, not merely replaced
                throw ProblemException.unavailable("The server is stopping.");
            }
        }
    }

    /** Every space that is loaded, each to be released by the caller. */
    List<SearchSpace> holdAll() {
        List<SearchSpace> all;
        synchronized (this) {
            all = List.copyOf(loaded.values());
        }
        return all.stream().filter(SearchSpace::hold).toList();
    }

    /** Work that holds one space from the request's beginning to its end. */
    Consumer<Exchange> within(BiConsumer<Exchange, SearchSpace> work) {
        return exchange -> {
            SearchSpace space = hold();
            try {
                work.accept(exchange, space);
            } finally {
                space.release();
            }
        };
    }

    /** Loads what the plan names, switches to the space that it says is searched, lets go of what is no longer needed. */
    SpaceWatch.Deed follow(SpacePlan plan) {
        String problem = "";
        if (plan.written().size() == 2) {
            problem = load(plan.inactive());
        }
        String notLoaded = load(plan.active());
        if (notLoaded.isEmpty()) {
            activate(plan.active().fingerprint());
        } else {
            problem = notLoaded;
        }
        if (plan.written().size() == 1) {
            keepOnly(current.fingerprint());
        }
        return new SpaceWatch.Deed("api", fingerprints(), problem);
    }

    private String load(Space space) {
        if (fingerprints().contains(space.fingerprint())) {
            return "";
        }
        QueryEncoder encoder = null;
        try {
            encoder = opener.apply(Path.of(space.bundle()));
            if (!encoder.fingerprint().value().equals(space.fingerprint())) {
                String found = encoder.fingerprint().value();
                encoder.close();
                return space.bundle() + " holds " + found + ", not " + space.fingerprint();
            }
            encoder.embedText("a photograph"); // the first call pays for lazy initialisation
            add(encoder);
            LOG.info("event=space_loaded fingerprint={}", space.fingerprint());
            return "";
        } catch (RuntimeException e) {
            LOG.warn("event=space_not_loaded fingerprint={} bundle={}", space.fingerprint(), space.bundle(), e);
            return "cannot load " + space.bundle() + ": " + e.getMessage();
        }
    }

    private synchronized void add(QueryEncoder encoder) {
        if (closed) {
            encoder.close();
        } else {
            loaded.put(encoder.fingerprint().value(), maker.apply(encoder));
        }
    }

    private void activate(String fingerprint) {
        SearchSpace next;
        synchronized (this) {
            next = loaded.get(fingerprint);
        }
        if (next != null && next != current) {
            next.warm();
            switchTo(next, fingerprint);
        }
    }

    private synchronized void switchTo(SearchSpace next, String fingerprint) {
        if (!closed) {
            LOG.info("event=space_switched from={} to={}", current.fingerprint(), fingerprint);
            current = next;
        }
    }

    private void keepOnly(Fingerprint fingerprint) {
        var others = new ArrayList<SearchSpace>();
        synchronized (this) {
            loaded.values().removeIf(space -> {
                boolean other = !space.fingerprint().equals(fingerprint);
                if (other) {
                    others.add(space);
                }
                return other;
            });
        }
        others.forEach(SearchSpace::release);
    }

    private synchronized List<String> fingerprints() {
        return List.copyOf(loaded.keySet());
    }

    @Override
    public void close() {
        List<SearchSpace> all;
        synchronized (this) {
            closed = true;
            all = List.copyOf(loaded.values());
            loaded.clear();
        }
        all.forEach(SearchSpace::release);
    }
}
