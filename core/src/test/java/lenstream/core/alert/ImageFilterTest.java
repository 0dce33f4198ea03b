package lenstream.core.alert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ImageFilterTest {
    private static final Instant NOW = Instant.parse("2026-01-31T12:00:00Z");

    /** The image: host a.test, 640 x 480, red and white, CC0, published 2023-11-14T22:13:20Z, one frame. */
    @ParameterizedTest
    @CsvSource({
        "host,a.test,true",
        "host,b.test,false",
        "site,https://a.test/,true",
        "mime,image/jpeg,false",
        "via,push,true",
        "license,CC0,true",
        "license,CC-BY,false",
        "color,white,true",
        "color,blue,false",
        "orientation,landscape,true",
        "orientation,square,false",
        "min_width,640,true",
        "min_width,641,false",
        "max_width,640,true",
        "max_height,479,false",
        "min_height,480,true",
        "animated,false,true",
        "animated,true,false",
        "published_from,2023-11-14T22:13:20Z,true",
        "published_from,2023-11-15,false",
        "published_to,2023-11-14T22:13:20Z,false",
        "published_to,2023-11-15,true",
        "indexed_from,2026-01-31,true",
        "indexed_to,2026-01-31T12:00:00Z,false",
    })
    void eachKeyMeansWhatItMeansInASearch(String key, String value, boolean passes) {
        ImageFilter filter = ImageFilter.of(Map.of(key, List.of(value)));
        var image = Images.image("https://a.test/1.png", new float[] {1});
        assertThat(filter.accepts(image, NOW)).isEqualTo(passes);
        assertThat(ImageFilter.ofJson(filter.json()).accepts(image, NOW)).isEqualTo(passes);
    }

    @Test
    void oneOfAListIsEnoughAndAllKeysMustBeMet() {
        var image = Images.image("https://a.test/1.png", new float[] {1});
        assertThat(ImageFilter.of(Map.of("host", List.of("b.test", "a.test"))).accepts(image, NOW))
                .isTrue();
        assertThat(ImageFilter.of(Map.of("host", List.of("a.test"), "color", List.of("blue")))
                        .accepts(image, NOW))
                .isFalse();
        assertThat(ImageFilter.NONE.accepts(image, NOW)).isTrue();
    }

    @Test
    void whatCannotBeAskedIsRefusedByName() {
        assertThatThrownBy(() -> ImageFilter.of(Map.of("colour", List.of("red"))))
                .hasMessage("filter.colour is nothing that an alert can ask for");
        assertThatThrownBy(() -> ImageFilter.of(Map.of("min_width", List.of("wide"))))
                .hasMessageContaining("filter.min_width");
        assertThatThrownBy(() -> ImageFilter.of(Map.of("published_to", List.of("soon"))))
                .hasMessageContaining("filter.published_to");
    }
}
