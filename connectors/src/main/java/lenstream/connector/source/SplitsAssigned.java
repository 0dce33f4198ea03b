package lenstream.connector.source;

import org.apache.flink.api.connector.source.SourceEvent;

/** Tells a reader that it has every split that it will be given for now; only then can it say that it is dry. */
public record SplitsAssigned() implements SourceEvent {
    private static final long serialVersionUID = 1;
}
