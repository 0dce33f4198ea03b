package lenstream.connector.fetch;

import lenstream.core.image.Reason;
import org.apache.flink.api.connector.source.SourceEvent;
import org.jspecify.annotations.Nullable;

/**
 * What two subtasks say to each other about a turn at a host: the one that wants to send a request asks, the one that looks
 * after the host grants or refuses, and the first says how the request ended. Immutable.
 */
public sealed interface TurnMessage extends SourceEvent {
    /** The subtask that sends it. */
    int from();

    /** The subtask that it is for. */
    int to();

    /** Number of the turn, given by the asker. */
    long number();

    /**
     * Please set a turn aside.
     *
     * @param crawlDelayMillis that the host's robots.txt asks for; 0 if unknown
     */
    record Asked(int from, int to, long number, String host, long crawlDelayMillis, long patienceMillis)
            implements TurnMessage {}

    /** The host waits for one request of the asker, and for none of anybody else. */
    record Granted(int from, int to, long number) implements TurnMessage {}

    /** The host has to be left alone. */
    record Refused(int from, int to, long number, Reason reason, String why, long delayMillis) implements TurnMessage {}

    /**
     * The request has ended.
     *
     * @param failure why the host could not or would not answer; null if it did
     */
    record Ended(int from, int to, long number, @Nullable Reason failure, long retryAfterMillis)
            implements TurnMessage {}
}
