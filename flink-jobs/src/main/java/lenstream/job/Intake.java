package lenstream.job;

import java.util.OptionalLong;
import java.util.stream.Stream;
import lenstream.connector.crawl.FrontierSource;
import lenstream.connector.crawl.Seeds;
import lenstream.connector.crawl.UrlTopic;
import lenstream.connector.kafka.KafkaArrivals;
import lenstream.connector.source.Arrival;
import lenstream.connector.source.Submission;
import lenstream.core.image.CrawlTarget;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.Source;
import org.jspecify.annotations.Nullable;

/**
 * Where a job's images come from: a source of targets, a source of anything else, or both. Immutable.
 *
 * @param targets images to be visited; null if there are none but those that arrive
 * @param arrivals images with their bytes, targets and pages; null for none
 */
public record Intake(
        @Nullable Source<CrawlTarget, ?, ?> targets,
        @Nullable Source<Arrival, ?, ?> arrivals) {
    public Intake {
        if (targets == null && arrivals == null) {
            throw new IllegalArgumentException("an intake needs a source");
        }
    }

    public static Intake of(Source<CrawlTarget, ?, ?> targets) {
        return new Intake(targets, null);
    }

    /** A crawl of what the seeds name: sites, and a topic if they name one. */
    public static Intake following(Seeds seeds, FrontierSource sites) {
        UrlTopic topic = seeds.topic();
        Intake intake = of(sites);
        return topic == null ? intake : intake.with(KafkaArrivals.source(topic));
    }

    public static Intake ofArrivals(Source<Arrival, ?, ?> arrivals) {
        return new Intake(null, arrivals);
    }

    /** The same with a source of anything else beside it. */
    public Intake with(Source<Arrival, ?, ?> more) {
        return new Intake(targets, more);
    }

    /** Whether it ends by itself. */
    boolean ends() {
        return isBounded(targets) && isBounded(arrivals);
    }

    /**
     * Up to when the visits have been told all once every source has said what it has to say, epoch ms; empty if none is a
     * {@link Submission}, as where the job ends by itself.
     */
    OptionalLong submittedAtMillis() {
        return Stream.of(targets, arrivals)
                .filter(Submission.class::isInstance)
                .mapToLong(source -> ((Submission) source).submittedAtMillis())
                .min();
    }

    private static boolean isBounded(@Nullable Source<?, ?, ?> source) {
        return source == null || source.getBoundedness() == Boundedness.BOUNDED;
    }

    /** Whether pages that somebody points to are read: only a crawl goes where others point. */
    boolean readsPages() {
        return targets instanceof FrontierSource;
    }
}
