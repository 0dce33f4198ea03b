package lenstream.core.takedown;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lenstream.core.command.Command;
import lenstream.core.command.Command.Kind;
import lenstream.core.command.CommandLog;
import lenstream.core.index.Cosine;

/**
 * The take-downs, to be asked of every image. A take-down's subject is a canonical URL, a URL prefix that ends in {@code
 * /*}, a host (with its port unless it is the scheme's own), or anything where it means what looks like its vector. A
 * question about a URL costs a look-up per path segment, however many take-downs there are.
 *
 * <p>Confined to one thread.
 */
public final class Takedowns {
    private static final String ALL_BELOW = "/*";
    private static final int PAGE = 5_000;

    /** Take-downs, and revocations in the place of what they revoked. */
    private final Map<String, Command> byKey = new HashMap<>();
    /** Those of URLs by subject; several may name the same. */
    private final Map<String, List<Command>> bySubject = new HashMap<>();
    /** Those of what looks alike, in force. */
    private final Map<String, Command> similar = new HashMap<>();

    /** The take-downs that stand in a log now, and what was revoked. */
    public static Takedowns of(CommandLog log) {
        return of(read(log));
    }

    static List<Command> read(CommandLog log) {
        var found = new ArrayList<Command>();
        CommandLog.Page page = log.read(CommandLog.Position.START, PAGE);
        while (true) {
            page.commands().stream()
                    .filter(command -> command.kind() == Kind.TAKEDOWN || command.kind() == Kind.TAKEDOWN_REVOKE)
                    .forEach(found::add);
            if (!page.more()) {
                return found;
            }
            page = log.read(page.next(), PAGE);
        }
    }

    /** What these commands come to. */
    public static Takedowns of(Iterable<Command> commands) {
        var takedowns = new Takedowns();
        commands.forEach(takedowns::apply);
        return takedowns;
    }

    /** Takes a take-down or its revocation in; says whether the command was one. Repetition changes nothing. */
    public boolean apply(Command command) {
        if (command.kind() != Kind.TAKEDOWN && command.kind() != Kind.TAKEDOWN_REVOKE) {
            return false;
        }
        Command before = byKey.put(command.key(), command);
        if (before != null) {
            similar.remove(before.key());
            bySubject.computeIfPresent(before.subject(), (subject, commands) -> {
                commands.remove(before);
                return commands.isEmpty() ? null : commands;
            });
        }
        if (command.vector() == null) {
            bySubject
                    .computeIfAbsent(command.subject(), subject -> new ArrayList<>(1))
                    .add(command);
        } else if (command.kind() == Kind.TAKEDOWN) {
            similar.put(command.key(), command);
        }
        return true;
    }

    /**
     * The key of a take-down in force that covers this URL.
     *
     * @param url canonical
     */
    public Optional<String> covers(String url) {
        return naming(url).stream()
                .filter(command -> command.kind() == Kind.TAKEDOWN)
                .map(Command::key)
                .findFirst();
    }

    /**
     * When a take-down of this URL was revoked last, epoch ms; 0 if none was. What was known of the URL before then is no
     * longer true of the index.
     *
     * @param url canonical
     */
    public long revokedAtMillis(String url) {
        return naming(url).stream()
                .filter(command -> command.kind() == Kind.TAKEDOWN_REVOKE)
                .mapToLong(Command::issuedAtMillis)
                .max()
                .orElse(0);
    }

    /**
     * The key of a take-down in force that this embedding looks like.
     *
     * @param fingerprint the vector's embedding space; a take-down of another one says nothing about it
     * @param vector of unit length
     */
    public Optional<String> covers(String fingerprint, float[] vector) {
        for (Command one : similar.values()) {
            float[] wanted = one.vector();
            if (wanted != null
                    && fingerprint.equals(one.fingerprint())
                    && wanted.length == vector.length
                    && Cosine.dot(wanted, vector) >= one.threshold()) {
                return Optional.of(one.key());
            }
        }
        return Optional.empty();
    }

    /**
     * Everything that a take-down which covers this URL can have as its subject: the URL, its host, its prefixes.
     *
     * @param url canonical
     */
    public static List<String> subjects(String url) {
        int from = url.indexOf("://") + 3;
        if (from < 3) {
            return List.of(url);
        }
        var subjects = new ArrayList<String>();
        subjects.add(url);
        int slash = url.indexOf('/', from);
        subjects.add(url.substring(from, slash < 0 ? url.length() : slash));
        for (; slash >= 0; slash = url.indexOf('/', slash + 1)) {
            subjects.add(url.substring(0, slash) + ALL_BELOW);
        }
        return subjects;
    }

    /** The commands whose subject is this URL, a prefix of it, or its host. */
    private List<Command> naming(String url) {
        if (bySubject.isEmpty()) {
            return List.of();
        }
        var found = new ArrayList<Command>();
        subjects(url).forEach(subject -> found.addAll(bySubject.getOrDefault(subject, List.of())));
        return found;
    }
}
