package lenstream.connector.opensearch;

import java.io.Serializable;
import java.time.Duration;
import lenstream.core.config.Check;
import lenstream.core.config.Default;

/**
 * How long the ledger is kept.
 *
 * @param keep age at which a line, or an hour's freshness, is deleted; more than the longest re-visit interval, or an
 *     image that does not change loses its last line before the next one is written
 */
public record LedgerConfig(@Default("90d") Duration keep) implements Serializable {
    public LedgerConfig {
        Check.positive("keep", keep);
    }

    public static LedgerConfig defaults() {
        return new LedgerConfig(Duration.ofDays(90));
    }
}
