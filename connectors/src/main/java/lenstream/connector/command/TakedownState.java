package lenstream.connector.command;

import java.util.Map;
import lenstream.core.command.Command;
import lenstream.core.takedown.Takedowns;
import org.apache.flink.api.common.state.BroadcastState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.OperatorStateStore;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;

/**
 * The take-downs of a job in broadcast state, the same in every subtask, with their index beside. Confined to the task
 * thread.
 */
public final class TakedownState {
    /** The broadcast state that holds them. */
    public static final MapStateDescriptor<String, Command> TAKEDOWNS =
            new MapStateDescriptor<>("takedowns", Types.STRING, TypeInformation.of(Command.class));

    private final BroadcastState<String, Command> state;
    private final Takedowns current;

    private TakedownState(BroadcastState<String, Command> state, Takedowns current) {
        this.state = state;
        this.current = current;
    }

    /** What an operator's state holds; nothing on a fresh start. */
    public static TakedownState restore(OperatorStateStore store) throws Exception {
        BroadcastState<String, Command> state = store.getBroadcastState(TAKEDOWNS);
        var current = new Takedowns();
        for (Map.Entry<String, Command> entry : state.immutableEntries()) {
            current.apply(entry.getValue());
        }
        return new TakedownState(state, current);
    }

    /** Takes a command in if it is a take-down or revokes one. */
    public void apply(Command command) throws Exception {
        if (current.apply(command.withoutBody())) {
            state.put(command.key(), command.withoutBody());
        }
    }

    /** To ask; changed by {@link #apply} alone. */
    public Takedowns current() {
        return current;
    }
}
