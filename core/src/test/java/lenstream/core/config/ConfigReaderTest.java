package lenstream.core.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConfigReaderTest {
    enum Colour {
        LIGHT_RED,
        BLUE
    }

    record Inner(String name, @Default("3") int count) {
        Inner {
            Check.range("count", count, 1, 10);
        }
    }

    record Everything(
            String text,
            boolean flag,
            int number,
            long longNumber,
            double ratio,
            Colour colour,
            Duration pause,
            DataSize maxBytes,
            Count maxPixels,
            Path folder,
            Inner inner,
            List<Inner> inners,
            Map<String, Integer> weights,
            @Nullable String remark,
            @Default("7") int seven,
            @Key("default") String fallback) {}

    record Small(
            String host,
            @Default("8080") int port,
            @Default("{}") Nested nested) {}

    record Nested(@Default("1s") Duration delay) {}

    private static final String FULL = """
            text: hello
            flag: true
            number: 4
            long_number: 5000000000
            ratio: 0.5
            colour: light-red
            pause: 250ms
            max_bytes: 30MiB
            max_pixels: 200M
            folder: /tmp/x
            inner: {name: a}
            inners: [{name: b, count: 2}, {name: c}]
            weights: {x: 1, y: 2}
            default: d
            """;

    @Test
    void everyTypeIsBound() {
        var value = ConfigReader.parse("f.yaml", FULL, Everything.class);
        assertThat(value)
                .isEqualTo(new Everything(
                        "hello",
                        true,
                        4,
                        5_000_000_000L,
                        0.5,
                        Colour.LIGHT_RED,
                        Duration.ofMillis(250),
                        DataSize.ofMebibytes(30),
                        new Count(200_000_000),
                        Path.of("/tmp/x"),
                        new Inner("a", 3),
                        List.of(new Inner("b", 2), new Inner("c", 3)),
                        Map.of("x", 1, "y", 2),
                        null,
                        7,
                        "d"));
    }

    @Test
    void aMissingRecordTakesItsDefaults() {
        assertThat(ConfigReader.parse("f.yaml", "host: a", Small.class))
                .isEqualTo(new Small("a", 8080, new Nested(Duration.ofSeconds(1))));
    }

    @Test
    void jsonIsBoundTheSameWay() {
        assertThat(ConfigReader.parse("f.json", "{\"host\":\"a\",\"port\":1}", Small.class)
                        .port())
                .isEqualTo(1);
    }

    @Test
    void everyProblemIsReportedAtOnceWithItsKey() {
        assertThatThrownBy(() -> ConfigReader.parse("f.yaml", """
                hots: a
                port: many
                nested: {delay: soon, dealy: 1s}
                """, Small.class))
                .isInstanceOfSatisfying(
                        ConfigException.class,
                        e -> assertThat(e.problems())
                                .satisfiesExactlyInAnyOrder(
                                        problem -> assertThat(problem)
                                                .startsWith("hots")
                                                .contains("did you mean host?"),
                                        problem -> assertThat(problem).isEqualTo("host: is missing"),
                                        problem -> assertThat(problem).startsWith("port: must be a number"),
                                        problem -> assertThat(problem)
                                                .startsWith("nested.dealy")
                                                .contains("delay"),
                                        problem -> assertThat(problem)
                                                .startsWith("nested.delay")
                                                .contains("soon")));
    }

    @Test
    void aKeyFarFromAllKnownOnesIsAnsweredWithTheList() {
        assertThatThrownBy(() -> ConfigReader.parse("f.yaml", "host: a\nsomething: 1", Small.class))
                .hasMessageContaining("known here: host, port, nested");
    }

    @Test
    void whatARecordRefusesIsAProblemOfItsKey() {
        String broken = FULL.replace("{name: b, count: 2}", "{name: b, count: 20}");
        assertThatThrownBy(() -> ConfigReader.parse("f.yaml", broken, Everything.class))
                .hasMessageContaining("inners[0]: count must be from 1 to 10, not 20");
    }

    @Test
    void theEnvironmentEntersWhereTheFileSaysSo() {
        var value = ConfigReader.parse(
                "f.yaml", "host: ${HOST}\nport: ${PORT:9}", Small.class, Map.of("HOST", "from$env")::get);
        assertThat(value).isEqualTo(new Small("from$env", 9, new Nested(Duration.ofSeconds(1))));
        assertThatThrownBy(() -> ConfigReader.parse("f.yaml", "host: ${NOT_SET}", Small.class, name -> null))
                .hasMessageContaining("NOT_SET is not set");
    }

    @Test
    void brokenYamlIsAProblemWithItsLine() {
        assertThatThrownBy(() -> ConfigReader.parse("f.yaml", "host: [a\nport: 1", Small.class))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("line ");
    }

    @Test
    void anEmptyFileSaysWhatItMustHold() {
        assertThatThrownBy(() -> ConfigReader.parse("f.yaml", "", Small.class))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("must hold keys");
    }

    @Test
    void aMissingFileIsNamed(@TempDir Path folder) throws Exception {
        Path file = folder.resolve("none.yaml");
        assertThatThrownBy(() -> ConfigReader.read(file, Small.class)).hasMessageContaining("there is no such file");
        Files.writeString(file, "host: a");
        assertThat(ConfigReader.read(file, Small.class).host()).isEqualTo("a");
    }

    @Test
    void quantitiesAreWrittenAsPeopleDo() {
        assertThat(DataSize.parse("1.5GB").bytes()).isEqualTo(1_500_000_000);
        assertThat(DataSize.parse("512").bytes()).isEqualTo(512);
        assertThat(DataSize.parse("2kib").bytes()).isEqualTo(2_048);
        assertThat(Count.parse("20k").value()).isEqualTo(20_000);
        assertThat(Durations.parse("1.5m")).isEqualTo(Duration.ofSeconds(90));
        assertThat(Durations.parse("0")).isEqualTo(Duration.ZERO);
        assertThat(Durations.parse("7d")).isEqualTo(Duration.ofDays(7));
        assertThatThrownBy(() -> DataSize.parse("5 parsec")).hasMessageContaining("unknown unit");
        assertThatThrownBy(() -> Count.parse("-1")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> Durations.parse("15")).hasMessageContaining("15m");
    }
}
