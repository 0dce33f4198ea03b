package lenstream.connector.duplicates;

import java.time.Duration;
import org.apache.flink.api.common.state.StateTtlConfig;

/** How long state is kept. */
final class Retention {
    private Retention() {}

    static StateTtlConfig sinceWritten(Duration kept) {
        return StateTtlConfig.newBuilder(kept)
                .setUpdateType(StateTtlConfig.UpdateType.OnCreateAndWrite)
                .build();
    }

    /** For what still counts while it is asked for. */
    static StateTtlConfig sinceRead(Duration kept) {
        return StateTtlConfig.newBuilder(kept)
                .setUpdateType(StateTtlConfig.UpdateType.OnReadAndWrite)
                .build();
    }
}
