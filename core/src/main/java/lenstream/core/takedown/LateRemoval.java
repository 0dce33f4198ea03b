package lenstream.core.takedown;

import java.time.Duration;
import java.time.Instant;
import lenstream.core.command.Command;
import lenstream.core.command.Command.Kind;
import lenstream.core.command.CommandLog;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexLayout;
import lenstream.core.takedown.Removal.Removed;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Removes once more, after a job of a given amount of work has ended, what was taken down while it ran: such a job reads the
 * commands that were there at its start, or follows them no further than to its last check, and what had passed that was
 * written afterwards. A job that goes on for ever does the same after each checkpoint. Stateless.
 */
public final class LateRemoval {
    private static final Logger LOG = LoggerFactory.getLogger(LateRemoval.class);
    /** Clocks of the machines that take take-downs differ. */
    private static final Duration SKEW = Duration.ofMinutes(5);

    private LateRemoval() {}

    /**
     * Removes what these take-downs cover now.
     *
     * @param began when the work did
     * @throws lenstream.core.index.IndexException if the index refuses or does not answer; may be repeated
     */
    public static Removed since(Instant began, IndexClient client, IndexLayout layout) {
        var removal = new Removal(client, layout);
        Removed removed = Removed.NOTHING;
        for (Command command : Takedowns.read(new CommandLog(client, layout))) {
            if (command.kind() == Kind.TAKEDOWN
                    && command.issuedAtMillis() >= began.minus(SKEW).toEpochMilli()) {
                Removed late = removal.of(command);
                LOG.info("event=swept takedown={} images={}", command.key(), late.images());
                removed = removed.plus(late);
            }
        }
        return removed;
    }
}
