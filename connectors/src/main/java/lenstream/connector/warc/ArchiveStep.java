package lenstream.connector.warc;

import java.util.List;
import lenstream.connector.source.Arrival;

/**
 * One record further; both at once, so that a checkpoint lies between records. Immutable.
 *
 * @param place offset of the record; of a damaged one, that of the last sound one before it, {@link Archive#NOWHERE} for none
 * @param arrivals what follows from it
 * @param condition whether it could be read
 */
record ArchiveStep(long place, List<Arrival> arrivals, Condition condition) {
    enum Condition {
        SOUND,
        /** It cannot be read; the next one can. */
        DAMAGED,
        /** Nothing from there on can be read. */
        BROKEN
    }
}
