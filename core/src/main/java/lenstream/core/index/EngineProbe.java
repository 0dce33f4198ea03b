package lenstream.core.index;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.util.List;
import java.util.Set;
import java.util.stream.StreamSupport;

/**
 * What a cluster's k-NN plugin can do, as far as its own descriptions tell. Nothing is tried: an index with engine
 * {@code faiss} on a node without the native library ends the node, at once and at each restart.
 *
 * <p>The library counts as present where a node says that it has loaded it ({@code faiss_initialized}), or where every
 * node carries the plugins of OpenSearch's own bundle, whose k-NN plugin brings it.
 *
 * @param knn whether the plugin is there
 * @param faiss whether the engine's native library is known to be there
 * @param remoteBuild whether the cluster builds graphs on a GPU service: enabled, with its repository and endpoint
 * @param evidence one clause, for people
 */
public record EngineProbe(boolean knn, boolean faiss, boolean remoteBuild, String evidence) {
    private static final String KNN = "opensearch-knn";

    /** Two of these make a bundle: a plain distribution with a hand-picked plugin has none or one. */
    private static final Set<String> BUNDLE = Set.of(
            "opensearch-security",
            "opensearch-ml",
            "opensearch-neural-search",
            "opensearch-sql",
            "opensearch-index-management",
            "opensearch-alerting");

    private static final String REMOTE = "knn.remote_index_build.";

    /** Asks a cluster. What it does not say (a managed cluster hides some) counts as absent. */
    public static EngineProbe ask(IndexClient client) {
        return of(
                answer(client, "/_nodes/plugins"),
                answer(client, "/_plugins/_knn/stats"),
                answer(client, "/_cluster/settings?include_defaults=true&flat_settings=true"));
    }

    /**
     * Reads the three answers.
     *
     * @param nodes of {@code /_nodes/plugins}
     * @param stats of {@code /_plugins/_knn/stats}
     * @param settings of {@code /_cluster/settings} with defaults, flat
     */
    static EngineProbe of(JsonNode nodes, JsonNode stats, JsonNode settings) {
        List<JsonNode> dataNodes = StreamSupport.stream(nodes.path("nodes").spliterator(), false)
                .filter(EngineProbe::holdsData)
                .toList();
        boolean knn = !dataNodes.isEmpty() && dataNodes.stream().allMatch(node -> has(node, Set.of(KNN)) == 1);
        boolean loaded = StreamSupport.stream(stats.path("nodes").spliterator(), false)
                .anyMatch(node -> node.path("faiss_initialized").asBoolean());
        boolean bundle = knn && dataNodes.stream().allMatch(node -> has(node, BUNDLE) >= 2);
        boolean faiss = loaded || bundle;
        boolean remote = faiss
                && setting(settings, REMOTE + "enabled").equals("true")
                && !setting(settings, REMOTE + "repository").isEmpty()
                && !setting(settings, REMOTE + "service.endpoint").isEmpty();
        String evidence = loaded
                ? "a node has loaded the native library"
                : bundle
                        ? "every node carries OpenSearch's bundle of plugins"
                        : knn
                                ? "no node has loaded the native library, and none carries OpenSearch's bundle of"
                                        + " plugins"
                                : "not every data node names the k-NN plugin";
        return new EngineProbe(knn, faiss, remote, evidence);
    }

    /**
     * The engine that a layout's wish means on this cluster.
     *
     * @throws IndexException if it asks for {@code faiss} where the library is not known to be
     */
    String engine(IndexLayout layout) {
        return switch (layout.engine()) {
            case "auto" -> remoteBuild && layout.quantisation().isOfferedBy("faiss") ? "faiss" : "lucene";
            case "faiss" -> {
                if (!faiss) {
                    throw new IndexException(
                            "engine faiss needs a native library that this cluster is not known to have ("
                                    + evidence
                                    + "), and would stop its nodes without it: take engine lucene, or prove the library"
                                    + " by an index of your own with engine faiss, one document and one search");
                }
                yield "faiss";
            }
            default -> layout.engine();
        };
    }

    private static boolean holdsData(JsonNode node) {
        for (JsonNode role : node.path("roles")) {
            if (role.asText().startsWith("data")) {
                return true;
            }
        }
        return false;
    }

    private static long has(JsonNode node, Set<String> plugins) {
        return StreamSupport.stream(node.path("plugins").spliterator(), false)
                .filter(plugin -> plugins.contains(plugin.path("name").asText()))
                .count();
    }

    /** What was set comes before the default. */
    private static String setting(JsonNode settings, String key) {
        for (String level : List.of("transient", "persistent", "defaults")) {
            JsonNode value = settings.path(level).path(key);
            if (!value.isMissingNode()) {
                return value.asText();
            }
        }
        return "";
    }

    private static JsonNode answer(IndexClient client, String path) {
        IndexAnswer answer = client.send("GET", path, null);
        return answer.ok() ? answer.json() : MissingNode.getInstance();
    }
}
