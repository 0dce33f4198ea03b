package lenstream.core.index;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.Serializable;
import java.util.List;
import java.util.regex.Pattern;
import lenstream.core.config.Check;
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
 * @param engine {@code lucene} or {@code faiss}
 * @param m links a node of the HNSW graph; 16 is Lucene's default
 * @param efConstruction candidates while the graph is built; 128 gave recall@10 above 0.99 on clustered vectors
 * @param shards primary shards of the image index
 * @param replicas copies of each shard
 * @param refreshInterval how soon a written document can be found, in OpenSearch's notation
 */
public record IndexLayout(
        @Default("lenstream") String prefix,
        @Default("lucene") String engine,
        @Default("16") int m,
        @Default("128") int efConstruction,
        @Default("1") int shards,
        @Default("0") int replicas,
        @Default("1s") String refreshInterval)
        implements Serializable {
    private static final Pattern PREFIX = Pattern.compile("[a-z0-9][a-z0-9-]{0,40}");
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    public IndexLayout {
        if (!PREFIX.matcher(prefix).matches()) {
            throw new IllegalArgumentException(
                    "prefix must be of a-z, 0-9 and -, at most 41 long, not \"" + prefix + "\"");
        }
        if (!engine.equals("lucene") && !engine.equals("faiss")) {
            throw new IllegalArgumentException("engine must be lucene or faiss, not \"" + engine + "\"");
        }
        Check.range("m", m, 2, 512);
        Check.range("ef_construction", efConstruction, 8, 4096);
        Check.range("shards", shards, 1, 1024);
        Check.range("replicas", replicas, 0, 16);
    }

    /** The layout of one machine. */
    public static IndexLayout defaults() {
        return withPrefix("lenstream");
    }

    public static IndexLayout withPrefix(String prefix) {
        return new IndexLayout(prefix, "lucene", 16, 128, 1, 0, "1s");
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

    /** What was decided about each URL, and how long images took to the searcher; pruned by age. */
    public String ledgerIndex() {
        return prefix + "-ledger";
    }

    /** Settings and mapping of an image index. */
    public ObjectNode imageIndexBody(Fingerprint fingerprint, int dim) {
        ObjectNode body = body();
        ((ObjectNode) body.at("/settings/index")).put("knn", true);
        ObjectNode mappings = (ObjectNode) body.get("mappings");
        mappings.putObject("_meta").put("fingerprint", fingerprint.value());
        ObjectNode fields = target(mappings.putObject("properties"));
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
        type(fields, Field.INDEXED, "date");
        ObjectNode embedding = type(fields, Field.EMBEDDING, "knn_vector");
        embedding.put("dimension", dim).put("space_type", "innerproduct");
        embedding
                .putObject("method")
                .put("name", "hnsw")
                .put("engine", engine)
                .putObject("parameters")
                .put("m", m)
                .put("ef_construction", efConstruction);
        return body;
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
        ObjectNode fields = ((ObjectNode) body.get("mappings")).putObject("properties");
        keyword(fields, Field.ID);
        type(fields, Field.JPEG, "binary");
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

    /** Fails if the mapping that a server holds is not the one that this layout writes to. */
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
                .put("number_of_shards", shards)
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
