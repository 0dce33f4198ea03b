package lenstream.search;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.EmbeddedImage;
import lenstream.core.image.FetchedImage;
import lenstream.core.image.ImageId;
import lenstream.core.image.Orientation;
import lenstream.core.image.PixelFeatures;
import lenstream.core.image.TextRegion;
import lenstream.core.index.Field;
import lenstream.core.index.IndexAnswer;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexCounts;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.IndexSetup;
import lenstream.core.index.OpenSearchConfig;
import lenstream.core.local.LocalOpenSearch;
import lenstream.core.model.Fingerprint;
import lenstream.gpu.pipeline.EmbeddingPipeline;
import lenstream.gpu.pipeline.PipelineConfig;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * A real OpenSearch with pictures of the gallery, embedded by the real encoder; started once for all tests of the run. The
 * first picture is there a second time under another address.
 */
final class GalleryIndex implements AutoCloseable {
    static final Path ROOT = Path.of(System.getProperty("lenstream.root", ".."));
    static final Path BUNDLE = ROOT.resolve("models/lensmini");
    private static final int EVERY = 3;
    private static final int BATCH = 32;

    /** Place among the pictures of the measuring tape, on which words stand; these are what is read there. */
    static final int TAPE = 69;

    static final List<TextRegion> WORDS =
            List.of(new TextRegion("TAPE", 0.98f, 49, 84, 63, 26), new TextRegion("MEASURE", 0.99f, 20, 103, 117, 31));

    final LocalOpenSearch node;
    final IndexLayout layout = IndexLayout.withPrefix("it");
    final List<Picture> pictures = new ArrayList<>();

    /** A picture of the index. */
    record Picture(String id, String title, Path file) {}

    /** Gives tests the one index of the run. */
    static final class Extension implements BeforeAllCallback, ParameterResolver {
        private static final ExtensionContext.Namespace SPACE = ExtensionContext.Namespace.create(GalleryIndex.class);

        @Override
        public void beforeAll(ExtensionContext context) {
            context.getRoot().getStore(SPACE).getOrComputeIfAbsent(Shared.class, key -> new Shared(), Shared.class);
        }

        @Override
        public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
            return parameter.getParameter().getType() == GalleryIndex.class;
        }

        @Override
        public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
            return context.getRoot().getStore(SPACE).get(Shared.class, Shared.class).index;
        }
    }

    private static final class Shared implements ExtensionContext.Store.CloseableResource {
        final GalleryIndex index;

        Shared() {
            try {
                index = new GalleryIndex(Files.createDirectories(Path.of("target/it"))
                        .resolve("opensearch-" + ProcessHandle.current().pid()));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public void close() {
            index.close();
        }
    }

    GalleryIndex(Path run) throws IOException {
        node = LocalOpenSearch.start(
                LocalOpenSearch.Config.of(ROOT.resolve("infra/opensearch/target/opensearch"), run)
                        .withQuickStart(true),
                line -> {});
        try (IndexClient client = IndexClient.open(OpenSearchConfig.at(url()));
                EmbeddingPipeline pipeline = EmbeddingPipeline.open(PipelineConfig.defaults(BUNDLE))) {
            IndexSetup.prepare(client, layout, pipeline.fingerprint(), pipeline.dim(), Duration.ofSeconds(30));
            List<FetchedImage> images = images();
            for (int from = 0; from < images.size(); from += BATCH) {
                List<FetchedImage> batch = images.subList(from, Math.min(images.size(), from + BATCH));
                write(client, pipeline.embed(batch), pipeline.fingerprint().value());
            }
            IndexCounts.refresh(client, layout, pipeline.fingerprint());
        }
    }

    /** Address of the node. */
    String url() {
        return "http://127.0.0.1:" + node.httpPort();
    }

    SearchConfig config() {
        return SearchConfig.defaults(BUNDLE, url()).withPort(0).withLayout(layout);
    }

    @Override
    public void close() {
        node.close();
    }

    private int published; // each picture a minute after the one before

    private List<FetchedImage> images() throws IOException {
        List<String> lines = Files.readAllLines(ROOT.resolve("gallery/manifest.tsv"));
        List<String> head = List.of(lines.getFirst().split("\t"));
        int file = head.indexOf("file");
        int label = head.indexOf("label");
        var images = new ArrayList<FetchedImage>();
        for (int i = 1; i < lines.size(); i += EVERY) {
            String[] columns = lines.get(i).split("\t");
            Path path = path(columns[file]);
            images.add(image(path, columns[label], "http://gallery.test/" + columns[file]));
        }
        images.add(image(pictures.getFirst().file(), pictures.getFirst().title(), "http://mirror.test/copy.png"));
        return images;
    }

    private static Path path(String name) {
        Path beside = ROOT.resolve("gallery").resolve(name);
        return Files.exists(beside) ? beside : ROOT.resolve("gallery/images").resolve(name);
    }

    private FetchedImage image(Path file, String title, String url) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        long now = System.currentTimeMillis();
        var target = new CrawlTarget(
                url,
                url.split("/")[2],
                "http://gallery.test/",
                "http://gallery.test/page.html",
                title,
                "a photograph of " + title,
                null,
                "gallery",
                "https://www.gnu.org/licenses/old-licenses/gpl-2.0.html",
                Instant.parse("2026-01-01T00:00:00Z")
                        .plusSeconds(60L * published++)
                        .toEpochMilli(),
                now,
                "sitemap");
        pictures.add(new Picture(target.id(), title, file));
        return new FetchedImage(target, bytes, ImageId.sha256(bytes), now);
    }

    private void write(IndexClient client, List<EmbeddedImage> rows, String fingerprint) {
        var mapper = new ObjectMapper();
        var body = new StringBuilder();
        for (EmbeddedImage row : rows) {
            float[] embedding = row.embedding();
            if (embedding == null) {
                throw new IllegalStateException(row.target().url() + " was rejected: " + row.detail());
            }
            ObjectNode document = mapper.createObjectNode()
                    .put(Field.ID, row.target().id())
                    .put(Field.URL, row.target().url())
                    .put(Field.HOST, row.target().host())
                    .put(Field.SITE, row.target().site())
                    .put(Field.PAGE_URL, row.target().pageUrl())
                    .put(Field.TITLE, row.target().title())
                    .put(Field.ALT, row.target().alt())
                    .put(Field.CREDIT, row.target().credit())
                    .put(Field.LICENSE, row.target().license())
                    .put(Field.VIA, row.target().via())
                    .put(
                            Field.PUBLISHED,
                            Instant.ofEpochMilli(row.target().publishedAtMillis())
                                    .toString())
                    .put(
                            Field.DISCOVERED,
                            Instant.ofEpochMilli(row.target().discoveredAtMillis())
                                    .toString())
                    .put(Field.OBSERVED, Instant.ofEpochMilli(row.version()).toString())
                    .put(Field.INDEXED, Instant.now().toString())
                    .put(Field.SHA256, row.sha256())
                    .put(Field.GROUP_ID, row.sha256().substring(0, 32))
                    .put(Field.FINGERPRINT, fingerprint)
                    .put(Field.MIME, row.mime())
                    .put(Field.WIDTH, row.width())
                    .put(Field.HEIGHT, row.height())
                    .put(Field.FRAMES, row.frames())
                    .put(
                            Field.ORIENTATION,
                            Orientation.of(row.width(), row.height()).word());
            PixelFeatures features = Objects.requireNonNull(row.features());
            document.put(Field.PHASH, features.hashHex()).put(Field.COLOR_HEX, features.colorHex());
            features.colors().forEach(document.withArray(Field.COLOR)::add);
            if (row.target().id().equals(pictures.get(TAPE).id())) {
                document.put(Field.OCR, "TAPE\nMEASURE");
                for (TextRegion word : WORDS) {
                    ObjectNode region = document.withArray(Field.REGIONS).addObject();
                    region.put(Field.LABEL, Field.TEXT).put(Field.SCORE, word.confidence());
                    region.put(Field.TEXT, word.text());
                    region.putArray(Field.BOX)
                            .add(word.x())
                            .add(word.y())
                            .add(word.width())
                            .add(word.height());
                }
            }
            ArrayNode values = document.putArray(Field.EMBEDDING);
            for (float value : embedding) {
                values.add(value);
            }
            String index = layout.imageIndex(new Fingerprint(fingerprint));
            action(body, index, row.target().id()).append(document).append('\n');
            action(body, layout.thumbnailIndex(), row.target().id())
                    .append(mapper.createObjectNode()
                            .put(Field.ID, row.target().id())
                            .put(Field.JPEG, row.thumbnail()))
                    .append('\n');
        }
        IndexAnswer answer = client.sendAsync(
                        "POST", "/_bulk", body.toString().getBytes(StandardCharsets.UTF_8), "application/x-ndjson")
                .join();
        if (!answer.ok() || answer.json().path("errors").asBoolean()) {
            throw new IllegalStateException(answer.text());
        }
    }

    private static StringBuilder action(StringBuilder body, String index, String id) {
        return body.append("{\"index\":{\"_index\":\"" + index + "\",\"_id\":\"" + id + "\"}}\n");
    }
}
