package lenstream.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Objects;
import lenstream.client.Alert;
import lenstream.client.Answer;
import lenstream.client.Hit;
import lenstream.client.LensClient;
import lenstream.client.LensException;
import lenstream.client.Search;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The Java client against the real server over the gallery's pictures. */
@ExtendWith(GalleryIndex.Extension.class)
final class JavaClientIT {
    private static GalleryIndex index;
    private static SearchServer server;
    private static LensClient lens;

    @BeforeAll
    @SuppressWarnings("MustBeClosed") // stop() closes both
    static void start(GalleryIndex shared) {
        index = shared;
        server = SearchServer.start(index.config());
        lens = LensClient.connect(server.uri().toString());
    }

    @AfterAll
    static void stop() {
        lens.close();
        server.close();
    }

    @Test
    void wordsFindPicturesPageByPage() {
        Search search = Search.text("a flower").k(10).facets("host");
        Answer first = lens.search(search);
        assertThat(first.hits()).hasSize(10).allSatisfy(hit -> {
            assertThat(hit.score()).isBetween(0.0, 1.0);
            assertThat(hit.indexed()).isNotNull();
        });
        assertThat(Objects.requireNonNull(first.facets()).fields().get("host")).isNotEmpty();
        assertThat(lens.hits(search).limit(25).map(Hit::id))
                .hasSize(25)
                .doesNotHaveDuplicates()
                .startsWith(first.hits().stream().map(Hit::id).toArray(String[]::new));
    }

    @Test
    void aPictureFindsItselfAndItsThumbnailIsAJpeg() {
        GalleryIndex.Picture picture = index.pictures.get(5);
        Hit best = lens.search(Search.image(picture.file()).k(1)).best().orElseThrow();
        assertThat(best.id()).isEqualTo(picture.id());
        assertThat(lens.thumbnail(best.id())).startsWith(0xFF, 0xD8);
        assertThat(lens.image(best.id()).orElseThrow().url()).isEqualTo(best.url());
    }

    @Test
    void wordsInThePictureComeWithTheHit() {
        Hit tape = lens.image(index.pictures.get(GalleryIndex.TAPE).id()).orElseThrow();
        assertThat(tape.ocr()).isEqualTo("TAPE\nMEASURE");
        assertThat(tape.regions()).contains(new Hit.Region(List.of(20, 103, 117, 31), "text", 0.99, "MEASURE"));
    }

    @Test
    void weightedQueriesAndVectorsAreTheSameSpace() {
        float[] vector = lens.embed(List.of("a frog")).getFirst();
        Hit byVector = lens.search(Search.vector(vector)).best().orElseThrow();
        Hit byWords = lens.search(Search.text("a frog")).best().orElseThrow();
        assertThat(byVector.id()).isEqualTo(byWords.id());
        Answer mixed = lens.search(Search.like(byWords.id()).plus(Search.text("a frog"), -0.3));
        assertThat(mixed.hits()).isNotEmpty();
    }

    @Test
    void anAlertIsSavedListedAndEnded() {
        Alert made = lens.addAlert(Search.text("a frog").minScore(0.6).filter("min_width", 10), "frogs", null);
        assertThat(made.minScore()).isEqualTo(0.6);
        assertThat(lens.alert(made.id()).orElseThrow().name()).isEqualTo("frogs");
        assertThat(lens.alerts()).extracting(Alert::id).contains(made.id());
        assertThat(lens.matches(made.id())).isEmpty();
        assertThat(lens.removeAlert(made.id())).isTrue();
        assertThat(lens.removeAlert(made.id())).isFalse();
        assertThat(lens.alert(made.id())).isEmpty();
    }

    @Test
    void aRefusalNamesTheField() {
        assertThatThrownBy(() -> lens.search(Search.text("x").k(100_000)))
                .isInstanceOfSatisfying(
                        LensException.class, e -> assertThat(e.isTransient()).isFalse())
                .hasMessageContaining("k");
        assertThat(lens.image("0123456789abcdef0123456789abcdef")).isEmpty();
    }
}
