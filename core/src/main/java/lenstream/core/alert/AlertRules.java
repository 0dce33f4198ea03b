package lenstream.core.alert;

import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import lenstream.core.command.Command;
import lenstream.core.command.Command.Kind;
import lenstream.core.image.EmbeddedImage;
import lenstream.core.index.Cosine;

/**
 * The alerts in force, to be compared with every new image: those of the images' embedding space by one matrix product a
 * batch, and of those that are near enough the filter. Costs nothing where there are none. Confined to one thread.
 */
public final class AlertRules {
    private final Map<String, String> fingerprints = new HashMap<>(); // by key
    private final Map<String, Space> spaces = new HashMap<>(); // by fingerprint

    /** The rules of one embedding space, a slot each. */
    private static final class Space {
        private final VectorMatrix matrix;
        private final List<String> keys = new ArrayList<>();
        private final List<AlertRule> rules = new ArrayList<>();
        private final Map<String, Integer> slots = new HashMap<>(); // by key

        Space(int dim) {
            this.matrix = new VectorMatrix(dim);
        }

        void put(String key, AlertRule rule) {
            int slot = slots.computeIfAbsent(key, k -> rules.size());
            matrix.set(slot, rule.vector(), rule.threshold()); // refuses another length, before anything has changed
            if (slot == rules.size()) {
                keys.add(key);
                rules.add(rule);
            } else {
                rules.set(slot, rule);
            }
        }

        void remove(String key) {
            Integer slot = slots.remove(key);
            if (slot == null) {
                return;
            }
            matrix.remove(slot);
            int last = rules.size() - 1;
            String moved = keys.removeLast();
            AlertRule rule = rules.removeLast();
            if (slot != last) {
                keys.set(slot, moved);
                rules.set(slot, rule);
                slots.put(moved, slot);
            }
        }
    }

    /** Whether this is the command of an alert. */
    public static boolean isAlert(Command command) {
        return command.kind() == Kind.ALERT_PUT || command.kind() == Kind.ALERT_DELETE;
    }

    /**
     * Takes a command in if it is an alert's. Repetition changes nothing.
     *
     * @throws IllegalArgumentException if it cannot be used, because a newer program wrote it; nothing has changed then
     */
    public void apply(Command command) {
        if (command.kind() == Kind.ALERT_DELETE) {
            remove(command.key());
        } else if (command.kind() == Kind.ALERT_PUT) {
            AlertRule rule = AlertRule.of(command);
            Space space = spaces.computeIfAbsent(rule.fingerprint(), f -> new Space(rule.vector().length));
            if (!space.rules.isEmpty() && space.rules.getFirst().vector().length != rule.vector().length) {
                throw new IllegalArgumentException(command.key() + " has " + rule.vector().length + " values");
            }
            space.put(command.key(), rule);
            fingerprints.put(command.key(), rule.fingerprint());
        }
    }

    private void remove(String key) {
        String fingerprint = fingerprints.remove(key);
        Space space = fingerprint == null ? null : spaces.get(fingerprint);
        if (space != null) {
            space.remove(key);
            if (space.rules.isEmpty()) {
                spaces.remove(fingerprint);
            }
        }
    }

    /** How many there are, over all spaces. */
    public int size() {
        return fingerprints.size();
    }

    /**
     * What these images meet.
     *
     * @param fingerprint of the space of their embeddings
     * @param images rejected ones meet nothing
     * @param allowed asked last, of the few images that met an alert
     * @param now when they are compared
     */
    public List<AlertMatch> match(
            String fingerprint, List<EmbeddedImage> images, Predicate<EmbeddedImage> allowed, Instant now) {
        Space space = spaces.get(fingerprint);
        if (space == null) {
            return List.of();
        }
        var embedded = new ArrayList<EmbeddedImage>(images.size());
        var vectors = new ArrayList<float[]>(images.size());
        for (EmbeddedImage image : images) {
            float[] vector = image.embedding();
            if (vector != null) {
                embedded.add(image);
                vectors.add(vector);
            }
        }
        var matches = new ArrayList<AlertMatch>();
        space.matrix.forEachNear(vectors, (query, slot) -> {
            AlertRule rule = space.rules.get(slot);
            EmbeddedImage image = embedded.get(query);
            double cosine = Cosine.dot(rule.vector(), vectors.get(query));
            if (cosine >= rule.threshold() && rule.filter().accepts(image, now) && allowed.test(image)) {
                matches.add(AlertMatch.of(rule, image, cosine));
            }
        });
        return matches;
    }
}
