package lenstream.search;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import lenstream.search.http.Multipart;
import lenstream.search.http.ProblemException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RequestReaderTest {
    @Test
    void aTextHasDefaults() {
        SearchRequest request = json("{\"text\":\" red bicycle \"}");
        assertThat(request.query()).isEqualTo(new Query.Text("red bicycle"));
        assertThat(request.k()).isEqualTo(24);
        assertThat(request.collapse()).isTrue();
        assertThat(request.mode()).isEqualTo(SearchRequest.Mode.VECTOR);
        assertThat(request.filter().isEmpty()).isTrue();
    }

    @Test
    void parametersAndJsonReadTheSameFilter() {
        SearchRequest one = json(
                "{\"text\":\"a\",\"filter\":{\"host\":[\"a\",\"b\"],\"min_width\":100,\"published_from\":\"2026-01-31\"}}");
        SearchRequest other = RequestReader.ofParameters(Map.of(
                "q", List.of("a"),
                "host", List.of("a", "b"),
                "min_width", List.of("100"),
                "published_from", List.of("2026-01-31T00:00:00Z")));
        assertThat(one.filter().toString()).contains("\"terms\":{\"host\":[\"a\",\"b\"]}", "\"gte\":100");
        assertThat(sorted(other.filter().toString()))
                .isEqualTo(sorted(one.filter().toString()));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{\"txt\":\"a\"} | did you mean text",
                "{} | exactly one of",
                "{\"text\":\"a\",\"id\":\"b\"} | not text and id",
                "{\"text\":\"  \"} | is empty",
                "{\"text\":7} | text must be a text",
                "{\"text\":\"a\",\"k\":0} | k must be",
                "{\"text\":\"a\",\"k\":101} | k must be",
                "{\"text\":\"a\",\"k\":1.5} | k must be",
                "{\"text\":\"a\",\"mode\":\"vektor\"} | did you mean vector",
                "{\"text\":\"a\",\"collapse\":\"maybe\"} | collapse must be",
                "{\"text\":\"a\",\"region\":[0,0,1,1]} | region needs an image",
                "{\"image\":\"aGk=\",\"region\":[0,0,0,1]} | region must be",
                "{\"text\":\"a\",\"min_score\":1.5} | min_score must be",
                "{\"text\":\"a\",\"min_score\":\"NaN\"} | min_score must be",
                "{\"text\":\"a\",\"min_score\":0.5,\"mode\":\"text\"} | need mode vector",
                "{\"text\":\"a\",\"facets\":\"site\"} | must be a list",
                "{\"text\":\"a\",\"facets\":[\"sites\"]} | did you mean site",
                "{\"text\":\"a\",\"filter\":{\"orientation\":\"wide\"}} | landscape, portrait or square",
                "{\"text\":\"a\",\"filter\":{\"color\":\"mauve\"}} | purple or pink",
                "{\"text\":\"a\",\"filter\":{\"animated\":\"maybe\"}} | true or false",
                "{\"queries\":[]} | list of 1 to 16",
                "{\"queries\":{}} | list of 1 to 16",
                "{\"queries\":[\"a\"]} | queries[0] must be an object",
                "{\"queries\":[{\"weight\":1}]} | queries[0] needs exactly one of",
                "{\"queries\":[{\"text\":\"a\"},{\"text\":\"a\",\"weigt\":1}]} | did you mean weight",
                "{\"queries\":[{\"text\":\"a\",\"weight\":1.1}]} | from -1 to 1",
                "{\"queries\":[{\"text\":\"a\",\"weight\":0}]} | other than 0",
                "{\"queries\":[{\"text\":\"a\",\"weight\":\"1\"}]} | queries[0].weight must be a number",
                "{\"queries\":[{\"text\":\"a\",\"region\":[0,0,1,1]}]} | region needs an image",
                "{\"queries\":[{\"text\":\"a\"}],\"text\":\"b\"} | queries stands alone",
                "{\"queries\":[{\"text\":\"a\"}],\"region\":[0,0,1,1]} | queries stands alone",
                "{\"queries\":[{\"text\":\"a\"}],\"mode\":\"hybrid\"} | need a text",
                "{\"image\":\"aGk=\",\"region\":[0,0,1]} | region must be",
                "{\"image\":\"aGk=\",\"mode\":\"text\"} | need a text",
                "{\"image\":\"data:image/png,xx\"} | ;base64",
                "{\"id\":\"../x\"} | 32 digits",
                "{\"vector\":[1,\"a\"]} | vector[1] must be a number",
                "{\"text\":\"a\",\"filter\":{\"hots\":\"x\"}} | did you mean host",
                "{\"text\":\"a\",\"filter\":{\"min_width\":\"wide\"}} | whole number of pixels",
                "{\"text\":\"a\",\"filter\":{\"indexed_to\":\"soon\"}} | date or a time",
                "{\"text\":\"a\",\"filter\":[1]} | filter must be an object",
                "{\"text\":\"a\",\"text\":\"b\"} | no valid JSON",
                "{\"vector\":[NaN]} | no valid JSON",
                "[1] | must be a JSON object",
                "{ | no valid JSON",
                "{} {} | no valid JSON",
            })
    void whatIsWrongIsSaid(String body, String message) {
        assertThatThrownBy(() -> json(body))
                .isInstanceOfSatisfying(
                        ProblemException.class,
                        problem -> assertThat(problem.status()).isEqualTo(400))
                .hasMessageContaining(message);
    }

    @Test
    void severalQueriesKeepTheirWeights() {
        SearchRequest request = json("{\"queries\":[{\"text\":\"a\"},{\"id\":\"" + "0".repeat(32)
                + "\",\"region\":[0,0,9,9],\"weight\":-0.5}],"
                + "\"min_score\":0.25,\"facets\":[\"site\",\"mime\",\"site\"]}");
        assertThat(request.query())
                .isEqualTo(new Query.Weighted(List.of(
                        new Query.Part(new Query.Text("a"), null, 1),
                        new Query.Part(new Query.Id("0".repeat(32)), new Region(0, 0, 9, 9), -0.5))));
        assertThat(request.query().ofWords()).isTrue(); // what leads away does not decide the scale
        var little = new Query.Part(new Query.Id("0".repeat(32)), null, 0.25);
        assertThat(new Query.Weighted(List.of(new Query.Part(new Query.Text("a"), null, 1), little)).ofWords())
                .as("the more weight")
                .isTrue();
        assertThat(new Query.Weighted(List.of(new Query.Part(new Query.Text("a"), null, 0.2), little)).ofWords())
                .isFalse();
        assertThat(new Query.Weighted(List.of(new Query.Part(new Query.Id("0".repeat(32)), null, -1))).ofWords())
                .isFalse();
        assertThat(request.query().ids()).containsExactly("0".repeat(32));
        assertThat(request.ranking().minScore()).isEqualTo(0.25);
        assertThat(request.facets()).containsExactly("site", "mime");
    }

    @Test
    void parametersKnowFacetsAndTheLeastScore() {
        SearchRequest request = RequestReader.ofParameters(Map.of(
                "q", List.of("a"),
                "facets", List.of("site,mime", "host"),
                "min_score", List.of("0.3"),
                "orientation", List.of("portrait")));
        assertThat(request.facets()).containsExactly("site", "mime", "host");
        assertThat(request.ranking().minScore()).isEqualTo(0.3);
        assertThat(request.filter().toString()).contains("\"orientation\":[\"portrait\"]");
    }

    @Test
    void facetsCountTheMostFrequentFirst() {
        Facets facets = Facets.count(
                List.of("mime", "license"),
                List.of(
                        Map.of("mime", List.of("image/png")),
                        Map.of("mime", List.of("image/jpeg")),
                        Map.of("mime", List.of("image/jpeg"), "color", List.of("red", "blue"))));
        assertThat(facets.countedOver()).isEqualTo(3);
        assertThat(facets.fields().get("mime"))
                .containsExactly(new Facets.Value("image/jpeg", 2), new Facets.Value("image/png", 1));
        assertThat(facets.fields().get("license")).isEmpty();
    }

    @Test
    void aTextBeyondTheLimitIsRefused() {
        assertThatThrownBy(() -> json("{\"text\":\"" + "x".repeat(2_001) + "\"}"))
                .hasMessageContaining("at most 2000");
    }

    @Test
    void vectorsAreNormalised() {
        assertThat(RequestReader.unit(new float[] {3, 4}, 2)).containsExactly(0.6f, 0.8f);
    }

    @Test
    void vectorsWithoutDirectionAreRefused() {
        for (float[] bad :
                List.of(new float[2], new float[] {Float.POSITIVE_INFINITY, 0}, new float[] {Float.NaN, 0})) {
            assertThatThrownBy(() -> RequestReader.unit(bad, 2)).hasMessageContaining("finite values, not all zero");
        }
        assertThatThrownBy(() -> RequestReader.unit(new float[3], 2)).hasMessageContaining("3 values");
    }

    @Test
    void partsOfAFormAreFoundByName() {
        String body = "--xyz\r\n"
                + "Content-Disposition: form-data; name=\"note\"\r\n\r\n"
                + "hi\r\n"
                + "--xyz\r\n"
                + "Content-Disposition: form-data; name=\"image\"; filename=\"a.jpg\"\r\n"
                + "Content-Type: image/jpeg\r\n\r\n"
                + "\r\n"
                + "--bytes\r\n"
                + "--xyz--\r\n";
        Map<String, byte[]> parts = Multipart.parts("multipart/form-data; boundary=xyz", body.getBytes(UTF_8));
        assertThat(parts).containsOnlyKeys("note", "image");
        assertThat(new String(parts.get("image"), UTF_8)).isEqualTo("\r\n--bytes");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {"multipart/form-data | boundary", "multipart/form-data; boundary=b | incomplete"})
    void brokenFormsAreRefused(String type, String message) {
        assertThatThrownBy(() -> Multipart.parts(type, "--xyz\r\nname".getBytes(UTF_8)))
                .hasMessageContaining(message);
    }

    @Test
    void aCursorKnowsItsSearchAndItsPlace() {
        Cursor cursor = Cursor.parse(new Cursor(7, 1.25, "b").text(), 7);
        assertThat(cursor.isBefore(1.25, "c")).isTrue();
        assertThat(cursor.isBefore(1.0, "a")).isTrue();
        assertThat(cursor.isBefore(1.25, "b")).isFalse();
        assertThat(cursor.isBefore(1.5, "z")).isFalse();
        assertThatThrownBy(() -> Cursor.parse(cursor.text(), 8)).hasMessageContaining("another search");
        for (String broken : List.of("", "AQ", "!!", "AAAAAAAAAAAAAAAAAAAA")) {
            assertThatThrownBy(() -> Cursor.parse(broken, 7)).hasMessageContaining("not one of ours");
        }
    }

    private static SearchRequest json(String body) {
        return RequestReader.ofJson(body.getBytes(UTF_8));
    }

    private static String sorted(String text) {
        return text.chars().sorted().mapToObj(Character::toString).reduce("", String::concat);
    }
}
