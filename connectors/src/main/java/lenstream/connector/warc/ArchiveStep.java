package lenstream.connector.warc;

import java.util.List;
import lenstream.connector.source.Arrival;

/**
 * One record further; both at once, so that a checkpoint lies between records. Immutable.
 *
 * @param place offset of the record; of a broken end the place that was reached
 * @param arrivals what follows from it
 * @param broken whether the rest of the archive cannot be read
 */
record ArchiveStep(long place, List<Arrival> arrivals, boolean broken) {}
