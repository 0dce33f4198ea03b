package lenstream.core.takedown;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import lenstream.core.takedown.TakedownSubject.Scope;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TakedownSubjectTest {
    @ParameterizedTest
    @CsvSource({
        "https://E.example/a.jpg,      URL,    https://e.example/a.jpg",
        "https://e.example:443/a/*,    PREFIX, https://e.example/a/*",
        "https://e.example/*,          PREFIX, https://e.example/*",
        "E.example,                    HOST,   e.example",
        "e.example:8443,               HOST,   e.example:8443",
        "file:///pictures/a.jpg,       URL,    file:///pictures/a.jpg",
        "file:/pictures/*,             PREFIX, file:///pictures/*"
    })
    void readsWhatPeopleWrite(String written, Scope scope, String text) {
        var subject = TakedownSubject.parse(written);
        assertThat(subject.scope()).isEqualTo(scope);
        assertThat(subject.text()).isEqualTo(text);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "example", "*", "a b.example", "ftp://e.example/a.jpg", "https://e.example/a?b/*"})
    void refusesTheRest(String written) {
        assertThatThrownBy(() -> TakedownSubject.parse(written))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("write for example");
    }

    @Test
    void theSameSubjectIsTheSameTakedown() {
        assertThat(TakedownSubject.parse("e.example").id())
                .isEqualTo(TakedownSubject.parse("E.EXAMPLE").id())
                .isNotEqualTo(TakedownSubject.parse("https://e.example/*").id());
    }
}
