package lenstream.core.image;

/**
 * An image that will not be indexed, with the stage and the reason. Crosses Flink edges as a POJO; immutable.
 *
 * @param target what was asked for
 * @param stage where it failed
 * @param reason why, for programs
 * @param detail why, for people: what was tried, on what, with sizes
 * @param version observation time in epoch ms (see {@link FetchedImage#version()})
 */
public record Rejection(CrawlTarget target, Stage stage, Reason reason, String detail, long version) {}
