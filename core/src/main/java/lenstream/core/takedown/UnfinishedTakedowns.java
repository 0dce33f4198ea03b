package lenstream.core.takedown;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;
import lenstream.core.command.Command;
import lenstream.core.command.Command.Kind;
import lenstream.core.command.CommandLog;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings take-downs to their end whose program died after the command stood in the log and before everything was removed
 * and the receipt kept: what was once accepted becomes effective, whether anybody asks again or not. Follows the log; a
 * look costs one small request where nothing is new. Confined to one thread at a time; blocks.
 */
public final class UnfinishedTakedowns {
    private static final Logger LOG = LoggerFactory.getLogger(UnfinishedTakedowns.class);
    private static final int PAGE = 5_000;
    /** A take-down younger than this is being worked on, unless it is older than this follower. */
    private static final long AT_WORK_MILLIS = 20_000;

    private final CommandLog log;
    private final Supplier<TakedownRegister> register;
    private final Map<String, Command> open = new LinkedHashMap<>();
    private CommandLog.Position position = CommandLog.Position.START;
    private boolean followed;

    /** @param register does what is left to do; asked for when there is a take-down, for its key is made at the first */
    public UnfinishedTakedowns(CommandLog log, Supplier<TakedownRegister> register) {
        this.log = log;
        this.register = register;
    }

    /**
     * Finishes what is unfinished. The first time that is everything in the log, whoever may be at work on it: to remove
     * twice does no harm.
     *
     * @return how many
     * @throws lenstream.core.index.IndexException if the index refuses or does not answer; the next call goes on
     */
    public int finish(long nowMillis) {
        CommandLog.Page page;
        do {
            page = log.read(position, PAGE);
            position = page.next();
            for (Command command : page.commands()) {
                if (command.kind() == Kind.TAKEDOWN || command.kind() == Kind.TAKEDOWN_REVOKE) {
                    open.put(command.key(), command); // the later word counts
                }
            }
        } while (page.more());
        int finished = 0;
        for (Iterator<Command> each = open.values().iterator(); each.hasNext(); ) {
            Command command = each.next();
            if (followed && nowMillis - command.issuedAtMillis() < AT_WORK_MILLIS) {
                continue;
            }
            if (!register.get().isFinished(command)) {
                register.get().finish(command);
                finished++;
                LOG.warn("event=takedown_finished key={} kind={}", command.key(), command.kind());
            }
            each.remove();
        }
        followed = true;
        return finished;
    }
}
