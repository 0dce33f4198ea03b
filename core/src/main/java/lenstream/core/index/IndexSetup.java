package lenstream.core.index;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import lenstream.core.model.Fingerprint;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings a cluster into the state that {@link IndexLayout} describes. Every step may be repeated and may race with the
 * same step of another process: what is there already is checked, not overwritten.
 */
public final class IndexSetup {
    private static final Logger LOG = LoggerFactory.getLogger(IndexSetup.class);
    private static final long POLL_MILLIS = 250;
    private static final String LINEAGE = "lineage";

    private IndexSetup() {}

    /**
     * Waits until the cluster serves requests.
     *
     * @throws IndexUnavailableException if it does not within the limit
     */
    public static void await(IndexClient client, Duration limit) {
        long deadline = System.nanoTime() + limit.toNanos();
        while (true) {
            IndexException failure;
            try {
                IndexAnswer answer = client.send("GET", "/_cluster/health?wait_for_status=yellow&timeout=1s", null);
                if (answer.ok()) {
                    return;
                }
                if (answer.status() == 401 || answer.status() == 403) {
                    throw new IndexException("OpenSearch at " + client.url() + " refuses this user (" + answer.status()
                            + "): check user and password");
                }
                failure = new IndexUnavailableException("OpenSearch at " + client.url() + " is not ready ("
                        + answer.status() + "): see its log, or name another with --opensearch");
            } catch (IndexUnavailableException e) {
                failure = e;
            }
            if (System.nanoTime() >= deadline) {
                throw failure;
            }
            try {
                Thread.sleep(POLL_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IndexUnavailableException("interrupted while waiting for " + client.url(), e);
            }
        }
    }

    /**
     * Waits for the cluster, creates the image index of this embedding space, the indices of rejections and thumbnails
     * and the aliases where they are absent, and checks what is there.
     *
     * @param dim length of the space's vectors
     * <p>A layout in bulk-load mode begins or continues it; any other puts back what one that a crash cut short has left.
     *
     * @return the identity of the collection that the image index holds: another one after the index was deleted and made
     *     again, or on another cluster; the same after a move to another encoder, which takes its documents along
     * @throws IndexException if an existing index has another engine, dimension, space type or fingerprint, or if the
     *     aliases belong to another embedding space
     * @throws IndexUnavailableException if the cluster does not answer within the limit
     */
    public static String prepare(
            IndexClient client, IndexLayout wanted, Fingerprint fingerprint, int dim, Duration limit) {
        await(client, limit);
        protectFromWildcards(client);
        String index = wanted.imageIndex(fingerprint);
        requireAliasesFree(client, wanted, index);
        Chosen chosen = chosen(client, wanted, index);
        IndexLayout layout = chosen.layout();
        putTemplate(client, layout);
        ObjectNode images = chosen.body(fingerprint, dim);
        ObjectNode aliases = images.putObject("aliases");
        aliases.putObject(layout.readAlias());
        aliases.putObject(layout.writeAlias()).put("is_write_index", true);
        create(client, index, images);
        create(client, layout.rejectionIndex(), layout.rejectionIndexBody());
        create(client, layout.thumbnailIndex(), layout.thumbnailIndexBody());
        create(client, layout.commandIndex(), layout.commandIndexBody());
        create(client, layout.groupIndex(), layout.groupIndexBody());
        create(client, layout.ledgerIndex(), layout.ledgerIndexBody());
        create(client, layout.matchIndex(), layout.matchIndexBody());
        addFields(client, index, images);
        check(client, layout, fingerprint, dim);
        requireSame(client, layout, index);
        if (layout.bulkLoad()) {
            BulkLoad.begin(client, layout, fingerprint);
        } else {
            BulkLoad.recover(client, index);
        }
        // two programs with different encoders may have passed the first check together
        requireAliasesFree(client, layout, index);
        return lineage(client, index);
    }

    /**
     * Creates the index of another space beside the one that is searched, without aliases, for the same collection. It keeps
     * its vectors the way the other one does, since jobs write both alike.
     *
     * @param from the index that it will replace
     */
    public static void prepareBeside(
            IndexClient client, IndexLayout wanted, Fingerprint fingerprint, int dim, Fingerprint from) {
        Quantisation kept = quantisation(client, wanted.imageIndex(from));
        Chosen chosen = chosen(client, wanted.withQuantisation(kept), wanted.imageIndex(fingerprint));
        IndexLayout layout = chosen.layout();
        ObjectNode images = chosen.body(fingerprint, dim);
        ((ObjectNode) images.at("/mappings/_meta")).put(LINEAGE, lineage(client, layout.imageIndex(from)));
        create(client, layout.imageIndex(fingerprint), images);
        addFields(client, layout.imageIndex(fingerprint), images);
        check(client, layout, fingerprint, dim);
        requireSame(client, layout, layout.imageIndex(fingerprint));
    }

    /**
     * Searches and writes by alias go to the index of {@code to} instead of that of {@code from}, from one instant on.
     */
    public static void switchAliases(IndexClient client, IndexLayout layout, Fingerprint from, Fingerprint to) {
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        var actions = body.putArray("actions");
        for (String alias : List.of(layout.readAlias(), layout.writeAlias())) {
            actions.addObject()
                    .putObject("remove")
                    .put("index", layout.imageIndex(from))
                    .put("alias", alias)
                    .put("must_exist", false);
            ObjectNode add = actions.addObject().putObject("add");
            add.put("index", layout.imageIndex(to)).put("alias", alias);
            if (alias.equals(layout.writeAlias())) {
                add.put("is_write_index", true);
            }
        }
        IndexAnswer answer = client.send("POST", "/_aliases", body);
        if (!answer.ok()) {
            throw new IndexException("OpenSearch at " + client.url() + " does not switch the aliases ("
                    + answer.status() + "): " + answer.text());
        }
    }

    /** The index that is searched; empty if there is none yet. */
    public static Optional<String> searched(IndexClient client, IndexLayout layout) {
        IndexAnswer answer = client.send("GET", "/_alias/" + layout.readAlias(), null);
        if (answer.status() == 404) {
            return Optional.empty();
        }
        if (!answer.ok()) {
            throw new IndexException("OpenSearch at " + client.url() + " answers " + answer.status()
                    + " when asked for alias " + layout.readAlias() + ": " + answer.text());
        }
        var holders = answer.json().fieldNames();
        return holders.hasNext() ? Optional.of(holders.next()) : Optional.empty();
    }

    /** The identity of the collection that an index holds, see {@link #prepare}. */
    public static String lineage(IndexClient client, String index) {
        String inherited = require(client, "GET", "/" + index + "/_mapping")
                .path(index)
                .at("/mappings/_meta/" + LINEAGE)
                .asText("");
        return inherited.isEmpty()
                ? require(client, "GET", "/" + index + "/_settings")
                        .path(index)
                        .at("/settings/index/uuid")
                        .asText()
                : inherited;
    }

    /**
     * Reads the mapping of the image index back: whether it holds vectors of this embedding space, kept safely. How else
     * they are kept is the writer's matter ({@link #prepare}); a reader follows it ({@link #quantisation}).
     *
     * @throws IndexException if it does not
     */
    public static void check(IndexClient client, IndexLayout layout, Fingerprint fingerprint, int dim) {
        String index = layout.imageIndex(fingerprint);
        JsonNode mapping =
                require(client, "GET", "/" + index + "/_mapping").path(index).path("mappings");
        String found = mapping.at("/_meta/fingerprint").asText("none");
        if (!found.equals(fingerprint.value())) {
            throw new IndexException("index " + index + " says that it holds vectors of \"" + found + "\", not of \""
                    + fingerprint + "\": delete it and index again, or use another prefix");
        }
        JsonNode embedding = mapping.path("properties").path(Field.EMBEDDING);
        int dimension = embedding.path("dimension").asInt();
        if (dimension != dim) {
            throw new IndexException("index " + index + " holds vectors of " + dimension + " values, the encoder makes "
                    + dim + ": delete it and index again, or use another prefix");
        }
        String space = embedding
                .path("space_type")
                .asText(embedding.at("/method/space_type").asText("l2"));
        String ours = Quantisation.of(embedding).space();
        if (!space.equals(ours)) {
            throw new IndexException("index " + index + " compares vectors by " + space + ", this program by " + ours
                    + ": delete it and index again, or use another prefix");
        }
        if (embedding.at("/method/engine").asText("").isEmpty()) {
            throw new IndexException(
                    "index " + index + " does not name the engine of its vectors, and OpenSearch's default stops a"
                            + " server that lacks its native library: delete it and index again, or use"
                            + " another prefix");
        }
    }

    /**
     * How an existing image index keeps its vectors: what a query must be asked with.
     *
     * @throws IndexUnavailableException if it is not there
     */
    public static Quantisation quantisation(IndexClient client, String index) {
        IndexAnswer answer = client.send("GET", "/" + index + "/_mapping", null);
        if (!answer.ok()) {
            throw new IndexUnavailableException("the index does not answer now (" + answer.status() + " "
                    + answer.errorType() + "); try again in a moment");
        }
        JsonNode mapping = answer.json().elements().next(); // of the index, whatever alias it was asked by
        return Quantisation.of(mapping.at("/mappings/properties/" + Field.EMBEDDING));
    }

    /**
     * A layout for whoever writes to an image index and does not say how it is built: as it was built, if it is there already,
     * else unchanged. Shards and replicas are the layout's own.
     */
    public static IndexLayout asBuilt(IndexClient client, IndexLayout layout, Fingerprint fingerprint) {
        String index = layout.imageIndex(fingerprint);
        IndexAnswer answer = client.send("GET", "/" + index + "/_mapping", null);
        if (answer.status() == 404) {
            return layout;
        }
        JsonNode embedding = client.required(answer).path(index).at("/mappings/properties/" + Field.EMBEDDING);
        JsonNode method = embedding.path("method");
        return layout.withQuantisation(Quantisation.FP32) // which every engine has
                .withEngine(method.path("engine").asText(layout.engine()))
                .withQuantisation(Quantisation.of(embedding))
                .withGraph(
                        method.at("/parameters/m").asInt(layout.m()),
                        method.at("/parameters/ef_construction").asInt(layout.efConstruction()));
    }

    /** A layout with an engine that the cluster has. {@code gpuBuild}: a new index has its graphs built on GPUs. */
    private record Chosen(IndexLayout layout, boolean gpuBuild) {
        ObjectNode body(Fingerprint fingerprint, int dim) {
            ObjectNode body = layout.imageIndexBody(fingerprint, dim);
            if (gpuBuild) {
                ((ObjectNode) body.at("/settings/index")).put("knn.remote_index_build.enabled", true);
            }
            return body;
        }
    }

    /** An index that is there has made the choice already. */
    private static Chosen chosen(IndexClient client, IndexLayout layout, String index) {
        if (layout.engine().equals("lucene")) {
            return new Chosen(layout, false);
        }
        IndexAnswer there = client.send("GET", "/" + index + "/_mapping", null);
        String found = there.ok()
                ? there.json()
                        .path(index)
                        .at("/mappings/properties/" + Field.EMBEDDING + "/method/engine")
                        .asText("")
                : "";
        if (!found.isEmpty()) {
            return new Chosen(layout.engine().equals("auto") ? layout.withEngine(found) : layout, false);
        }
        EngineProbe probe = EngineProbe.ask(client);
        String engine = probe.engine(layout);
        boolean gpuBuild = engine.equals("faiss") && probe.remoteBuild();
        LOG.info("event=engine_chosen engine={} gpu_build={} because=\"{}\"", engine, gpuBuild, probe.evidence());
        return new Chosen(layout.withEngine(engine), gpuBuild);
    }

    /** A managed cluster may refuse templates: an index's own body is complete, so this is a safeguard only. */
    private static void putTemplate(IndexClient client, IndexLayout layout) {
        IndexAnswer answer =
                client.send("PUT", "/_index_template/" + layout.imageTemplate(), layout.imageTemplateBody());
        if (!answer.ok()) {
            LOG.warn("template={} refused status={} {}", layout.imageTemplate(), answer.status(), answer.text());
        }
    }

    private static void requireSame(IndexClient client, IndexLayout layout, String index) {
        JsonNode embedding = require(client, "GET", "/" + index + "/_mapping")
                .path(index)
                .at("/mappings/properties/" + Field.EMBEDDING);
        int primaries = require(client, "GET", "/" + index + "/_settings")
                .path(index)
                .at("/settings/index/number_of_shards")
                .asInt();
        try {
            layout.requireSame(embedding, primaries, index);
        } catch (IllegalStateException e) {
            throw new IndexException(String.valueOf(e.getMessage()), e);
        }
    }

    /**
     * Creates an index of the layout where it is absent.
     *
     * @throws IndexException if the cluster refuses it
     */
    public static void create(IndexClient client, String index, ObjectNode body) {
        if (client.send("HEAD", "/" + index, null).ok()) {
            return;
        }
        IndexAnswer answer = client.send("PUT", "/" + index, body);
        if (answer.ok()) {
            LOG.info("created index={}", index);
        } else if (!answer.errorType().equals("resource_already_exists_exception")) {
            throw new IndexException("OpenSearch at " + client.url() + " does not create index " + index + " ("
                    + answer.status() + "): " + answer.text());
        }
    }

    /**
     * An index of an earlier version gets the fields that have been added since; what is there cannot change. Neither can
     * the analyzers of an open index: one that was made without them does not get the subfield that needs them.
     */
    private static void addFields(IndexClient client, String index, ObjectNode body) {
        ObjectNode fields = ((ObjectNode) body.at("/mappings/properties")).deepCopy();
        fields.remove(Field.EMBEDDING);
        JsonNode analysis =
                require(client, "GET", "/" + index + "/_settings").path(index).at("/settings/index/analysis/analyzer");
        if (!analysis.has(IndexLayout.TRIGRAMS)) {
            ((ObjectNode) fields.path(Field.OCR)).remove("fields");
            LOG.info(
                    "event=field_left_out index={} field={} because=\"the index was made before it had an analyzer\"",
                    index,
                    Field.OCR_TRIGRAMS);
        }
        ObjectNode mapping = JsonNodeFactory.instance.objectNode();
        mapping.set("properties", fields);
        IndexAnswer answer = client.send("PUT", "/" + index + "/_mapping", mapping);
        if (!answer.ok()) {
            throw new IndexException("index " + index + " does not take the fields of this version (" + answer.status()
                    + "): " + answer.text() + "; delete it and index again, or use another prefix");
        }
    }

    /** An alias of the layout names this index alone, or nothing yet. */
    private static void requireAliasesFree(IndexClient client, IndexLayout layout, String index) {
        for (String alias : List.of(layout.readAlias(), layout.writeAlias())) {
            IndexAnswer answer = client.send("GET", "/_alias/" + alias, null);
            if (answer.status() == 404) {
                continue;
            }
            var holders = new ArrayList<String>();
            answer.json().fieldNames().forEachRemaining(holders::add);
            if (!holders.equals(List.of(index))) {
                throw new IndexException("alias " + alias + " names " + String.join(", ", holders) + ", not " + index
                        + ": it belongs to another encoder; use that encoder's model, or another prefix for this one");
            }
        }
    }

    /** {@code DELETE /*} must not empty a cluster. A managed cluster may refuse the setting: that is its matter. */
    private static void protectFromWildcards(IndexClient client) {
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        body.putObject("persistent").put("action.destructive_requires_name", true);
        IndexAnswer answer = client.send("PUT", "/_cluster/settings", body);
        if (!answer.ok()) {
            LOG.warn("setting=action.destructive_requires_name refused status={}", answer.status());
        }
    }

    private static JsonNode require(IndexClient client, String method, String path) {
        IndexAnswer answer = client.send(method, path, null);
        if (!answer.ok()) {
            throw new IndexException("OpenSearch at " + client.url() + " answers " + answer.status() + " to " + method
                    + " " + path + ": " + answer.text());
        }
        return answer.json();
    }
}
