package lenstream.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.OpenSearchConfig;
import lenstream.core.index.Space;
import lenstream.core.index.SpacePlan;
import lenstream.core.index.SpacePlan.Phase;
import lenstream.core.index.SpaceWatch;
import lenstream.core.web.WebClient;
import lenstream.core.web.WebConfig;
import lenstream.search.http.Metrics;
import lenstream.search.http.ProblemException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ActiveSpaceTest {
    private static final Space OLD = new Space("fake-1-00000000", "/bundles/old");
    private static final Space NEW = new Space("fake-2-00000000", "/bundles/new");

    private final IndexClient index = IndexClient.open(OpenSearchConfig.at("http://127.0.0.1:1"));
    private final WebClient web = WebClient.open(WebConfig.defaults());
    private final FakeEncoder old = new FakeEncoder(OLD.fingerprint());
    private final Map<Path, FakeEncoder> opened = new HashMap<>();
    private final ActiveSpace spaces = new ActiveSpace(space(old), this::space, this::open);

    @AfterEach
    void close() {
        spaces.close();
        web.close();
        index.close();
    }

    @Test
    void theNewEncoderIsLoadedBeforeTheSwitchAndTheOldOneKeptUntilTheWayBackIsClosed() {
        assertThat(spaces.follow(plan(Phase.BACKFILL)).fingerprints())
                .containsExactly(OLD.fingerprint(), NEW.fingerprint());
        assertThat(spaces.current().fingerprint().value()).isEqualTo(OLD.fingerprint());

        SearchSpace inFlight = spaces.hold();
        spaces.follow(plan(Phase.SWITCHED));
        assertThat(spaces.current().fingerprint().value()).isEqualTo(NEW.fingerprint());
        assertThat(inFlight.fingerprint().value())
                .as("a request ends where it began")
                .isEqualTo(OLD.fingerprint());
        spaces.follow(plan(Phase.ROLLED_BACK));
        assertThat(spaces.current().encoder())
                .as("instantly: it was never closed")
                .isSameAs(old);
        spaces.follow(plan(Phase.SWITCHED));

        spaces.follow(plan(Phase.FINISHED));
        assertThat(old.closed).as("a request still embeds with it").isFalse();
        inFlight.release();
        assertThat(old.closed).isTrue();
        assertThat(opened)
                .extractingByKey(Path.of(NEW.bundle()))
                .extracting(encoder -> encoder.closed)
                .isEqualTo(false);
    }

    @Test
    void aServerThatStartsAfterTheSwitchFindsTheSpaceThatIsSearched() {
        spaces.follow(plan(Phase.FINISHED));
        assertThat(spaces.current().fingerprint().value()).isEqualTo(NEW.fingerprint());
        assertThat(old.closed).isTrue();
    }

    @Test
    void aBundleThatIsAnotherThanThePlanSaysIsToldAndNotSearchedWith() {
        var plan = new SpacePlan(Phase.SWITCHED, OLD, new Space("fake-3-00000000", NEW.bundle()), 0, 0, "", 0, "");
        SpaceWatch.Deed deed = spaces.follow(plan);
        assertThat(deed.problem()).contains("holds fake-2-00000000, not fake-3-00000000");
        assertThat(spaces.current().fingerprint().value()).isEqualTo(OLD.fingerprint());
        assertThat(opened)
                .extractingByKey(Path.of(NEW.bundle()))
                .extracting(encoder -> encoder.closed)
                .isEqualTo(true);
    }

    @Test
    void afterTheEndNobodyGetsASpace() {
        spaces.close();
        assertThatThrownBy(spaces::hold).isInstanceOf(ProblemException.class);
    }

    private SearchSpace space(QueryEncoder encoder) {
        return new SearchSpace(encoder, index, IndexLayout.defaults(), web, new Metrics());
    }

    private QueryEncoder open(Path bundle) {
        var encoder = new FakeEncoder(NEW.fingerprint());
        opened.put(bundle, encoder);
        return encoder;
    }

    private static SpacePlan plan(Phase phase) {
        return new SpacePlan(phase, OLD, NEW, 0, 0, "", 0, "");
    }
}
