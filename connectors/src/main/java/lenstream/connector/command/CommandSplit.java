package lenstream.connector.command;

import lenstream.core.command.CommandLog.Position;
import org.apache.flink.api.connector.source.SourceSplit;

/**
 * The whole log and how far it was read. Immutable.
 *
 * @param position of the last command that was emitted
 */
public record CommandSplit(Position position) implements SourceSplit {
    static final String ID = "commands";

    @Override
    public String splitId() {
        return ID;
    }
}
