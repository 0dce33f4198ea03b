package lenstream.connector.fetch;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import lenstream.connector.fetch.FetchOutcome.Deferred;
import lenstream.connector.fetch.FetchOutcome.Fetched;
import lenstream.connector.fetch.FetchOutcome.Gone;
import lenstream.connector.fetch.FetchOutcome.Rejected;
import lenstream.connector.fetch.FetchOutcome.Unchanged;
import lenstream.connector.fetch.FetchOutcome.Validators;
import lenstream.core.config.DataSize;
import lenstream.core.image.ImageId;
import lenstream.core.image.Reason;
import lenstream.core.web.CanonicalUrl;
import lenstream.core.web.WebException;
import lenstream.core.web.WebResponse;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class ImageFetcherTest {
    private static final String URL = "https://example.org/a.jpg";
    private static final byte[] JPEG = {(byte) 0xff, (byte) 0xd8, (byte) 0xff, 1, 2, 3};

    @TempDir
    Path folder;

    private final List<Map<String, String>> sent = new ArrayList<>();

    @Test
    void newBytesComeWithTheirHashAndValidators() throws Exception {
        var fetcher = answering(
                200,
                Map.of("etag", List.of("W/\"1\""), "last-modified", List.of("Sun, 06 Nov 1994 08:49:37 GMT")),
                JPEG);
        assertThat(fetcher.fetch(URL, Validators.NONE, null)).isInstanceOfSatisfying(Fetched.class, fetched -> {
            assertThat(fetched.bytes()).isEqualTo(JPEG);
            assertThat(fetched.sha256()).isEqualTo(ImageId.sha256(JPEG));
            assertThat(fetched.validators()).isEqualTo(new Validators("W/\"1\"", "Sun, 06 Nov 1994 08:49:37 GMT"));
        });
        assertThat(sent.get(0)).doesNotContainKeys("If-None-Match", "If-Modified-Since");
    }

    @Test
    void validatorsAreSentBackByteForByte() throws Exception {
        var fetcher = answering(304, Map.of(), new byte[0]);
        var validators = new Validators("W/\"1\"", "Sun, 06 Nov 1994 08:49:37 GMT");
        assertThat(fetcher.fetch(URL, validators, "00")).isInstanceOf(Unchanged.class);
        assertThat(sent.get(0))
                .containsEntry("If-None-Match", "W/\"1\"")
                .containsEntry("If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    @Test
    void notModifiedSaysNothingToThoseWhoKnowNothing() throws Exception {
        assertThat(answering(304, Map.of(), new byte[0]).fetch(URL, Validators.NONE, null))
                .isInstanceOfSatisfying(Rejected.class, rejected -> {
                    assertThat(rejected.reason()).isEqualTo(Reason.UNEXPECTED_STATUS);
                    assertThat(rejected.detail()).contains("304 to an unconditional request");
                });
    }

    @ParameterizedTest
    @CsvSource({"403, FORBIDDEN", "401, FORBIDDEN", "418, UNEXPECTED_STATUS", "206, UNEXPECTED_STATUS"})
    void refusalsAreRejections(int status, Reason reason) throws Exception {
        assertThat(answering(status, Map.of(), JPEG).fetch(URL, Validators.NONE, null))
                .isInstanceOfSatisfying(
                        Rejected.class,
                        rejected -> assertThat(rejected.reason()).isEqualTo(reason));
    }

    @ParameterizedTest
    @CsvSource({"404, NOT_FOUND", "410, GONE", "451, GONE"})
    void whatIsNotThereIsGone(int status, Reason reason) throws Exception {
        assertThat(answering(status, Map.of(), JPEG).fetch(URL, Validators.NONE, null))
                .isInstanceOfSatisfying(
                        Gone.class, gone -> assertThat(gone.reason()).isEqualTo(reason));
    }

    @ParameterizedTest
    @CsvSource({"429, RATE_LIMITED", "500, SERVER_ERROR", "503, SERVER_ERROR"})
    void busyServersAreAskedAgainWhenTheySay(int status, Reason reason) throws Exception {
        assertThat(answering(status, Map.of("retry-after", List.of("17")), JPEG).fetch(URL, Validators.NONE, null))
                .isEqualTo(new Deferred(reason, URL + ": status " + status, 17_000));
    }

    @ParameterizedTest
    @EnumSource(
            value = Reason.class,
            names = {"TIMEOUT", "CONNECTION_FAILED", "TRUNCATED_RESPONSE"})
    void troubleOnTheWayMayPass(Reason reason) throws Exception {
        assertThat(failing(reason).fetch(URL, Validators.NONE, null)).isInstanceOf(Deferred.class);
    }

    @ParameterizedTest
    @EnumSource(
            value = Reason.class,
            names = {"TOO_LARGE", "ADDRESS_DENIED", "ROBOTS_DENIED", "BAD_URL"})
    void rulesAndLimitsAreFinal(Reason reason) throws Exception {
        assertThat(failing(reason).fetch(URL, Validators.NONE, null))
                .isInstanceOfSatisfying(
                        Rejected.class,
                        rejected -> assertThat(rejected.reason()).isEqualTo(reason));
    }

    @ParameterizedTest
    @ValueSource(strings = {"<!DOCTYPE html><p>no", "\n <HTML>", "\u00ef\u00bb\u00bf<html>"})
    void anHtmlPageInTheImagesPlaceIsNoImage(String body) throws Exception {
        assertThat(answering(
                                200,
                                Map.of("content-type", List.of("image/jpeg")),
                                body.getBytes(StandardCharsets.ISO_8859_1))
                        .fetch(URL, Validators.NONE, null))
                .isInstanceOfSatisfying(
                        Rejected.class,
                        rejected -> assertThat(rejected.reason()).isEqualTo(Reason.NOT_AN_IMAGE));
    }

    @Test
    void anImageThatIsCalledHtmlIsAnImage() throws Exception {
        assertThat(answering(200, Map.of("content-type", List.of("text/html")), JPEG)
                        .fetch(URL, Validators.NONE, null))
                .isInstanceOf(Fetched.class);
    }

    @Test
    void anEmptyBodyIsARejection() throws Exception {
        assertThat(answering(200, Map.of(), new byte[0]).fetch(URL, Validators.NONE, null))
                .isInstanceOfSatisfying(
                        Rejected.class,
                        rejected -> assertThat(rejected.reason()).isEqualTo(Reason.EMPTY));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "200 | x-robots-tag    | noarchive, noimageindex | X-Robots-Tag: noimageindex",
                "304 | x-robots-tag    | noai                    | X-Robots-Tag: noai",
                "200 | tdm-reservation | 1                       | tdm-reservation: 1",
                "304 | tdm-reservation | 1                       | tdm-reservation: 1"
            })
    void anImageWhoseAnswerForbidsIndexingIsNotTakenAndTheRuleIsNamed(
            int status, String header, String value, String rule) throws Exception {
        assertThat(answering(status, Map.of(header, List.of(value)), JPEG).fetch(URL, Validators.NONE, "00"))
                .isEqualTo(new Rejected(Reason.ROBOTS_DENIED, URL + ": " + rule));
    }

    @Test
    void aReservationThatIsNotMadeForbidsNothing() throws Exception {
        assertThat(answering(200, Map.of("tdm-reservation", List.of("0")), JPEG).fetch(URL, Validators.NONE, null))
                .isInstanceOf(Fetched.class);
    }

    @Test
    void redirectsAreFollowedAndARoundOfThemEnds() throws Exception {
        var asked = new ArrayList<String>();
        var fetcher = new ImageFetcher(
                (url, headers) -> {
                    asked.add(url.value());
                    boolean loop = url.path().equals("/loop");
                    return url.path().equals("/end")
                            ? response(url, 200, Map.of(), JPEG)
                            : response(
                                    url,
                                    302,
                                    Map.of("location", List.of(loop ? "/loop" : "https://cdn.example/end")),
                                    new byte[0]);
                },
                FetchConfig.defaults());
        assertThat(fetcher.fetch(URL, Validators.NONE, null)).isInstanceOf(Fetched.class);
        assertThat(asked).containsExactly(URL, "https://cdn.example/end");
        assertThat(fetcher.fetch("https://example.org/loop", Validators.NONE, null))
                .isInstanceOfSatisfying(
                        Rejected.class,
                        rejected -> assertThat(rejected.reason()).isEqualTo(Reason.TOO_MANY_REDIRECTS));
    }

    @Test
    void filesAreReadAndKnownBySizeAndTime() throws Exception {
        Path file = Files.write(folder.resolve("a b.jpg"), JPEG);
        var fetcher = failing(Reason.CONNECTION_FAILED);
        var fetched = (Fetched) fetcher.fetch(file.toUri().toString(), Validators.NONE, null);
        assertThat(fetched.bytes()).isEqualTo(JPEG);
        assertThat(fetcher.fetch(file.toUri().toString(), fetched.validators(), fetched.sha256()))
                .isInstanceOf(Unchanged.class);
        Files.write(file, new byte[] {(byte) 0xff, (byte) 0xd8});
        assertThat(fetcher.fetch(file.toUri().toString(), fetched.validators(), fetched.sha256()))
                .isInstanceOf(Fetched.class);
        Files.delete(file);
        assertThat(fetcher.fetch(file.toUri().toString(), fetched.validators(), fetched.sha256()))
                .isInstanceOf(Gone.class);
    }

    @Test
    void aFileBeyondTheLimitIsNotRead() throws Exception {
        Path file = Files.write(folder.resolve("large.jpg"), new byte[2 << 20]);
        var config = FetchConfig.defaults();
        var small = config.withWeb(config.web().withMaxBytes(DataSize.ofMebibytes(1)));
        var fetcher = new ImageFetcher((url, headers) -> response(url, 200, Map.of(), JPEG), small);
        assertThat(fetcher.fetch(file.toUri().toString(), Validators.NONE, null))
                .isInstanceOfSatisfying(
                        Rejected.class,
                        rejected -> assertThat(rejected.reason()).isEqualTo(Reason.TOO_LARGE));
    }

    private ImageFetcher answering(int status, Map<String, List<String>> headers, byte[] body) {
        return new ImageFetcher(
                (url, requestHeaders) -> {
                    sent.add(new HashMap<>(requestHeaders));
                    return response(url, status, headers, body);
                },
                FetchConfig.defaults());
    }

    private static ImageFetcher failing(Reason reason) {
        return new ImageFetcher(
                (url, headers) -> {
                    throw new WebException(reason, url + ": " + reason);
                },
                FetchConfig.defaults());
    }

    private static WebResponse response(CanonicalUrl url, int status, Map<String, List<String>> headers, byte[] body) {
        return new WebResponse(url, status, headers, body);
    }
}
