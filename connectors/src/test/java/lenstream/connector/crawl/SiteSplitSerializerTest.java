package lenstream.connector.crawl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.List;
import lenstream.connector.source.SplitListSerializer;
import lenstream.core.image.CrawlTarget;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SiteSplitSerializerTest {
    private static final String RUN = "run";

    private final SiteSplitSerializer serializer = new SiteSplitSerializer();

    @Test
    void aSplitComesBackAsItWas() throws Exception {
        SiteSplit split = split();
        SiteSplit back = serializer.deserialize(serializer.getVersion(), serializer.serialize(split));
        assertThat(back.site()).isEqualTo(split.site());
        assertThat(back.state()).usingRecursiveComparison().isEqualTo(split.state());
        assertThat(back.state().next()).isEqualTo(split.state().next());
    }

    /** The golden bytes were written by {@link #serializer} of that version; a new version adds a file and keeps these. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2})
    void bytesOfEveryVersionStayReadable(int version) throws Exception {
        SiteSplit back = serializer.deserialize(version, golden("site-split-" + version + ".bin"));
        assertThat(back.site()).isEqualTo(split().site());
        assertThat(back.state()).usingRecursiveComparison().isEqualTo(split().state());
    }

    @Test
    void bytesAreThoseOfTheNewestVersion() throws Exception {
        assertThat(serializer.serialize(split())).isEqualTo(golden("site-split-2.bin"));
    }

    @Test
    void whatAListSaysOfAResourceComesBack() throws Exception {
        var state = new SiteState();
        var dated = new Resource("https://example.org/map.xml", Kind.SITEMAP, 1, true, 77, 0);
        var next = new Resource("https://example.org/feed?page=2", Kind.FEED, 1, true, -1, 3);
        state.apply(new SiteEvent.RoundStarted(true, RUN, 1_000, List.of(dated, next)));
        var split = new SiteSplit(split().site(), state);
        SiteSplit back = serializer.deserialize(2, serializer.serialize(split));
        assertThat(back.state().resources()).extracting(KnownResource::resource).containsExactly(dated, next);
    }

    @Test
    void anUnknownVersionIsRefused() {
        assertThatThrownBy(() -> serializer.deserialize(99, new byte[0]))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("version 99");
    }

    @Test
    void aCheckpointKeepsItsSplits() throws Exception {
        var checkpoints = SplitListSerializer.of(serializer);
        byte[] serialized = checkpoints.serialize(List.of(split(), SiteSplit.fresh(split().site())));
        List<SiteSplit> back = checkpoints.deserialize(checkpoints.getVersion(), serialized);
        assertThat(back).hasSize(2);
        assertThat(checkpoints.deserialize(1, serialized))
                .as("the first version")
                .hasSize(2);
        assertThat(back.get(0).state()).usingRecursiveComparison().isEqualTo(split().state());
    }

    @Test
    void tensOfThousandsOfSeenUrlsComeBack() throws Exception {
        var seen = new SeenUrls();
        for (int i = 0; i < 50_000; i++) {
            seen.put(SeenUrls.key("https://example.org/" + i), i);
        }
        var bytes = new java.io.ByteArrayOutputStream();
        seen.write(new java.io.DataOutputStream(bytes));
        SeenUrls back =
                SeenUrls.read(new java.io.DataInputStream(new java.io.ByteArrayInputStream(bytes.toByteArray())));
        assertThat(back.size()).isEqualTo(50_000);
        for (int i = 0; i < 50_000; i++) {
            assertThat(back.stamp(SeenUrls.key("https://example.org/" + i))).isEqualTo(i);
        }
        assertThat(back.contains(SeenUrls.key("https://example.org/x"))).isFalse();
    }

    static SiteSplit split() {
        var site = new Site(
                "https://example.org/",
                "example.org",
                Kind.AUTO,
                Duration.ofMinutes(15),
                List.of("/a/**"),
                List.of("/b"),
                10,
                20);
        var state = new SiteState();
        var home = new Resource("https://example.org/", Kind.AUTO, 0, true);
        state.apply(new SiteEvent.RoundStarted(true, RUN, 1_000, List.of(home)));
        state.apply(new SiteEvent.Queued(new Resource("https://example.org/map.xml", Kind.SITEMAP, 1, true)));
        state.apply(new SiteEvent.Queued(new Resource("https://example.org/a/1", Kind.PAGE, 1, true)));
        var target = new CrawlTarget(
                "https://example.org/1.jpg",
                "example.org",
                "https://example.org/",
                null,
                null,
                null,
                null,
                null,
                null,
                -1,
                5,
                "page");
        state.apply(new SiteEvent.Found(target, 7));
        var known = new KnownResource(home, "\"e\"", null, 42, 900_000, 901_000, 1, false);
        state.apply(new SiteEvent.Visited("https://example.org/", known, false));
        return new SiteSplit(site, state);
    }

    private static byte[] golden(String name) throws IOException {
        try (InputStream in = SiteSplitSerializerTest.class.getResourceAsStream("/golden/" + name)) {
            assertThat(in).as(name).isNotNull();
            return in.readAllBytes();
        }
    }
}
