package lenstream.connector.fetch;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import lenstream.core.web.CanonicalUrl;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The published cases of robots.txt, from {@code robots/conformance.tsv}. */
class RobotsConformanceTest {
    private static final Pattern ESCAPE = Pattern.compile("\\\\(n|r|u([0-9a-f]{4}))");

    static Stream<Arguments> cases() throws IOException {
        try (InputStream in = RobotsConformanceTest.class.getResourceAsStream("/robots/conformance.tsv")) {
            String table = new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
            return table.lines()
                    .filter(line -> !line.startsWith("#"))
                    .map(line -> line.split("\t", -1))
                    .map(columns -> Arguments.of(
                            unescaped(columns[0]), columns[1], unescaped(columns[2]), Boolean.valueOf(columns[3])));
        }
    }

    @ParameterizedTest
    @MethodSource("cases")
    void aUrlIsAllowedAsPublished(String robots, String token, String url, boolean allowed) {
        assertThat(allows(robots, token, url)).isEqualTo(allowed);
    }

    @ParameterizedTest
    @MethodSource("cases")
    void aDenialNamesARuleOfTheFile(String robots, String token, String url, boolean allowed) {
        var denial = rules(robots, token).denial(canonical(url));
        assertThat(denial.isEmpty()).isEqualTo(allowed);
        denial.ifPresent(rule -> assertThat(rule).startsWith("Disallow: /"));
    }

    private static boolean allows(String robots, String token, String url) {
        return rules(robots, token).allows(canonical(url));
    }

    private static RobotsRules rules(String robots, String token) {
        return RobotsRules.parse(
                canonical("http://foo.bar/robots.txt"), robots.getBytes(StandardCharsets.UTF_8), token);
    }

    private static CanonicalUrl canonical(String url) {
        return CanonicalUrl.of(url).orElseThrow();
    }

    private static String unescaped(String text) {
        return ESCAPE.matcher(text).replaceAll(match -> switch (match.group(1).charAt(0)) {
            case 'n' -> "\n";
            case 'r' -> "\r";
            default -> String.valueOf((char) Integer.parseInt(match.group(2), 16));
        });
    }
}
