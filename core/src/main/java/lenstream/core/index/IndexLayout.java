package lenstream.core.index;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.Serializable;
import java.util.List;
import java.util.regex.Pattern;
import lenstream.core.config.Check;
import lenstream.core.config.Count;
import lenstream.core.config.Default;
import lenstream.core.model.Fingerprint;

/**
 * The one layout that the writer and the reader share: names of indices and aliases, mappings and settings. There is
 * one image index per fingerprint; rejections and thumbnails belong to images, not to an encoder, and have one each.
 *
 * <p>The engine is always named: OpenSearch's default engine needs a native library that a plain distribution lacks,
 * and kills the server without it. Immutable.
 *
 * @param prefix first part of every name, so that several installations can share a cluster
 * @param engine {@code lucene}, {@code faiss} where {@link EngineProbe} finds its native library, or {@code auto}:
 *     {@code faiss} where the cluster builds its graphs on GPUs, else {@code lucene}
 * @param quantisation how vectors are kept
 * @param m links a node of the HNSW graph
 * @param efConstruction candidates while the graph is built
 * @param shards primary shards of the image index; 0 derives them from {@code expectedImages}
 * @param expectedImages how many images the index should hold one day; decides {@code shards} where that is 0
 * @param replicas copies of each shard
 * @param refreshInterval how soon a written document can be found, in OpenSearch's notation
 * @param bulkLoad whether the image index is filled first and searched afterwards, see {@link BulkLoad}
 */
public record IndexLayout(
        @Default("lenstream") String prefix,
        @Default("lucene") String engine,
        @Default("fp32") Quantisation quantisation,
        @Default("16") int m,
        @Default("128") int efConstruction,
        @Default("0") int shards,
        @Default("1M") Count expectedImages,
        @Default("0") int replicas,
        @Default("1s") String refreshInterval,
        @Default("false") boolean bulkLoad)
        implements Serializable {
    private static final Pattern PREFIX = Pattern.compile("[a-z0-9][a-z0-9-]{0,40}");
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    /** Tokenizer and analyzer of {@link Field#OCR_TRIGRAMS}. */
    static final String TRIGRAMS = "ocr_trigrams";

    /**
     * A shard should hold 10 to 30 GiB where search latency matters; source: OpenSearch's guidance on shard sizes. The
     * upper end, since an index that is planned for a number of images holds fewer for most of its life.
     */
    private static final double SHARD_BYTES = 30.0 * (1L << 30);

    /** Words, dates, hashes and their inverted lists; measured on the gallery's documents, rounded up. */
    private static final double METADATA_BYTES = 2_048;

    /** OpenSearch refuses more shards of one index unless told otherwise ({@code index.number_of_shards}). */
    private static final int MOST_SHARDS = 1024;

    /**
     * How long a deleted document's version is remembered, instead of a minute: an older write that waits for a busy
     * shard, or in a connection that was cut, must not bring it back. Deletions of images are rare, so it costs little.
     */
    private static final String GC_DELETES = "10m";

    public IndexLayout {
        if (!PREFIX.matcher(prefix).matches()) {
            throw new IllegalArgumentException(
                    "prefix must be of a-z, 0-9 and -, at most 41 long, not \"" + prefix + "\"");
        }
        if (!engine.equals("lucene") && !engine.equals("faiss") && !engine.equals("auto")) {
            throw new IllegalArgumentException("engine must be lucene, faiss or auto, not \"" + engine + "\"");
        }
        if (!quantisation.isOfferedBy(engine)) {
            throw new IllegalArgumentException("engine " + engine + " does not offer quantisation " + quantisation
                    + ": take fp32 or 32x, or engine lucene");
        }
        Check.range("m", m, 2, 512);
        Check.range("ef_construction", efConstruction, 8, 4096);
        Check.range("shards", shards, 0, MOST_SHARDS);
        Check.positive("expected_images", expectedImages.value());
        Check.range("replicas", replicas, 0, 16);
    }

    /** The layout of one machine. */
    public static IndexLayout defaults() {
        return withPrefix("lenstream");
    }

    public static IndexLayout withPrefix(String prefix) {
        return new IndexLayout(prefix, "lucene", Quantisation.FP32, 16, 128, 0, new Count(1_000_000), 0, "1s", false);
    }

    public IndexLayout withEngine(String name) {
        return new IndexLayout(
                prefix,
                name,
                quantisation,
                m,
                efConstruction,
                shards,
                expectedImages,
                replicas,
                refreshInterval,
                bulkLoad);
    }

    /** The same with vectors kept in another way. */
    public IndexLayout withQuantisation(Quantisation level) {
        return new IndexLayout(
                prefix, engine, level, m, efConstruction, shards, expectedImages, replicas, refreshInterval, bulkLoad);
    }

    /** The same with links and candidates of another HNSW graph. */
    public IndexLayout withGraph(int links, int candidates) {
        return new IndexLayout(
                prefix,
                engine,
                quantisation,
                links,
                candidates,
                shards,
                expectedImages,
                replicas,
                refreshInterval,
                bulkLoad);
    }

    /** The same with other shards; 0 derives them from the expected images. */
    public IndexLayout withShards(int primaries, long images, int copies) {
        return new IndexLayout(
                prefix,
                engine,
                quantisation,
                m,
                efConstruction,
                primaries,
                new Count(images),
                copies,
                refreshInterval,
                bulkLoad);
    }

    /** The same, filled first and searched afterwards, or not. */
    public IndexLayout withBulkLoad(boolean first) {
        return new IndexLayout(
                prefix,
                engine,
                quantisation,
                m,
                efConstruction,
                shards,
                expectedImages,
                replicas,
                refreshInterval,
                first);
    }

    /** The index of one embedding space. */
    public String imageIndex(Fingerprint fingerprint) {
        return prefix + "-images-" + fingerprint.value();
    }

    /** The alias that searches go to. */
    public String readAlias() {
        return prefix + "-images-read";
    }

    /** The alias that names the index of the space being written. */
    public String writeAlias() {
        return prefix + "-images-write";
    }

    /** Dead letters: one document an image that was rejected, under the image's id. */
    public String rejectionIndex() {
        return prefix + "-rejections";
    }

    /** One small JPEG an image, under the image's id. */
    public String thumbnailIndex() {
        return prefix + "-thumbnails";
    }

    /** The plan of a move to another encoder, see {@link SpacePlans}. */
    public String spaceIndex() {
        return prefix + "-spaces";
    }

    /** What the jobs are asked to do; see {@link lenstream.core.command.CommandLog}. */
    public String commandIndex() {
        return prefix + "-commands";
    }

    /** Groups of near-duplicates: one document a group of two images or pages and more, under its id. */
    public String groupIndex() {
        return prefix + "-groups";
    }

    /** What was decided about each URL, and how long images took to the searcher; pruned by age. */
    public String ledgerIndex() {
        return prefix + "-ledger";
    }

    /** The register of take-downs; see {@link lenstream.core.takedown.TakedownRegister}. */
    public String takedownIndex() {
        return prefix + "-takedowns";
    }

    /** WebSub subscriptions of the API. */
    public String subscriptionIndex() {
        return prefix + "-subscriptions";
    }

    /** The register of alerts; see {@link lenstream.core.alert.AlertRegister}. */
    public String alertIndex() {
        return prefix + "-alerts";
    }

    /** Which images met which alert; pruned by age. */
    public String matchIndex() {
        return prefix + "-matches";
    }

    /** What is on its way to the alerts' webhooks; pruned by age. */
    public String deliveryIndex() {
        return prefix + "-deliveries";
    }

    /** How often each dead letter was sent through again; see {@link DeadLetters}. */
    public String replayIndex() {
        return prefix + "-replays";
    }

    /** Whether an index of this name is an image index of this layout. */
    public boolean isImageIndex(String index) {
        return index.startsWith(prefix + "-images-");
    }

    /** Primary shards of the image index: as many as keep each below {@link #SHARD_BYTES} at the expected size. */
    public int primaryShards(int dim) {
        if (shards > 0) {
            return shards;
        }
        double links = 2.0 * m * Integer.BYTES; // on the lowest level; delta-coded they take less
        double bytes = expectedImages.value() * (quantisation.storedBytes(dim) + links + METADATA_BYTES);
        return Math.clamp((long) Math.ceil(bytes / SHARD_BYTES), 1, MOST_SHARDS);
    }

    /** Name of the index template of all image indices. */
    public String imageTemplate() {
        return prefix + "-images";
    }

    /**
     * The template that every image index of this prefix begins with, whoever creates it: strict, and without a vector
     * field, whose length only the encoder knows. So an index that was made by hand refuses embeddings instead of keeping
     * them with the default engine.
     */
    public ObjectNode imageTemplateBody() {
        ObjectNode template = JSON.objectNode().put("priority", 200);
        template.putArray("index_patterns").add(prefix + "-images-*");
        template.putObject("_meta").put("managed_by", "lenstream");
        ObjectNode body = images();
        template.set("template", body);
        return template;
    }

    /** Settings and mapping of an image index; complete, so that it does not depend on the template. */
    public ObjectNode imageIndexBody(Fingerprint fingerprint, int dim) {
        ObjectNode body = images();
        ObjectNode settings = (ObjectNode) body.at("/settings/index");
        settings.put("number_of_shards", primaryShards(dim));
        ObjectNode mappings = (ObjectNode) body.get("mappings");
        mappings.putObject("_meta").put("fingerprint", fingerprint.value());
        ObjectNode embedding = type((ObjectNode) mappings.get("properties"), Field.EMBEDDING, "knn_vector");
        embedding.put("dimension", dim).put("space_type", quantisation.space());
        ObjectNode method = embedding.putObject("method").put("name", "hnsw").put("engine", engine);
        quantisation.describe(embedding, method);
        method.withObject("/parameters").put("m", m).put("ef_construction", efConstruction);
        return body;
    }

    /** What all image indices have in common. */
    private ObjectNode images() {
        ObjectNode body = body();
        ObjectNode settings = (ObjectNode) body.at("/settings/index");
        settings.put("knn", true).put("gc_deletes", GC_DELETES);
        if (quantisation == Quantisation.X32 && !engine.equals("faiss")) {
            settings.put("store.type", "niofs"); // see Quantisation.X32
        }
        ObjectNode fields = target(((ObjectNode) body.get("mappings")).putObject("properties"));
        keyword(fields, Field.SHA256);
        keyword(fields, Field.GROUP_ID);
        keyword(fields, Field.FINGERPRINT);
        keyword(fields, Field.MIME);
        type(fields, Field.BYTES, "long");
        keyword(fields, Field.PIXEL_SOURCE);
        type(fields, Field.WIDTH, "integer");
        type(fields, Field.HEIGHT, "integer");
        type(fields, Field.FRAMES, "integer");
        keyword(fields, Field.PHASH);
        keyword(fields, Field.COLOR);
        keyword(fields, Field.COLOR_HEX).put("index", false);
        keyword(fields, Field.ORIENTATION);
        words(settings, fields);
        type(fields, Field.INDEXED, "date");
        return body;
    }

    /**
     * Words in pictures. Regions are no nested documents: each would count as a document of its own in every segment, one
     * for each line of text, and nothing asks for two of its properties together.
     */
    private static void words(ObjectNode settings, ObjectNode fields) {
        ObjectNode analysis = settings.putObject("analysis");
        analysis.putObject("tokenizer")
                .putObject(TRIGRAMS)
                .put("type", "ngram")
                .put("min_gram", 3)
                .put("max_gram", 3)
                .putArray("token_chars")
                .add("letter")
                .add("digit");
        ObjectNode analyzer = analysis.putObject("analyzer").putObject(TRIGRAMS);
        analyzer.put("type", "custom").put("tokenizer", TRIGRAMS);
        analyzer.putArray("filter").add("lowercase").add("asciifolding");
        type(fields, Field.OCR, "text")
                .putObject("fields")
                .putObject("tri")
                .put("type", "text")
                .put("analyzer", TRIGRAMS)
                .put("index_options", "docs")
                .put("norms", false);
        ObjectNode regions = fields.putObject(Field.REGIONS).putObject("properties");
        keyword(regions, Field.LABEL);
        type(regions, Field.BOX, "integer").put("index", false).put("doc_values", false);
        type(regions, Field.SCORE, "half_float").put("index", false).put("doc_values", false);
        keyword(regions, Field.TEXT).put("index", false).put("doc_values", false); // searched as ocr
    }

    /** Settings and mapping of the rejection index. */
    public ObjectNode rejectionIndexBody() {
        ObjectNode body = body();
        ObjectNode fields = target(((ObjectNode) body.get("mappings")).putObject("properties"));
        keyword(fields, Field.STAGE);
        keyword(fields, Field.REASON);
        type(fields, Field.DETAIL, "text");
        return body;
    }

    /** Settings and mapping of the thumbnail index: stored, not searched. */
    public ObjectNode thumbnailIndexBody() {
        ObjectNode body = body();
        ((ObjectNode) body.at("/settings/index")).put("gc_deletes", GC_DELETES);
        ObjectNode fields = ((ObjectNode) body.get("mappings")).putObject("properties");
        keyword(fields, Field.ID);
        type(fields, Field.JPEG, "binary");
        return body;
    }

    /** Settings and mapping of the replay index. */
    public ObjectNode replayIndexBody() {
        ObjectNode body = body();
        ObjectNode fields = ((ObjectNode) body.get("mappings")).putObject("properties");
        keyword(fields, Field.ID);
        type(fields, "replays", "integer");
        type(fields, "last", "date");
        keyword(fields, Field.REASON);
        return body;
    }

    /** Settings and mapping of the command index. It has one shard, which numbers its writes: the order of the log. */
    public ObjectNode commandIndexBody() {
        ObjectNode body = body();
        ((ObjectNode) body.at("/settings/index")).put("number_of_shards", 1).put("translog.durability", "request");
        ObjectNode fields = ((ObjectNode) body.get("mappings")).putObject("properties");
        keyword(fields, "key");
        keyword(fields, "kind");
        keyword(fields, "subject").put("ignore_above", 8191).put("doc_values", false);
        type(fields, "issued", "date");
        type(fields, "threshold", "double").put("index", false);
        keyword(fields, Field.FINGERPRINT);
        type(fields, "vector", "binary");
        keyword(fields, "body").put("index", false).put("doc_values", false);
        return body;
    }

    /** Settings and mapping of the group index. */
    public ObjectNode groupIndexBody() {
        ObjectNode body = body();
        ObjectNode fields = ((ObjectNode) body.get("mappings")).putObject("properties");
        keyword(fields, Field.GROUP_ID);
        keyword(fields, Field.CANONICAL);
        type(fields, Field.GROUP_SIZE, "long");
        type(fields, Field.SEEN_ON, "long");
        type(fields, Field.FIRST_SEEN, "date");
        keyword(fields, Field.MEMBERS);
        return body;
    }

    /** Settings and mapping of the ledger: found by image, host, outcome and time; the rest is only told again. */
    public ObjectNode ledgerIndexBody() {
        ObjectNode body = body();
        ObjectNode fields = ((ObjectNode) body.get("mappings")).putObject("properties");
        for (String name : List.of(Field.IMAGE, Field.OUTCOME, Field.HOST, Field.STAGE, Field.REASON, Field.VIA)) {
            keyword(fields, name);
        }
        type(fields, Field.AT, "date");
        for (String name : List.of(Field.URL, Field.SITE, Field.PAGE_URL, Field.DETAIL, Field.ROBOTS)) {
            keyword(fields, name).put("index", false).put("doc_values", false);
        }
        for (String name : List.of(Field.SINCE, Field.NEXT, Field.DISCOVERED, Field.PUBLISHED)) {
            type(fields, name, "date").put("index", false).put("doc_values", false);
        }
        type(fields, Field.TIMES, "integer").put("index", false).put("doc_values", false);
        type(fields, Field.FRESHNESS, "object").put("enabled", false);
        return body;
    }

    /** Settings and mapping of the register of take-downs. */
    public ObjectNode takedownIndexBody() {
        ObjectNode body = body();
        ObjectNode fields = ((ObjectNode) body.get("mappings")).putObject("properties");
        keyword(fields, Field.ID);
        keyword(fields, "scope");
        keyword(fields, "subject").put("ignore_above", 8191).put("doc_values", false);
        keyword(fields, "state");
        type(fields, "threshold", "double").put("index", false);
        keyword(fields, Field.FINGERPRINT);
        type(fields, "issued", "date");
        keyword(fields, "by");
        type(fields, Field.REASON, "text");
        type(fields, "removed", "object").put("enabled", false);
        keyword(fields, "receipts").put("index", false).put("doc_values", false);
        return body;
    }

    /** Settings and mapping of the subscriptions. */
    public ObjectNode subscriptionIndexBody() {
        ObjectNode body = body();
        ObjectNode fields = ((ObjectNode) body.get("mappings")).putObject("properties");
        for (String name : List.of(Field.ID, "topic", "hub", "secret", "state", Field.REASON)) {
            keyword(fields, name).put("index", false).put("doc_values", false);
        }
        for (String name : List.of("created", "asked", "lease", "until")) {
            type(fields, name, "long");
        }
        return body;
    }

    /** Settings and mapping of the register of alerts: read by id or whole. */
    public ObjectNode alertIndexBody() {
        ObjectNode body = body();
        ObjectNode fields = ((ObjectNode) body.get("mappings")).putObject("properties");
        keyword(fields, Field.ID);
        type(fields, "name", "text");
        type(fields, "created", "date");
        for (String name : List.of("query", "filter", "spaces", "webhook")) {
            type(fields, name, "object").put("enabled", false);
        }
        for (String name : List.of("asked", "by", "disabled")) {
            keyword(fields, name).put("index", false).put("doc_values", false);
        }
        type(fields, "words", "boolean");
        type(fields, "min_score", "double").put("index", false);
        return body;
    }

    /** Settings and mapping of the matches. One shard, which numbers its writes: the order in which they are told of. */
    public ObjectNode matchIndexBody() {
        ObjectNode body = body();
        ((ObjectNode) body.at("/settings/index")).put("number_of_shards", 1).put("gc_deletes", GC_DELETES);
        ObjectNode fields = ((ObjectNode) body.get("mappings")).putObject("properties");
        keyword(fields, Field.ID);
        keyword(fields, Field.ALERT);
        keyword(fields, Field.IMAGE);
        keyword(fields, Field.URL).put("ignore_above", 8191).put("doc_values", false);
        keyword(fields, Field.HOST);
        keyword(fields, Field.SHA256).put("index", false).put("doc_values", false);
        type(fields, Field.COSINE, "double").put("index", false);
        keyword(fields, Field.FINGERPRINT);
        type(fields, Field.OBSERVED, "date");
        return body;
    }

    /** Settings and mapping of the deliveries, and of the note how far the matches were read. */
    public ObjectNode deliveryIndexBody() {
        ObjectNode body = body();
        ObjectNode fields = ((ObjectNode) body.get("mappings")).putObject("properties");
        for (String name : List.of(Field.ID, Field.ALERT, "state", "events")) {
            keyword(fields, name);
        }
        for (String name : List.of("matches", "error", "log", "owner")) {
            keyword(fields, name).put("index", false).put("doc_values", false);
        }
        for (String name : List.of("created", "next", "changed")) {
            type(fields, name, "date");
        }
        type(fields, "attempts", "integer");
        for (String name : List.of("number", "until")) {
            type(fields, name, "long").put("index", false);
        }
        return body;
    }

    /**
     * Fails if what a server holds is not what this layout writes to, in anything that cannot be changed afterwards.
     *
     * @param embedding mapping of the index's vector field
     * @param primaries its primary shards
     */
    public void requireSame(JsonNode embedding, int primaries, String index) {
        requireEngine(embedding, index);
        requireSame(index, "quantisation", Quantisation.of(embedding), quantisation);
        requireSame(index, "m", embedding.at("/method/parameters/m").asInt(16), m);
        requireSame(
                index,
                "ef_construction",
                embedding.at("/method/parameters/ef_construction").asInt(efConstruction),
                efConstruction);
        if (shards > 0) {
            requireSame(index, "shards", primaries, shards);
        }
    }

    private static void requireSame(String index, String what, Object found, Object wanted) {
        if (!found.equals(wanted)) {
            throw new IllegalStateException("index " + index + " was built with " + what + " " + found
                    + ", this program expects " + wanted + ", and what is built stays so: ask for " + what + " " + found
                    + ", take another prefix, or move with ./lenstream reembed");
        }
    }

    /** Fails if the mapping that a server holds names another engine than this layout, or none. */
    public void requireEngine(JsonNode embeddingMapping, String index) {
        String found = embeddingMapping.at("/method/engine").asText("");
        if (!found.equals(engine)) {
            throw new IllegalStateException("index " + index + " keeps its vectors with engine \"" + found
                    + "\", this program expects \"" + engine + "\": re-embed into a new index or name that engine");
        }
    }

    private ObjectNode body() {
        ObjectNode body = JSON.objectNode();
        body.putObject("settings")
                .putObject("index")
                .put("number_of_shards", Math.max(1, shards))
                .put("number_of_replicas", replicas)
                .put("refresh_interval", refreshInterval);
        body.putObject("mappings").put("dynamic", "strict");
        return body;
    }

    /** The fields that say where an image was found; images and rejections share them. */
    private static ObjectNode target(ObjectNode fields) {
        keyword(fields, Field.ID);
        keyword(fields, Field.URL).put("ignore_above", 8191).put("doc_values", false);
        keyword(fields, Field.HOST);
        keyword(fields, Field.SITE);
        keyword(fields, Field.PAGE_URL).put("ignore_above", 8191).put("doc_values", false);
        type(fields, Field.TITLE, "text");
        type(fields, Field.ALT, "text");
        type(fields, Field.CAPTION, "text");
        type(fields, Field.CREDIT, "text");
        keyword(fields, Field.LICENSE).put("ignore_above", 2048);
        keyword(fields, Field.VIA);
        type(fields, Field.PUBLISHED, "date");
        type(fields, Field.DISCOVERED, "date");
        type(fields, Field.OBSERVED, "date");
        return fields;
    }

    private static ObjectNode keyword(ObjectNode fields, String name) {
        return type(fields, name, "keyword");
    }

    private static ObjectNode type(ObjectNode fields, String name, String type) {
        return fields.putObject(name).put("type", type);
    }
}
