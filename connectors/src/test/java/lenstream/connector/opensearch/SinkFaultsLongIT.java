package lenstream.connector.opensearch;

import java.time.Duration;
import org.junit.jupiter.api.Tag;

/** Every case with outages of a minute; the command stands in PERFORMANCE.md. */
@Tag("faults")
class SinkFaultsLongIT extends SinkFaultCases {
    @Override
    int images() {
        return 10_000;
    }

    @Override
    Duration outage() {
        return Duration.ofSeconds(60);
    }

    @Override
    int kills() {
        return 5;
    }
}
