package lenstream.core.index;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Snapshots of an installation's indices in a repository of OpenSearch's. Thread-safe; does not own its client. */
public final class Snapshots {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

    private final IndexClient client;
    private final IndexLayout layout;
    private final String repository;

    public Snapshots(IndexClient client, IndexLayout layout, String repository) {
        this.client = client;
        this.layout = layout;
        this.repository = repository;
    }

    /** The folder below which the cluster's node may keep a file repository; empty if its {@code path.repo} names none. */
    public static Optional<String> folder(IndexClient client) {
        JsonNode nodes = client.required(client.send("GET", "/_nodes/settings?filter_path=nodes.*.settings.path", null))
                .path("nodes");
        for (JsonNode node : nodes) {
            JsonNode repo = node.at("/settings/path/repo");
            String first = repo.isArray() ? repo.path(0).asText("") : repo.asText("");
            if (!first.isEmpty()) {
                return Optional.of(first);
            }
        }
        return Optional.empty();
    }

    /**
     * Registers a file repository.
     *
     * @param location absolute, below {@link #folder}
     */
    public void register(String location, boolean readOnly) {
        ObjectNode body = JSON.objectNode().put("type", "fs");
        body.putObject("settings")
                .put("location", location)
                .put("readonly", readOnly)
                .put("compress", true);
        client.required(client.send("PUT", "/_snapshot/" + repository, body));
    }

    /** Forgets the repository; its files stay. */
    public void unregister() {
        client.send("DELETE", "/_snapshot/" + repository, null);
    }

    /** Writes a snapshot of every index of the installation and waits for its end. */
    public void create(String name) {
        ObjectNode body = body();
        JsonNode answer = client.required(
                client.send("PUT", "/_snapshot/" + repository + "/" + name + "?wait_for_completion=true", body));
        requireWhole(answer.path("snapshot"), "the snapshot");
    }

    /** Brings all indices of a snapshot back, with their aliases, and waits for its end. */
    public void restore(String name) {
        ObjectNode body = body();
        JsonNode answer = client.required(client.send(
                "POST", "/_snapshot/" + repository + "/" + name + "/_restore?wait_for_completion=true", body));
        requireWhole(answer.path("snapshot"), "the restored snapshot");
    }

    /** Documents by index, of every index of the installation. */
    public Map<String, Long> documents() {
        IndexAnswer answer = client.send("GET", "/_cat/indices/" + layout.prefix() + "-*?format=json&h=index", null);
        var counts = new TreeMap<String, Long>();
        if (answer.status() == 404) {
            return counts;
        }
        for (JsonNode row : client.required(answer)) {
            String index = row.path("index").asText();
            counts.put(
                    index,
                    client.required(client.send("GET", "/" + index + "/_count", null))
                            .path("count")
                            .asLong());
        }
        return counts;
    }

    private ObjectNode body() {
        return JSON.objectNode()
                .put("indices", layout.prefix() + "-*")
                .put("include_global_state", false)
                .put("ignore_unavailable", false);
    }

    private void requireWhole(JsonNode snapshot, String what) {
        int failed = snapshot.at("/shards/failed").asInt();
        String state = snapshot.path("state").asText("SUCCESS");
        if (failed > 0 || !state.equals("SUCCESS")) {
            throw new IndexException(
                    what + " lacks " + failed + " shard(s) (" + state + "): see OpenSearch's log at " + client.url());
        }
    }
}
