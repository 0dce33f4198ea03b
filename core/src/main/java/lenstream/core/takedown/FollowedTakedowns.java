package lenstream.core.takedown;

import lenstream.core.command.CommandLog;

/**
 * The take-downs as the log has them at each moment, for work that no commands come to on their own way. A look costs one
 * small request where nothing is new. Confined to one thread; blocks on the index.
 */
public final class FollowedTakedowns {
    private static final int PAGE = 5_000;

    private final CommandLog log;
    private Takedowns current = new Takedowns();
    private CommandLog.Position position = CommandLog.Position.START;

    public FollowedTakedowns(CommandLog log) {
        this.log = log;
    }

    /**
     * As they are now.
     *
     * @throws lenstream.core.index.IndexUnavailableException if the index does not answer
     */
    public Takedowns now() {
        while (true) {
            CommandLog.Page page = log.read(position, PAGE);
            if (!position.log().isEmpty() && !page.next().log().equals(position.log())) {
                current = new Takedowns(); // deleted or restored: another log, read from its start
            }
            position = page.next();
            page.commands().forEach(current::apply);
            if (!page.more()) {
                return current;
            }
        }
    }
}
