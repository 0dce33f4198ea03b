package lenstream.core.takedown;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import lenstream.core.command.Command;
import lenstream.core.command.Command.Kind;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TakedownsTest {
    @ParameterizedTest
    @CsvSource({
        "https://e.example/a.jpg,      https://e.example/a.jpg,    true",
        "https://e.example/a.jpg,      https://e.example/a.jpg?b,  false",
        "https://e.example/a/*,        https://e.example/a/b/c.jpg, true",
        "https://e.example/a/*,        https://e.example/a/,       true",
        "https://e.example/a/*,        https://e.example/ab.jpg,   false",
        "https://e.example/a/*,        http://e.example/a/b.jpg,   false",
        "https://e.example/*,          https://e.example/a.jpg,    true",
        "e.example,                    https://e.example/a.jpg,    true",
        "e.example,                    http://e.example/a/b.jpg,   true",
        "e.example,                    https://www.e.example/a.jpg, false",
        "e.example,                    https://e.example:8443/a.jpg, false",
        "e.example:8443,               https://e.example:8443/a.jpg, true",
        "file:///pictures/*,           file:///pictures/a.jpg,     true"
    })
    void aSubjectCoversWhatItNames(String subject, String url, boolean covered) {
        var takedowns = Takedowns.of(List.of(takedown("one", subject)));
        assertThat(takedowns.covers(url).isPresent()).isEqualTo(covered);
    }

    @Test
    void aRevocationLiftsItsOwnTakedownAlone() {
        var takedowns = Takedowns.of(List.of(takedown("one", "e.example"), takedown("two", "https://e.example/a/*")));
        takedowns.apply(Command.of("one", Kind.TAKEDOWN_REVOKE, "e.example", null, 7));
        assertThat(takedowns.covers("https://e.example/b.jpg")).isEmpty();
        assertThat(takedowns.revokedAtMillis("https://e.example/b.jpg")).isEqualTo(7);
        assertThat(takedowns.covers("https://e.example/a/b.jpg")).contains("two");
        takedowns.apply(takedown("one", "e.example"));
        assertThat(takedowns.covers("https://e.example/b.jpg")).contains("one");
        assertThat(takedowns.revokedAtMillis("https://e.example/b.jpg")).isZero();
    }

    @Test
    void whatLooksAlikeIsCoveredInItsOwnEmbeddingSpace() {
        var takedowns = Takedowns.of(List.of(similar("one", Kind.TAKEDOWN)));
        assertThat(takedowns.covers("space-1-00000000", new float[] {0.95f, 0.3122f}))
                .contains("one");
        assertThat(takedowns.covers("space-1-00000000", new float[] {0.5f, 0.866f}))
                .isEmpty();
        assertThat(takedowns.covers("other-1-00000000", new float[] {1, 0})).isEmpty();
        takedowns.apply(similar("one", Kind.TAKEDOWN_REVOKE));
        assertThat(takedowns.covers("space-1-00000000", new float[] {1, 0})).isEmpty();
    }

    private static Command takedown(String key, String subject) {
        return Command.of(key, Kind.TAKEDOWN, subject, null, 1);
    }

    private static Command similar(String key, Kind kind) {
        return new Command(key, kind, "", 0.9, "space-1-00000000", new float[] {1, 0}, null, 1, 0);
    }
}
