package lenstream.connector.command;

import lenstream.connector.source.Pause;
import lenstream.core.command.Command;
import lenstream.core.command.CommandLog;
import lenstream.core.command.CommandLog.Position;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexException;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.OpenSearchConfig;
import org.apache.flink.connector.base.source.reader.RecordsBySplits;
import org.apache.flink.connector.base.source.reader.RecordsWithSplitIds;
import org.apache.flink.connector.base.source.reader.splitreader.SplitReader;
import org.apache.flink.connector.base.source.reader.splitreader.SplitsChange;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Asks the log for what is new, again and again. Runs on Flink's fetcher thread, {@link #wakeUp} on any. */
final class CommandSplitReader implements SplitReader<CommandSplitReader.Entry, CommandSplit> {
    private static final Logger LOG = LoggerFactory.getLogger(CommandSplitReader.class);
    private static final int PAGE = 500;
    private static final long LONGEST_PAUSE_MILLIS = 10_000;

    /** A command and where a reader stands that has emitted it. */
    record Entry(Command command, Position position) {}

    private final IndexClient client;
    private final CommandLog log;
    private final long pollMillis;
    private final boolean ends;
    private final Pause pause = new Pause();
    private @Nullable Position position;
    private int failures;

    private CommandSplitReader(IndexClient client, IndexLayout layout, long pollMillis, boolean ends) {
        this.client = client;
        this.log = new CommandLog(client, layout);
        this.pollMillis = pollMillis;
        this.ends = ends;
    }

    /** @param ends whether the split is finished once all that the log holds was read */
    @SuppressWarnings("MustBeClosed") // the reader closes it, and Flink closes the reader
    static CommandSplitReader open(OpenSearchConfig openSearch, IndexLayout layout, long pollMillis, boolean ends) {
        return new CommandSplitReader(IndexClient.open(openSearch), layout, pollMillis, ends);
    }

    @Override
    public RecordsWithSplitIds<Entry> fetch() {
        var records = new RecordsBySplits.Builder<Entry>();
        if (position == null) {
            pause.await(pollMillis);
            return records.build();
        }
        try {
            CommandLog.Page page = log.read(position, PAGE);
            failures = 0;
            boolean nothingNew = page.commands().isEmpty() && page.next().equals(position);
            position = page.next();
            for (Command command : page.commands()) {
                records.add(
                        CommandSplit.ID,
                        new Entry(command, new Position(page.next().log(), command.position())));
            }
            if (ends && nothingNew) {
                records.addFinishedSplit(CommandSplit.ID);
                position = null;
            } else if (page.commands().isEmpty()) {
                pause.await(pollMillis);
            }
        } catch (IndexException e) {
            if (failures == 0) {
                LOG.warn("commands wait for the index: {}", e.getMessage());
            }
            failures = Math.min(failures + 1, 10);
            pause.await(Math.min(LONGEST_PAUSE_MILLIS, pollMillis << failures));
        }
        return records.build();
    }

    @Override
    public void handleSplitsChanges(SplitsChange<CommandSplit> change) {
        position = change.splits().getFirst().position();
    }

    @Override
    public void wakeUp() {
        pause.wakeUp();
    }

    @Override
    public void close() {
        client.close();
    }
}
