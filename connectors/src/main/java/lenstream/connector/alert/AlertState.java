package lenstream.connector.alert;

import java.util.Map;
import lenstream.core.alert.AlertRules;
import lenstream.core.command.Command;
import lenstream.core.command.Command.Kind;
import org.apache.flink.api.common.state.BroadcastState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.OperatorStateStore;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The alerts of a job in broadcast state, the same in every subtask, with their matrix beside. Confined to the task thread. */
public final class AlertState {
    /** The broadcast state that holds them. */
    public static final MapStateDescriptor<String, Command> ALERTS =
            new MapStateDescriptor<>("alerts", Types.STRING, TypeInformation.of(Command.class));

    private static final Logger LOG = LoggerFactory.getLogger(AlertState.class);

    private final BroadcastState<String, Command> state;
    private final AlertRules current = new AlertRules();

    private AlertState(BroadcastState<String, Command> state) {
        this.state = state;
    }

    /** What an operator's state holds; nothing on a fresh start. */
    static AlertState restore(OperatorStateStore store) throws Exception {
        var restored = new AlertState(store.getBroadcastState(ALERTS));
        for (Map.Entry<String, Command> entry : restored.state.immutableEntries()) {
            restored.take(entry.getValue());
        }
        return restored;
    }

    /** Takes a command in if it is an alert's. */
    void apply(Command command) throws Exception {
        if (command.kind() == Kind.ALERT_DELETE) {
            state.remove(command.key());
            take(command);
        } else if (command.kind() == Kind.ALERT_PUT) {
            state.put(command.key(), command); // also what is not understood: the next program may
            take(command);
        }
    }

    /** An alert that a newer program wrote must not stop the job. */
    private void take(Command command) {
        try {
            current.apply(command);
        } catch (IllegalArgumentException e) {
            LOG.warn("event=alert_not_understood key={} reason={}", command.key(), e.getMessage());
        }
    }

    /** To ask; changed by {@link #apply} alone. */
    AlertRules current() {
        return current;
    }
}
