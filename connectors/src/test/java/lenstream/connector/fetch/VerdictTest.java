package lenstream.connector.fetch;

import static org.assertj.core.api.Assertions.assertThat;

import lenstream.connector.fetch.FetchOutcome.Deferred;
import lenstream.connector.fetch.FetchOutcome.Fetched;
import lenstream.connector.fetch.FetchOutcome.Gone;
import lenstream.connector.fetch.FetchOutcome.Rejected;
import lenstream.connector.fetch.FetchOutcome.Validators;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.Reason;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class VerdictTest {
    private static final FetchConfig ONE_ATTEMPT = FetchConfig.defaults().withAttempts(1);
    private static final FetchOutcome NOT_FOUND = new Gone(Reason.NOT_FOUND, "status 404");

    @Test
    void theFirst404KeepsTheImageAndTheNextRoundsIsFinal() {
        Verdict.Refusal first = refusal(100, null, NOT_FOUND, 110);
        assertThat(first.rejection().reason()).isEqualTo(Reason.NOT_FOUND);
        Verdict.Refusal second = refusal(200, first.after(), NOT_FOUND, 210);
        assertThat(second.rejection().reason()).isEqualTo(Reason.GONE);
        assertThat(second.rejection().reason().retry()).isEqualTo(Reason.Retry.NEVER);
        assertThat(refusal(300, second.after(), NOT_FOUND, 310).rejection().reason())
                .isEqualTo(Reason.GONE);
    }

    @Test
    void aSecond404OfTheSameRoundConfirmsNothing() {
        Verdict.Refusal first = refusal(100, null, NOT_FOUND, 110);
        Verdict.Refusal again = refusal(105, first.after(), NOT_FOUND, 120);
        assertThat(again.rejection().reason()).isEqualTo(Reason.NOT_FOUND);
        assertThat(again.after().missing()).isEqualTo(1);
    }

    @Test
    void a410IsFinalAtOnce() {
        assertThat(refusal(100, null, new Gone(Reason.GONE, "status 410"), 110)
                        .rejection()
                        .reason())
                .isEqualTo(Reason.GONE);
    }

    @Test
    void aRoundWithoutAnAnswerNeitherConfirmsNorClears() {
        Verdict.Refusal first = refusal(100, null, NOT_FOUND, 110);
        Verdict.Refusal silent = refusal(200, first.after(), new Deferred(Reason.TIMEOUT, "too slow", 1), 210);
        assertThat(silent.rejection().reason()).isEqualTo(Reason.TIMEOUT);
        assertThat(refusal(300, silent.after(), NOT_FOUND, 310).rejection().reason())
                .isEqualTo(Reason.GONE);
    }

    @Test
    void anotherAnswerBetweenStartsTheCountAnew() {
        Verdict.Refusal first = refusal(100, null, NOT_FOUND, 110);
        Verdict.Refusal html = refusal(200, first.after(), new Rejected(Reason.FORBIDDEN, "status 403"), 210);
        assertThat(refusal(300, html.after(), NOT_FOUND, 310).rejection().reason())
                .isEqualTo(Reason.NOT_FOUND);
    }

    @Test
    void anImageThatIsBackIsNewerThanItsAbsenceEvenWhenTheClockIsNot() {
        Verdict.Refusal gone = refusal(100, null, new Gone(Reason.GONE, "status 410"), 500);
        var back = (Verdict.Image) verdict(600, gone.after(), new Fetched(new byte[] {1}, "aa", Validators.NONE), 400);
        assertThat(back.image().version()).isEqualTo(501);
        assertThat(back.after().missing()).isZero();
    }

    @Test
    void aKnownImageThatDoesNotAnswerWhenItIsLookedAtAgainStaysAsItWas() {
        var image = (Verdict.Image) verdict(100, null, new Fetched(new byte[] {1}, "aa", Validators.NONE), 110);
        var silent = new Deferred(Reason.TIMEOUT, "too slow", 1);
        var quiet = (Verdict.NoAnswer) verdict(200, image.after(), silent, 210, true);
        assertThat(quiet.after().comparable()).isEqualTo("aa");
        assertThat(quiet.after().version()).isEqualTo(110);
        assertThat(refusal(300, image.after(), silent, 310).rejection().reason())
                .as("one that discovery named says so")
                .isEqualTo(Reason.TIMEOUT);
    }

    @Test
    void visitsInARowThatEndAlikeAreCountedFromTheFirst() {
        Verdict.Refusal first = refusal(100, null, new Rejected(Reason.FORBIDDEN, "status 403"), 110);
        Verdict.Refusal second = refusal(200, first.after(), new Rejected(Reason.FORBIDDEN, "status 403"), 210);
        assertThat(second.after().sinceMillis()).isEqualTo(110);
        assertThat(second.after().times()).isEqualTo(2);
        Verdict.Refusal other = refusal(300, second.after(), NOT_FOUND, 310);
        assertThat(other.after().sinceMillis()).isEqualTo(310);
        assertThat(other.after().times()).isEqualTo(1);
    }

    private static Verdict.Refusal refusal(
            long discoveredAt, @Nullable Observation before, FetchOutcome outcome, long now) {
        return (Verdict.Refusal) verdict(discoveredAt, before, outcome, now);
    }

    private static Verdict verdict(long discoveredAt, @Nullable Observation before, FetchOutcome outcome, long now) {
        return verdict(discoveredAt, before, outcome, now, false);
    }

    private static Verdict verdict(
            long discoveredAt, @Nullable Observation before, FetchOutcome outcome, long now, boolean revisit) {
        var target = new CrawlTarget(
                "https://example.org/a.jpg",
                "example.org",
                "https://example.org/",
                null,
                null,
                null,
                null,
                null,
                null,
                -1,
                discoveredAt,
                "page");
        return Verdict.of(
                target,
                new QueueEntry(target.id(), 0, 0, discoveredAt, revisit),
                before == null ? Observation.NONE : before,
                outcome,
                now,
                ONE_ATTEMPT);
    }
}
