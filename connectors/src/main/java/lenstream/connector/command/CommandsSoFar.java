package lenstream.connector.command;

import java.util.ArrayList;
import java.util.List;
import lenstream.core.command.Command;
import lenstream.core.command.CommandLog;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexException;
import lenstream.core.index.SpaceWatch;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the log holds when an operator starts without a state: the first images of a job, and all of a short one, would else
 * pass before the first command has come. The commands come again on their own way, which is harmless.
 */
public final class CommandsSoFar {
    private static final Logger LOG = LoggerFactory.getLogger(CommandsSoFar.class);
    private static final int PAGE = 5_000;

    private CommandsSoFar() {}

    /**
     * Reads them all. Blocks; an index that does not answer holds none for the moment, as {@link CommandSource} waits for it.
     *
     * @param where the log is; null for none
     */
    public static List<Command> read(SpaceWatch.@Nullable Where where) {
        var found = new ArrayList<Command>();
        if (where == null) {
            return found;
        }
        try (IndexClient client = IndexClient.open(where.openSearch())) {
            var log = new CommandLog(client, where.layout());
            CommandLog.Page page = log.read(CommandLog.Position.START, PAGE);
            found.addAll(page.commands());
            while (page.more()) {
                page = log.read(page.next(), PAGE);
                found.addAll(page.commands());
            }
        } catch (IndexException e) {
            LOG.warn("event=commands_not_read_at_start reason={}", e.getMessage());
        }
        return found;
    }
}
