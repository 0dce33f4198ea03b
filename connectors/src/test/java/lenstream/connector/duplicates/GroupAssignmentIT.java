package lenstream.connector.duplicates;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import lenstream.connector.opensearch.BulkConfig;
import lenstream.connector.opensearch.BulkEntry;
import lenstream.connector.opensearch.OpenSearchSink;
import lenstream.core.index.Field;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.IndexSetup;
import lenstream.core.index.OpenSearchConfig;
import lenstream.core.local.LocalOpenSearch;
import lenstream.core.model.Fingerprint;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.junit.jupiter.api.Test;

/** What assignments do to documents of a real OpenSearch, in every order. */
class GroupAssignmentIT {
    private static final Fingerprint FINGERPRINT = new Fingerprint("test-1-00000000");
    private static final IndexLayout LAYOUT = IndexLayout.withPrefix("assign");
    private static final BulkConfig BULK = new BulkConfig(
            BulkConfig.defaults().bytes(),
            50,
            1,
            Duration.ofMillis(20),
            8,
            Duration.ofMillis(50),
            Duration.ofMillis(200));
    private static final String INDEX = LAYOUT.imageIndex(FINGERPRINT);

    @Test
    void theSmallestGroupOfTheNewestObservationStays() throws Exception {
        Path root = Path.of(System.getProperty("lenstream.root", ".."));
        Path run = Files.createDirectories(Path.of("target/it"))
                .resolve("groups-" + ProcessHandle.current().pid());
        var where = LocalOpenSearch.Config.of(root.resolve("infra/opensearch/target/opensearch"), run)
                .withQuickStart(true);
        try (LocalOpenSearch node = LocalOpenSearch.start(where, line -> {});
                IndexClient client = IndexClient.open(OpenSearchConfig.at("http://127.0.0.1:" + node.httpPort()))) {
            IndexSetup.prepare(client, LAYOUT, FINGERPRINT, 4, Duration.ofSeconds(60));
            var config = OpenSearchConfig.at("http://127.0.0.1:" + node.httpPort());

            write(config, document("a", 10, "c9"), assign("a", 10, "c5"), assign("a", 10, "c7"), assign("a", 10, "c5"));
            assertThat(group(client, "a"))
                    .as("in any order, any number of times")
                    .isEqualTo("c5");
            write(config, document("a", 10, "c9"));
            assertThat(group(client, "a")).as("a replay of the document").isEqualTo("c5");
            write(config, document("a", 500, "d9"), assign("a", 10, "c1"));
            assertThat(group(client, "a")).as("of an earlier observation").isEqualTo("d9");
            write(config, assign("a", 500, "d3"), BulkEntry.delete(INDEX, "a", 600));
            assertThat(document(client, "a").path("found").asBoolean()).isFalse();
            write(config, assign("a", 500, "d2"), document("b", 10, "c9"));
            assertThat(document(client, "a").path("found").asBoolean())
                    .as("an assignment brings nothing back")
                    .isFalse();

            write(config, assign("z", 10, "c5"), document("z", 10, "c9"));
            assertThat(group(client, "z")).as("the document came after it").isEqualTo("c5");
            write(config, assign("z", 30, "c4"), document("z", 30, "c9"));
            assertThat(group(client, "z"))
                    .as("of an observation that came after it")
                    .isEqualTo("c4");
        }
    }

    /** One entry after the other. */
    private static void write(OpenSearchConfig config, BulkEntry... entries) throws Exception {
        var env = StreamExecutionEnvironment.createLocalEnvironment(1);
        env.fromData(TypeInformation.of(BulkEntry.class), entries).sinkTo(new OpenSearchSink(config, LAYOUT, BULK));
        env.execute();
    }

    private static BulkEntry assign(String id, long version, String group) {
        return GroupEntries.assign(new Groups.Assignment(id, version, group), LAYOUT.writeAlias());
    }

    private static BulkEntry document(String id, long version, String group) {
        ObjectNode json = JsonNodeFactory.instance.objectNode();
        json.put(Field.ID, id)
                .put(Field.GROUP_ID, group)
                .put(Field.OBSERVED, Instant.ofEpochMilli(version).toString());
        json.putArray(Field.EMBEDDING).add(1).add(0).add(0).add(0);
        return BulkEntry.index(INDEX, id, version, json.toString().getBytes(StandardCharsets.UTF_8), 0);
    }

    private static String group(IndexClient client, String id) {
        JsonNode document = document(client, id);
        assertThat(document.at("/_source/embedding")).as("the vector is kept").hasSize(4);
        return document.at("/_source/group_id").asText();
    }

    private static JsonNode document(IndexClient client, String id) {
        return client.send("GET", "/" + INDEX + "/_doc/" + id, null).json();
    }
}
