package lenstream.connector.opensearch;

import java.time.Duration;

/** Every case in small. */
class SinkFaultsIT extends SinkFaultCases {
    @Override
    int images() {
        return 250;
    }

    @Override
    Duration outage() {
        return Duration.ofSeconds(2);
    }

    @Override
    int kills() {
        return 1;
    }
}
