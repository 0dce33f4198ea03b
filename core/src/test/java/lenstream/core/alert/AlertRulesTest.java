package lenstream.core.alert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import lenstream.core.command.Command;
import lenstream.core.image.EmbeddedImage;
import org.junit.jupiter.api.Test;

class AlertRulesTest {
    private static final String SPACE = "lensmini-1-00000000";
    private static final String ALERT = "0123456789abcdef0123456789abcdef";
    private static final Instant NOW = Instant.EPOCH;

    private final AlertRules rules = new AlertRules();
    private final EmbeddedImage right = Images.image("https://a.test/right.png", new float[] {1, 0});
    private final EmbeddedImage slanted = Images.image("https://a.test/slanted.png", new float[] {0.8f, 0.6f});

    @Test
    void anImageMeetsAnAlertFromItsThresholdOn() {
        rules.apply(rule(ALERT, SPACE, 0.8, ImageFilter.NONE, 1, 0));
        assertThat(met(SPACE))
                .containsExactlyInAnyOrder(right.target().id(), slanted.target().id());
        rules.apply(rule(ALERT, SPACE, 0.81, ImageFilter.NONE, 1, 0)); // the same key: replaced
        assertThat(rules.size()).isEqualTo(1);
        assertThat(met(SPACE)).containsExactly(right.target().id());
    }

    @Test
    void anotherSpaceADeletedAlertAnUnmetFilterAndADeniedImageAreNoMatch() {
        rules.apply(rule(ALERT, SPACE, 0.5, ImageFilter.NONE, 1, 0));
        assertThat(met("other-1-11111111")).isEmpty();
        assertThat(rules.match(SPACE, List.of(right), image -> false, NOW)).isEmpty();
        rules.apply(AlertRule.delete(ALERT, SPACE, 2));
        assertThat(rules.size()).isZero();
        assertThat(met(SPACE)).isEmpty();
        rules.apply(rule(ALERT, SPACE, 0.5, ImageFilter.of(Map.of("host", List.of("b.test"))), 1, 0));
        assertThat(met(SPACE)).isEmpty();
    }

    @Test
    void oneAlertHasARuleInEachSpaceAndItsMatchOneId() {
        rules.apply(rule(ALERT, SPACE, 0.9, ImageFilter.NONE, 1, 0));
        rules.apply(rule(ALERT, "other-1-11111111", 0.9, ImageFilter.NONE, 1, 0));
        AlertMatch first =
                rules.match(SPACE, List.of(right), image -> true, NOW).getFirst();
        AlertMatch second = rules.match("other-1-11111111", List.of(right), image -> true, NOW)
                .getFirst();
        assertThat(first.id()).isEqualTo(second.id());
        assertThat(first.event()).isEqualTo(second.event());
    }

    @Test
    void aMatchComesBackFromItsDocument() throws Exception {
        rules.apply(rule(ALERT, SPACE, 0.7, ImageFilter.NONE, 1, 0));
        AlertMatch match =
                rules.match(SPACE, List.of(slanted), image -> true, NOW).getFirst();
        assertThat(AlertMatch.of(new ObjectMapper().readTree(match.json())))
                .isEqualTo(new AlertMatch(
                        ALERT,
                        slanted.target().id(),
                        "https://a.test/slanted.png",
                        "a.test",
                        slanted.sha256(),
                        0.8,
                        SPACE,
                        Images.OBSERVED));
    }

    @Test
    void whatANewerProgramWroteIsRefusedAndChangesNothing() {
        rules.apply(rule(ALERT, SPACE, 0.9, ImageFilter.NONE, 1, 0));
        Command unknown = new Command(
                "alert-x",
                Command.Kind.ALERT_PUT,
                "x",
                0.5,
                SPACE,
                new float[] {1, 0},
                "{\"alert\":\"x\",\"filter\":{\"smell\":[\"good\"]}}",
                1,
                1);
        assertThatThrownBy(() -> rules.apply(unknown)).isInstanceOf(IllegalArgumentException.class);
        Command longer = rule("ff", SPACE, 0.5, ImageFilter.NONE, 1, 0, 0);
        assertThatThrownBy(() -> rules.apply(longer)).isInstanceOf(IllegalArgumentException.class);
        assertThat(rules.size()).isEqualTo(1);
        assertThat(met(SPACE)).containsExactly(right.target().id());
    }

    private List<String> met(String space) {
        return rules.match(space, List.of(right, slanted), image -> true, NOW).stream()
                .map(AlertMatch::image)
                .toList();
    }

    private static Command rule(String alert, String space, double threshold, ImageFilter filter, float... vector) {
        return new AlertRule(alert, space, vector, threshold, filter).put("a name", 1);
    }
}
