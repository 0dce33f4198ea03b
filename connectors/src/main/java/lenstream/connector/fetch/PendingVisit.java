package lenstream.connector.fetch;

import lenstream.core.image.CrawlTarget;

/**
 * A target in its host's queue. Flink state (a POJO).
 *
 * @param target to visit
 * @param attempts that failed so far
 * @param notBeforeMillis earliest next attempt, epoch ms
 */
public record PendingVisit(CrawlTarget target, int attempts, long notBeforeMillis) {}
