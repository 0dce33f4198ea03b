package lenstream.search;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.sun.net.httpserver.HttpServer;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URLEncoder;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import javax.imageio.ImageIO;
import lenstream.core.image.ImageId;
import lenstream.core.index.Field;
import lenstream.core.index.IndexClient;
import lenstream.core.index.OpenSearchConfig;
import lenstream.core.model.Fingerprint;
import lenstream.core.model.ModelBundle;
import lenstream.core.web.WebConfig;
import lenstream.search.quality.IndexedImages;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The server over HTTP with the real encoder, a real OpenSearch and real pictures. */
@ExtendWith(GalleryIndex.Extension.class)
class SearchIT {
    private static GalleryIndex index;
    private static SearchServer server;
    private static Http http;

    @BeforeAll
    @SuppressWarnings("MustBeClosed") // closed after all tests
    static void start(GalleryIndex shared) {
        index = shared;
        server = SearchServer.start(index.config());
        http = new Http(server.uri());
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @Test
    void itIsReadyWithItsDocuments() {
        Http.Answer ready = http.get("/health/ready");
        assertThat(ready.status()).isEqualTo(200);
        assertThat(ready.json().path("documents").asInt()).isEqualTo(index.pictures.size());
    }

    @ParameterizedTest
    @ValueSource(strings = {"frog", "flower", "tractor", "airplane", "candle"})
    void wordsFindTheirPicture(String words) {
        List<String> titles = new ArrayList<>();
        search("/v1/search?k=10&q=" + URLEncoder.encode(words, UTF_8))
                .path("hits")
                .forEach(hit -> titles.add(hit.path("title").asText().toLowerCase(Locale.ROOT)));
        assertThat(titles).hasSize(10);
        assertThat(index.pictures)
                .anySatisfy(
                        picture -> assertThat(titles).contains(picture.title().toLowerCase(Locale.ROOT)));
    }

    @Test
    void aPictureFindsItselfByEveryWayOfSendingIt() throws Exception {
        GalleryIndex.Picture picture = index.pictures.get(7);
        byte[] bytes = Files.readAllBytes(picture.file());
        String base64 = Base64.getEncoder().encodeToString(bytes);
        for (Http.Answer answer : List.of(
                http.post("/v1/search?k=1", "image/jpeg", bytes),
                http.post("/v1/search?k=1", "multipart/form-data; boundary=x", form(bytes)),
                http.postJson("/v1/search", "{\"k\":1,\"image\":\"" + base64 + "\"}"),
                http.postJson("/v1/search", "{\"k\":1,\"image\":\"data:image/jpeg;base64," + base64 + "\"}"))) {
            assertThat(answer.status()).isEqualTo(200);
            JsonNode hit = answer.json().at("/hits/0");
            assertThat(hit.path("id").asText()).isEqualTo(picture.id());
            assertThat(hit.path("cosine").asDouble()).isGreaterThan(0.999);
            assertThat(hit.path("score").asDouble()).isGreaterThan(0.99);
        }
    }

    @Test
    void theStoredVectorFindsItsPicture() {
        String id = index.pictures.get(9).id();
        JsonNode embedding = http.postJson("/v1/embeddings", "{\"model\":\"lensmini\",\"input\":\"a wooden chair\"}")
                .json()
                .at("/data/0/embedding");
        JsonNode byVector = http.postJson("/v1/search", "{\"k\":5,\"vector\":" + embedding + "}")
                .json();
        JsonNode byText = http.postJson("/v1/search", "{\"k\":5,\"text\":\"a wooden chair\"}")
                .json();
        assertThat(ids(byVector)).isEqualTo(ids(byText));
        assertThat(ids(search("/v1/images/" + id + "/similar?k=20")))
                .doesNotContain(id)
                .hasSize(20);
    }

    @Test
    void copiesAreOneHitUnlessAskedForSingly() throws Exception {
        GalleryIndex.Picture first = index.pictures.getFirst();
        GalleryIndex.Picture copy = index.pictures.getLast();
        byte[] bytes = Files.readAllBytes(first.file());
        JsonNode together = http.post("/v1/search?k=2", "image/jpeg", bytes).json();
        assertThat(together.at("/hits/0/group_size").asInt()).isEqualTo(2);
        assertThat(together.at("/hits/0/group/size").asInt()).isEqualTo(2);
        assertThat(together.at("/hits/1/group").isMissingNode())
                .as("alone: nothing was asked for")
                .isTrue();
        JsonNode singly =
                http.post("/v1/search?k=2&collapse=false", "image/jpeg", bytes).json();
        assertThat(ids(singly)).containsExactlyInAnyOrder(first.id(), copy.id());
        assertThat(singly.path("total").asInt())
                .isEqualTo(together.path("total").asInt() + 1);
    }

    /** The job's document of a group is behind the index until the job has visited what was removed. */
    @Test
    void aHitTellsOfItsGroupWhatCanBeFoundNow() throws Exception {
        GalleryIndex.Picture first = index.pictures.getFirst();
        GalleryIndex.Picture copy = index.pictures.getLast();
        byte[] bytes = Files.readAllBytes(first.file());
        String group = ImageId.contentOf(ImageId.sha256(bytes));
        try (IndexClient client = IndexClient.open(OpenSearchConfig.at(index.url()))) {
            for (String canonical : List.of(copy.id(), "f".repeat(32))) {
                client.send(
                        "PUT",
                        "/" + index.layout.groupIndex() + "/_doc/" + group + "?refresh=true",
                        JsonNodeFactory.instance
                                .objectNode()
                                .put(Field.GROUP_SIZE, 3)
                                .put(Field.SEEN_ON, 5)
                                .put(Field.FIRST_SEEN, "2026-01-02T03:04:05Z")
                                .put(Field.CANONICAL, canonical));
                JsonNode told =
                        http.post("/v1/search?k=2", "image/jpeg", bytes).json().at("/hits/0/group");
                assertThat(told.path("id").asText()).isEqualTo(group);
                assertThat(told.path("size").asInt()).as("one of three is gone").isEqualTo(2);
                assertThat(told.path("seen_on").asInt()).isEqualTo(5);
                assertThat(told.path("first_seen").asText()).startsWith("2026-01-02");
                boolean isThere = canonical.equals(copy.id());
                assertThat(told.path("canonical").asText("")).isEqualTo(isThere ? canonical : "");
                JsonNode all = http.get("/v1/images/" + first.id() + "/group").json();
                assertThat(all.path("group_size").asInt()).isEqualTo(2);
                assertThat(all.path("canonical").asText()).isEqualTo(isThere ? canonical : first.id());
            }
        }
    }

    @Test
    void anImageIsExplainedByItsAddress() {
        GalleryIndex.Picture picture = index.pictures.getFirst();
        String url = http.get("/v1/images/" + picture.id()).json().path("url").asText();
        JsonNode told =
                http.get("/v1/explain?url=" + URLEncoder.encode(url, UTF_8)).json();
        assertThat(told.path("verdict").asText()).isEqualTo("indexed");
        assertThat(told.path("id").asText()).isEqualTo(picture.id());
        assertThat(told.at("/events/0/what").asText()).isEqualTo("discovered");
        assertThat(told.path("duplicates")).as("the copy").hasSize(1);
        assertThat(http.get("/v1/explain?url=https%3A%2F%2Fnowhere.test%2Fa.jpg")
                        .json()
                        .path("verdict")
                        .asText())
                .isEqualTo("unknown");
        assertThat(http.get("/v1/explain").status()).isEqualTo(400);
        assertThat(http.get("/v1/explain?url=what").status()).isEqualTo(400);
    }

    @Test
    void filtersHoldDuringTheSearch() {
        JsonNode answer = http.postJson(
                        "/v1/search", "{\"text\":\"frog\",\"filter\":{\"host\":\"mirror.test\"},\"k\":10}")
                .json();
        assertThat(ids(answer)).containsExactly(index.pictures.getLast().id());
        assertThat(search("/v1/search?q=frog&published_from=2026-02-01")
                        .path("total")
                        .asInt())
                .isZero();
        search("/v1/search?q=frog&min_width=300&k=50")
                .path("hits")
                .forEach(hit -> assertThat(hit.path("width").asInt()).isGreaterThanOrEqualTo(300));
    }

    @Test
    void severalQueriesAreOneDirection() {
        JsonNode plain = json("{\"text\":\"frog\",\"k\":10}");
        JsonNode one = json("{\"queries\":[{\"text\":\"frog\",\"weight\":0.5}],\"k\":10}");
        assertThat(ids(one)).isEqualTo(ids(plain));
        assertThat(one.at("/hits/0/score").asDouble())
                .isCloseTo(plain.at("/hits/0/score").asDouble(), offset(1e-4));
        String first = ids(plain).getFirst();
        JsonNode away = json("{\"queries\":[{\"text\":\"frog\"},{\"id\":\"" + first + "\",\"weight\":-1}],\"k\":10}");
        assertThat(ids(away)).doesNotContain(first).isNotEqualTo(ids(plain));
        JsonNode toward = json("{\"queries\":[{\"text\":\"frog\"},{\"id\":\"" + first + "\"}],\"k\":1}");
        assertThat(toward.at("/hits/0/cosine").asDouble())
                .isGreaterThan(plain.at("/hits/0/cosine").asDouble());
    }

    @Test
    void queriesThatCancelOutAreImpossible() {
        Http.Answer answer =
                http.postJson("/v1/search", "{\"queries\":[{\"text\":\"frog\"},{\"text\":\"frog\",\"weight\":-1}]}");
        assertThat(answer.status()).isEqualTo(422);
        assertThat(answer.json().path("detail").asText()).contains("cancel each other out");
    }

    @Test
    void facetsCountTheHitsAndFilterThem() {
        JsonNode answer =
                json("{\"text\":\"frog\",\"k\":5,\"facets\":[\"host\",\"mime\",\"license\"],\"collapse\":false}");
        assertThat(answer.at("/facets/counted_over").asInt())
                .isEqualTo(answer.path("total").asInt());
        assertThat(answer.at("/facets/scope").asText()).contains("not the index");
        assertThat(answer.at("/facets/fields/host/0/value").asText()).isEqualTo("gallery.test");
        JsonNode mirror = answer.at("/facets/fields/host/1");
        assertThat(mirror.path("value").asText()).isEqualTo("mirror.test");
        assertThat(mirror.path("count").asInt()).isEqualTo(1);
        assertThat(search("/v1/search?q=frog&collapse=false&facets=site&host=mirror.test")
                        .path("total")
                        .asInt())
                .isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(strings = {"landscape", "portrait", "square"})
    void orientationsAreFiltered(String orientation) {
        JsonNode hits =
                search("/v1/search?q=flower&k=30&orientation=" + orientation).path("hits");
        assertThat(hits).isNotEmpty();
        for (JsonNode hit : hits) {
            int sign = Integer.signum(
                    hit.path("width").asInt() - hit.path("height").asInt());
            assertThat(sign).isEqualTo(orientation.equals("landscape") ? 1 : orientation.equals("portrait") ? -1 : 0);
        }
    }

    @Test
    void colorsAreFilteredAndCounted() {
        JsonNode red = search("/v1/search?q=flower&k=50&color=red&facets=color,orientation");
        assertThat(red.path("hits"))
                .isNotEmpty()
                .allSatisfy(hit -> assertThat(hit.path("color").valueStream().map(JsonNode::asText))
                        .contains("red"));
        JsonNode first = red.at("/facets/fields/color/0");
        assertThat(first.path("value").asText()).isEqualTo("red");
        assertThat(first.path("count").asInt()).isEqualTo(red.path("total").asInt());
        assertThat(red.at("/hits/0/color_hex").asText()).matches("#[0-9a-f]{6}");
        assertThat(red.at("/facets/fields/orientation/0/value").asText()).isIn("landscape", "portrait", "square");
        assertThat(search("/v1/search?q=flower&animated=true").path("hits"))
                .allSatisfy(hit -> assertThat(hit.path("frames").asInt()).isGreaterThan(1));
        assertThat(json("{\"text\":\"flower\",\"filter\":{\"animated\":false,\"color\":[\"red\",\"blue\"]}}")
                        .path("hits"))
                .isNotEmpty();
    }

    @Test
    void collapsedImagesAreReachableThroughTheirGroup() {
        JsonNode hit = search("/v1/search?q=frog&k=100")
                .path("hits")
                .valueStream()
                .filter(one -> one.path("group_size").asInt() == 2)
                .findFirst()
                .orElseThrow();
        Http.Answer answer = http.get("/v1/images/" + hit.path("id").asText() + "/group");
        assertThat(answer.status()).isEqualTo(200);
        JsonNode group = answer.json();
        assertThat(group.path("group_id")).isEqualTo(hit.path("group_id"));
        assertThat(group.path("group_size").asInt()).isEqualTo(2);
        assertThat(group.path("members")
                        .valueStream()
                        .map(member -> member.path("host").asText()))
                .containsExactlyInAnyOrder("gallery.test", "mirror.test");
        assertThat(group.path("first_seen").asText()).isNotEmpty();
        assertThat(group.path("seen_on").asInt()).isPositive();
    }

    @Test
    void theLeastScoreHoldsAndTheFloorTellsWhenNothingMatches() {
        JsonNode all = json("{\"text\":\"frog\",\"k\":100}");
        double middle = all.at("/hits/5/score").asDouble();
        JsonNode best = json("{\"text\":\"frog\",\"k\":100,\"min_score\":" + middle + "}");
        assertThat(best.path("total").asInt()).isBetween(5, 6); // the score in the answer is rounded
        assertThat(all.path("nothing_matches").asBoolean(true)).isFalse();
        assertThat(all.path("floor").asDouble()).isBetween(0.1, 0.6);
        JsonNode nothing = json("{\"text\":\"frog\",\"min_score\":1}");
        assertThat(ids(nothing)).isEmpty();
        assertThat(nothing.path("nothing_matches").asBoolean()).isTrue();
        assertThat(List.of("how to install java", "florbinator", "xqzvb", "quarterly tax return deadline", "asdfasdf"))
                .allMatch(this::nothingMatches);
        int found = 0;
        int denied = 0;
        for (GalleryIndex.Picture picture : index.pictures) {
            JsonNode answer = search("/v1/search?k=10&q=" + URLEncoder.encode(picture.title(), UTF_8));
            if (ids(answer).contains(picture.id())) {
                found++;
                denied += answer.path("nothing_matches").asBoolean() ? 1 : 0;
            }
        }
        assertThat(denied)
                .as("of %d titles that find their picture; the calibration denies one in ten", found)
                .isLessThan(found / 5);
    }

    private boolean nothingMatches(String words) {
        return search("/v1/search?k=1&q=" + URLEncoder.encode(words, UTF_8))
                .path("nothing_matches")
                .asBoolean();
    }

    @Test
    void aLabelIsWhatScoresHighEnoughForItWhateverTheSearch() {
        String all = "/v1/search?k=100&collapse=false";
        List<String> flowers = ids(search(all + "&q=flower&min_score=0.5"));
        List<String> birds = ids(search(all + "&q=bird&min_score=0.5"));
        assertThat(flowers).isNotEmpty().hasSizeLessThan(50);
        assertThat(birds).isNotEmpty().isNotEqualTo(flowers);
        assertThat(ids(search(all + "&q=something+green&label=flower"))).containsExactlyInAnyOrderElementsOf(flowers);
        var both = new HashSet<>(flowers);
        both.addAll(birds);
        JsonNode eitherByWordsToo = json("""
                {"text": "toy", "k": 100, "collapse": false, "mode": "hybrid",
                 "filter": {"label": ["flower", "bird"], "mime": ["image/jpeg", "image/png", "image/webp"]}}
                """);
        assertThat(ids(eitherByWordsToo)).containsExactlyInAnyOrderElementsOf(both);
        assertThat(ids(search(
                        "/v1/images/" + index.pictures.get(7).id() + "/similar?k=100&collapse=false&label=flower")))
                .isSubsetOf(flowers);
        assertThat(ids(search(all + "&q=flower&label=quarterly+tax+return"))).isEmpty();
        assertThat(http.get("/v1/search?q=flower&label=+").status()).isEqualTo(400);
    }

    @Test
    void everythingAboveACosineIsFoundAndNothingElse() {
        List<Double> cosines = new ArrayList<>();
        String cursor = "";
        do {
            JsonNode page = search("/v1/search?q=frog&k=100&collapse=false" + cursor);
            page.path("hits").forEach(hit -> cosines.add(hit.path("cosine").asDouble()));
            cursor = page.has("cursor") ? "&cursor=" + page.path("cursor").asText() : "";
        } while (!cursor.isEmpty());
        double middle = (cosines.get(40) + cosines.get(41)) / 2;
        JsonNode above = json("{\"text\":\"frog\",\"k\":100,\"collapse\":false,\"min_cosine\":" + middle + "}");
        assertThat(above.path("total").asInt()).isEqualTo(41);
        assertThat(above.path("complete").asBoolean()).isTrue();
        assertThat(above.at("/hits/40/cosine").asDouble()).isGreaterThanOrEqualTo(middle);
        assertThat(json("{\"text\":\"frog\",\"min_cosine\":-1,\"filter\":{\"host\":\"mirror.test\"}}")
                        .path("total")
                        .asInt())
                .isEqualTo(1);
        assertThat(http.get("/v1/search?q=frog&min_cosine=2").status()).isEqualTo(400);
        assertThat(http.get("/v1/search?q=frog&min_cosine=0.1&mode=text").status())
                .isEqualTo(400);
    }

    @Test
    void diverseHitsAreLessAlikeAndPageAsWell() {
        JsonNode plain = json("{\"text\":\"a flower\",\"k\":12}");
        JsonNode none = json("{\"text\":\"a flower\",\"k\":12,\"diversity\":0}");
        assertThat(ids(none)).isEqualTo(ids(plain));
        JsonNode diverse = json("{\"text\":\"a flower\",\"k\":12,\"diversity\":0.7}");
        assertThat(ids(diverse)).isNotEqualTo(ids(plain)).doesNotHaveDuplicates();
        assertThat(ids(diverse).getFirst()).isEqualTo(ids(plain).getFirst());
        assertThat(likeness(ids(diverse))).isLessThan(likeness(ids(plain)) - 0.05);
        JsonNode half = json("{\"text\":\"a flower\",\"k\":6,\"diversity\":0.7}");
        JsonNode rest = json("{\"text\":\"a flower\",\"k\":6,\"diversity\":0.7,\"cursor\":\""
                + half.path("cursor").asText() + "\"}");
        var both = new ArrayList<>(ids(half));
        both.addAll(ids(rest));
        assertThat(both).isEqualTo(ids(diverse));
    }

    @Test
    void newerPicturesComeFirstAsFarAsThatCounts() {
        JsonNode plain = json("{\"text\":\"a flower\",\"k\":12}");
        assertThat(ids(json("{\"text\":\"a flower\",\"k\":12,\"recency\":0}"))).isEqualTo(ids(plain));
        JsonNode newer = json("{\"text\":\"a flower\",\"k\":12,\"recency\":1,\"explain\":true}");
        assertThat(ids(newer)).isNotEqualTo(ids(plain)).doesNotHaveDuplicates();
        double before = Double.POSITIVE_INFINITY;
        for (JsonNode hit : newer.path("hits")) {
            JsonNode why = hit.path("why");
            assertThat(why.at("/picture/share").asDouble()
                            + why.at("/recency/share").asDouble())
                    .isCloseTo(1, offset(1e-5));
            double value = 1.0 / (60 + why.at("/picture/rank").asInt())
                    + 1.0 / (60 + why.at("/recency/rank").asInt());
            assertThat(value).isLessThanOrEqualTo(before);
            before = value;
        }
        assertThat(newer.path("floor").asDouble()).isEqualTo(plain.path("floor").asDouble());
        assertThat(newer.path("nothing_matches").asBoolean())
                .as("by the best picture, wherever it stands")
                .isEqualTo(plain.path("nothing_matches").asBoolean());
        JsonNode half = json("{\"text\":\"a flower\",\"k\":6,\"recency\":1}");
        var both = new ArrayList<>(ids(half));
        both.addAll(ids(json("{\"text\":\"a flower\",\"k\":6,\"recency\":1,\"cursor\":\""
                + half.path("cursor").asText() + "\"}")));
        assertThat(both).isEqualTo(ids(newer));
        JsonNode hybrid = json("{\"text\":\"flower\",\"mode\":\"hybrid\",\"recency\":0.5,\"k\":1,\"explain\":true}");
        assertThat(hybrid.at("/hits/0/why/recency/share").asDouble()).isBetween(0.01, 0.5);
        assertThat(http.get("/v1/search?q=frog&recency=1.5").status()).isEqualTo(400);
    }

    @Test
    void anExplanationAddsUpToTheHit() {
        JsonNode parts = json("{\"queries\":[{\"text\":\"frog\"},{\"text\":\"grass\",\"weight\":-0.4}],"
                + "\"k\":3,\"explain\":true}");
        for (JsonNode hit : parts.path("hits")) {
            double sum = hit.at("/why/parts/0/share").asDouble()
                    + hit.at("/why/parts/1/share").asDouble();
            assertThat(sum).isCloseTo(hit.path("cosine").asDouble(), offset(1e-4));
            assertThat(hit.at("/why/parts/1/query").asText()).isEqualTo("grass");
            assertThat(hit.at("/why/picture/share").asDouble()).isEqualTo(1);
            assertThat(hit.has("embedding")).isFalse();
        }
        JsonNode hybrid = json("{\"text\":\"tractor\",\"mode\":\"hybrid\",\"k\":1,\"explain\":true}");
        JsonNode why = hybrid.at("/hits/0/why");
        assertThat(why.at("/words/fields")).extracting(JsonNode::asText).contains("title", "alt");
        assertThat(why.at("/words/share").asDouble() + why.at("/picture/share").asDouble())
                .isCloseTo(1, offset(1e-5));
        assertThat(json("{\"text\":\"frog\",\"k\":1}").at("/hits/0").has("why")).isFalse();
    }

    /** Mean cosine of the images among themselves, from searches by each of them. */
    private static double likeness(List<String> ids) {
        double sum = 0;
        int count = 0;
        for (String id : ids) {
            JsonNode near = json("{\"id\":\"" + id + "\",\"k\":100}");
            for (JsonNode hit : near.path("hits")) {
                if (ids.contains(hit.path("id").asText())) {
                    sum += hit.path("cosine").asDouble();
                    count++;
                }
            }
        }
        return sum / Math.max(1, count);
    }

    @Test
    void aRegionOfAStoredImageIsSearched() throws Exception {
        GalleryIndex.Picture picture = index.pictures.get(20);
        String whole = "{\"id\":\"" + picture.id() + "\",\"k\":3";
        var size = ImageIO.read(picture.file().toFile());
        String part = ",\"region\":[0,0," + size.getWidth() / 2 + "," + size.getHeight() / 2 + "]}";
        JsonNode stored = json(whole + part);
        assertThat(ids(stored)).doesNotContain(picture.id()).isNotEqualTo(ids(json(whole + "}")));
        String base64 = Base64.getEncoder().encodeToString(Files.readAllBytes(picture.file()));
        JsonNode sent = json("{\"image\":\"" + base64 + "\",\"k\":4" + part);
        assertThat(ids(sent)).contains(ids(stored).getFirst()); // from the thumbnail, so only nearly the same
        assertThat(http.postJson("/v1/search", whole + ",\"region\":[9999,0,5,5]}")
                        .status())
                .isEqualTo(400);
    }

    @Test
    void pagesFitTogether() {
        JsonNode all = search("/v1/search?q=animal&k=60");
        var seen = new ArrayList<String>();
        String path = "/v1/search?q=animal&k=20";
        for (int page = 0; page < 3; page++) {
            JsonNode answer = search(seen.isEmpty() ? path : path + "&cursor=" + cursorOf(path, seen.size() / 20));
            seen.addAll(ids(answer));
        }
        assertThat(seen).isEqualTo(ids(all));
        assertThat(new HashSet<>(seen)).hasSize(60);
        assertThat(http.get("/v1/search?q=plant&k=20&cursor=" + cursorOf(path, 1))
                        .status())
                .isEqualTo(400);
    }

    /** What needs no more than a page is asked of the index in another way than what counts or pages through the neighbours. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "/v1/search?q=frog&k=20",
                "/v1/search?q=frog&k=100&collapse=false",
                "/v1/search?q=flower&k=5&orientation=portrait",
                "/v1/search?q=flower&k=5&site=http://nowhere.test/"
            })
    void aPageIsTheSameWhateverElseIsAsked(String path) {
        assertSamePage(path);
    }

    @Test
    void aPageOfSimilarImagesIsTheSameWhateverElseIsAsked() {
        assertSamePage("/v1/images/" + index.pictures.getFirst().id() + "/similar?k=7");
    }

    private void assertSamePage(String path) {
        JsonNode page = search(path);
        JsonNode counted = search(path + "&facets=mime");
        assertThat(page.path("hits")).isEqualTo(counted.path("hits"));
        assertThat(page.path("total")).isEqualTo(counted.path("total"));
        assertThat(page.path("cursor")).isEqualTo(counted.path("cursor"));
        assertThat(page.path("nothing_matches")).isEqualTo(counted.path("nothing_matches"));
    }

    @Test
    void wordsOfTitlesAndBothTogether() {
        JsonNode text = http.postJson("/v1/search", "{\"text\":\"tractor\",\"mode\":\"text\"}")
                .json();
        assertThat(text.path("hits")).isNotEmpty().allSatisfy(hit -> {
            assertThat(hit.path("title").asText().toLowerCase(Locale.ROOT)).contains("tractor");
            assertThat(hit.path("cosine").asDouble()).isBetween(-1.0, 1.0);
        });
        JsonNode hybrid = http.postJson("/v1/search", "{\"text\":\"tractor\",\"mode\":\"hybrid\",\"k\":5}")
                .json();
        assertThat(ids(hybrid)).contains(text.at("/hits/0/id").asText()).hasSize(5);
        assertThat(text.path("nothing_matches").asBoolean(true)).isFalse();
        JsonNode none = http.postJson("/v1/search", "{\"text\":\"qqqq zzzz\",\"mode\":\"text\"}")
                .json();
        assertThat(ids(none)).isEmpty();
        assertThat(none.path("nothing_matches").asBoolean()).isTrue();
        assertThat(none.has("floor")).isFalse();
    }

    @Test
    void wordsInAPictureAreFoundShownCountedAndFiltered() {
        String tape = index.pictures.get(GalleryIndex.TAPE).id();
        JsonNode byWords = json("{\"text\":\"measure\",\"mode\":\"text\",\"explain\":true}");
        assertThat(ids(byWords)).containsExactly(tape);
        JsonNode hit = byWords.at("/hits/0");
        assertThat(hit.at("/why/words/fields").toString()).isEqualTo("[\"ocr\"]");
        assertThat(hit.path("ocr").asText()).isEqualTo("TAPE\nMEASURE");
        assertThat(hit.at("/regions/1").toString())
                .isEqualTo("{\"box\":[20,103,117,31],\"label\":\"text\",\"score\":0.99,\"text\":\"MEASURE\"}");
        assertThat(ids(json("{\"text\":\"easur\",\"mode\":\"text\"}")))
                .as("a part of a word")
                .containsExactly(tape);
        assertThat(ids(json("{\"text\":\"measure\",\"mode\":\"hybrid\",\"k\":1}")))
                .containsExactly(tape);

        JsonNode labelled = search("/v1/search?q=frog&label=text&facets=label");
        assertThat(ids(labelled)).containsExactly(tape);
        assertThat(labelled.at("/facets/fields/label").toString()).isEqualTo("[{\"value\":\"text\",\"count\":1}]");
        assertThat(search("/v1/search?q=frog&k=1").at("/hits/0").has("regions")).isFalse();
    }

    @Test
    void aRegionIsAnotherQueryThanTheWhole() throws Exception {
        byte[] bytes = Files.readAllBytes(index.pictures.get(20).file());
        JsonNode whole = http.post("/v1/search?k=1", "image/jpeg", bytes).json();
        JsonNode part = http.post("/v1/search?k=1&region=0,0,60,60", "image/jpeg", bytes)
                .json();
        assertThat(part.at("/hits/0/cosine").asDouble())
                .isLessThan(whole.at("/hits/0/cosine").asDouble());
        var picture = ImageIO.read(index.pictures.get(20).file().toFile());
        JsonNode cut = http.post("/v1/search?k=5", "image/png", png(picture.getSubimage(40, 30, 90, 80)))
                .json();
        JsonNode region = http.post("/v1/search?k=5&region=40,30,90,80", "image/png", png(picture))
                .json();
        assertThat(ids(region)).isEqualTo(ids(cut));
        for (int i = 0; i < 5; i++) {
            for (String figure : List.of("/cosine", "/score")) {
                assertThat(region.at("/hits/" + i + figure).asDouble())
                        .as("a hit's %s is that of the part, as if it had been cut out", figure)
                        .isCloseTo(cut.at("/hits/" + i + figure).asDouble(), offset(1e-4));
            }
        }
        assertThat(region.path("floor")).isEqualTo(cut.path("floor"));
        assertThat(region.path("nothing_matches")).isEqualTo(cut.path("nothing_matches"));
    }

    @Test
    void theIndexIsASampleOfLabelledImages() {
        Fingerprint ours = ModelBundle.load(GalleryIndex.BUNDLE).fingerprint();
        try (IndexClient client = IndexClient.open(OpenSearchConfig.at(index.url()))) {
            IndexedImages all = IndexedImages.read(client, index.layout, ours, 1_000, read -> {});
            assertThat(all.images()).as("one of two copies").hasSize(index.pictures.size() - 1);
            assertThat(all.images().getFirst().labels().getFirst()).startsWith("a photograph of ");
            int place = all.images().stream()
                    .map(image -> image.file().toString())
                    .toList()
                    .indexOf(index.pictures.get(20).id());
            assertThat(ids(json("{\"k\":1,\"vector\":"
                            + Arrays.toString(all.vectors().get(place)) + "}")))
                    .containsExactly(index.pictures.get(20).id());
            assertThat(IndexedImages.read(client, index.layout, ours, 30, read -> {})
                            .images())
                    .hasSize(30);
            assertThatThrownBy(() -> IndexedImages.read(
                            client, index.layout, new Fingerprint("other-1-00000000"), 30, read -> {}))
                    .hasMessageContaining("was made by another encoder than other-1-00000000");
        }
    }

    @Test
    void aPictureThatNothingResemblesIsToldSo() throws Exception {
        byte[] ours = Files.readAllBytes(index.pictures.get(20).file());
        JsonNode known = http.post("/v1/search?k=1", "image/jpeg", ours).json();
        assertThat(known.path("floor").asDouble()).isBetween(0.2, 0.8);
        assertThat(known.path("nothing_matches").asBoolean(true)).isFalse();
        byte[] gradient = Files.readAllBytes(GalleryIndex.BUNDLE.resolve("golden/gradient.png"));
        JsonNode unknown = http.post("/v1/search?k=1", "image/png", gradient).json();
        assertThat(unknown.path("nothing_matches").asBoolean()).isTrue();
        assertThat(unknown.at("/hits/0/score").asDouble())
                .isLessThan(unknown.path("floor").asDouble());
        JsonNode several = json("{\"queries\":[{\"text\":\"frog\"},{\"text\":\"bird\",\"weight\":-0.5}]}");
        assertThat(several.has("floor"))
                .as("nobody measured what a mixture takes")
                .isFalse();
    }

    private static byte[] png(BufferedImage image) throws IOException {
        var bytes = new ByteArrayOutputStream();
        ImageIO.write(image, "png", bytes);
        return bytes.toByteArray();
    }

    @Test
    void aRunningServerRecoversWhenTheIndexComesBack() throws Exception {
        try (var relay = new Relay(index.node.httpPort());
                SearchServer own = SearchServer.start(
                        index.config().withOpenSearch(OpenSearchConfig.at("http://127.0.0.1:" + relay.port())))) {
            var client = new Http(own.uri());
            assertThat(client.get("/v1/search?q=frog").status()).isEqualTo(200);
            relay.down();
            Http.Answer down = client.get("/v1/search?q=frog");
            assertThat(down.status()).isEqualTo(503);
            assertThat(down.header("Retry-After")).isNotEmpty();
            awaitStatus(client, "/health/ready", 503);
            assertThat(client.get("/health/live").status()).isEqualTo(200);
            relay.up();
            awaitStatus(client, "/health/ready", 200);
            assertThat(client.get("/v1/search?q=frog").status()).isEqualTo(200);
        }
    }

    @Test
    void anAllowedAddressIsFetchedAndSearched() throws Exception {
        GalleryIndex.Picture picture = index.pictures.get(7);
        byte[] bytes = Files.readAllBytes(picture.file());
        HttpServer site = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        site.createContext("/picture.jpg", exchange -> {
            exchange.getResponseHeaders().set("Content-Type", "image/jpeg");
            exchange.sendResponseHeaders(200, bytes.length);
            try (exchange) {
                exchange.getResponseBody().write(bytes);
            }
        });
        site.start();
        WebConfig web = WebConfig.defaults().withAllowPrivate(List.of("127.0.0.0/8"));
        String base = "http://127.0.0.1:" + site.getAddress().getPort();
        try (SearchServer own = SearchServer.start(index.config().withWeb(web))) {
            var client = new Http(own.uri());
            Http.Answer answer = client.postJson("/v1/search", "{\"k\":1,\"image_url\":\"" + base + "/picture.jpg\"}");
            assertThat(answer.status()).isEqualTo(200);
            assertThat(answer.json().at("/hits/0/id").asText()).isEqualTo(picture.id());
            Http.Answer none = client.postJson("/v1/search", "{\"image_url\":\"" + base + "/none.jpg\"}");
            assertThat(none.status()).isEqualTo(422);
            assertThat(none.json().path("detail").asText()).contains("answered 404");
        } finally {
            site.stop(0);
        }
    }

    @Test
    void thumbnailsAreSmallPicturesWithAValidator() throws Exception {
        String path = "/v1/images/" + index.pictures.get(3).id() + "/thumbnail";
        Http.Answer answer = http.get(path);
        var image = ImageIO.read(new ByteArrayInputStream(answer.response().body()));
        assertThat(Math.max(image.getWidth(), image.getHeight())).isLessThanOrEqualTo(256);
        assertThat(answer.header("Content-Type")).isEqualTo("image/jpeg");
        assertThat(http.get(path, "If-None-Match", answer.header("ETag")).status())
                .isEqualTo(304);
    }

    @Test
    void imagesAreDescribedAndTheNewestListed() {
        GalleryIndex.Picture picture = index.pictures.get(3);
        JsonNode image = http.get("/v1/images/" + picture.id()).json();
        assertThat(image.path("title").asText()).isEqualTo(picture.title());
        assertThat(image.has("embedding")).isFalse();
        assertThat(ids(search("/v1/images?k=12"))).hasSize(12);
    }

    @Test
    void whatIsNotThereOrNoImageIsAProblem() {
        assertThat(http.get("/v1/images/" + "0".repeat(32)).status()).isEqualTo(404);
        assertThat(http.get("/v1/images/" + "0".repeat(32) + "/thumbnail").status())
                .isEqualTo(404);
        assertThat(http.get("/v1/images/" + "0".repeat(32) + "/similar").status())
                .isEqualTo(404);
        assertThat(http.get("/v1/images/nonsense").status()).isEqualTo(400);
        assertThat(http.post("/v1/search", "image/png", "<html>".getBytes(UTF_8))
                        .status())
                .isEqualTo(415);
        assertThat(http.post("/v1/search", "text/plain", "frog".getBytes(UTF_8)).status())
                .isEqualTo(415);
        assertThat(http.post("/v1/search", "image/png", new byte[0]).status()).isEqualTo(400);
        assertThat(http.postJson("/v1/search", "{\"vector\":[1,2,3]}").status()).isEqualTo(400);
        Http.Answer inside = http.postJson("/v1/search", "{\"image_url\":\"" + server.uri() + "ui/icon.svg\"}");
        assertThat(inside.status()).isEqualTo(422);
        assertThat(inside.json().path("detail").asText()).contains("must not reach");
    }

    private static String cursorOf(String path, int pages) {
        String cursor = "";
        for (int page = 0; page < pages; page++) {
            cursor = search(cursor.isEmpty() ? path : path + "&cursor=" + cursor)
                    .path("cursor")
                    .asText();
        }
        return cursor;
    }

    private static void awaitStatus(Http client, String path, int status) {
        long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        int last;
        do {
            last = client.get(path).status();
        } while (last != status && System.nanoTime() < end);
        assertThat(last).isEqualTo(status);
    }

    private static JsonNode json(String body) {
        Http.Answer answer = http.postJson("/v1/search", body);
        assertThat(answer.status())
                .as(new String(answer.response().body(), UTF_8))
                .isEqualTo(200);
        return answer.json();
    }

    private static JsonNode search(String path) {
        Http.Answer answer = http.get(path);
        assertThat(answer.status())
                .as(new String(answer.response().body(), UTF_8))
                .isEqualTo(200);
        assertThat(answer.json().path("fingerprint").asText()).startsWith("lensmini-1-");
        return answer.json();
    }

    private static List<String> ids(JsonNode answer) {
        var ids = new ArrayList<String>();
        answer.path("hits").forEach(hit -> ids.add(hit.path("id").asText()));
        return ids;
    }

    private static byte[] form(byte[] image) {
        var body = new ByteArrayOutputStream();
        body.writeBytes(
                "--x\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a\"\r\n\r\n".getBytes(UTF_8));
        body.writeBytes(image);
        body.writeBytes("\r\n--x--\r\n".getBytes(UTF_8));
        return body.toByteArray();
    }
}
