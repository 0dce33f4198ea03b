package lenstream.connector.source;

/**
 * A source of which each object is a submission of the job. Once its readers have said all that the submission has to say,
 * they send a watermark of that time, which follows the last record through every stream: the event time of an index job
 * is how far its submissions have been read. A time and no flag, because a checkpoint that was not aligned brings back
 * what was under way, watermarks of an earlier submission too.
 */
public interface Submission {
    /** When it was made, epoch ms; later than those of the submissions before it. The same after a restart. */
    long submittedAtMillis();
}
