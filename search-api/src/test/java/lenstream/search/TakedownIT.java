package lenstream.search;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import lenstream.core.command.Command;
import lenstream.core.command.Command.Kind;
import lenstream.core.command.CommandLog;
import lenstream.core.image.ImageId;
import lenstream.core.index.Field;
import lenstream.core.index.IndexClient;
import lenstream.core.index.OpenSearchConfig;
import lenstream.core.takedown.ReceiptKey;
import lenstream.core.takedown.TakedownSubject;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** Take-downs that a process left half done. */
@ExtendWith(GalleryIndex.Extension.class)
class TakedownIT {
    private static final String URL = "http://takedown.test/a.jpg";

    @TempDir
    Path folder;

    @Test
    void whatWasAcceptedByAProcessThatDiedBecomesEffectiveWhenTheNextOneStarts(GalleryIndex index) {
        Path key = folder.resolve("receipt-key");
        try (IndexClient client = IndexClient.open(OpenSearchConfig.at(index.url()))) {
            copy(client, index);
            var subject = TakedownSubject.parse(URL);
            var log = new CommandLog(client, index.layout);
            // the log is written first; there the process died
            log.append(Command.of(
                    subject.id(),
                    Kind.TAKEDOWN,
                    subject.text(),
                    "{\"by\":\"somebody\",\"reason\":\"asked for\"}",
                    System.currentTimeMillis()));
            assertThat(isThere(client, index)).isTrue();
            try (SearchServer server = SearchServer.start(index.config().withReceiptKey(key))) {
                var http = new Http(server.uri());
                String entry = "/v1/takedowns/" + subject.id();
                await(() -> http.get(entry).status() == 200);
                assertThat(isThere(client, index)).isFalse();
                JsonNode kept = http.get(entry).json();
                assertThat(kept.path("state").asText()).isEqualTo("in_force");
                assertThat(kept.path("receipts")).hasSize(1);
                JsonNode receipt = ReceiptKey.at(key)
                        .verified(kept.at("/receipts/0").asText())
                        .orElseThrow();
                assertThat(receipt.at("/removed/images").asInt()).isOne();
                assertThat(receipt.path("scope").asText()).isEqualTo("url");
                assertThat(receipt.path("by").asText()).isEqualTo("somebody");
                assertThat(receipt.path("reason").asText()).isEqualTo("asked for");

                assertThat(http.delete(entry).json().path("state").asText()).isEqualTo("revoked");
            }
            // nothing is done twice
            try (SearchServer server = SearchServer.start(index.config().withReceiptKey(key))) {
                var http = new Http(server.uri());
                await(server::ready);
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(500));
                JsonNode kept = http.get("/v1/takedowns/" + subject.id()).json();
                assertThat(kept.path("state").asText()).isEqualTo("revoked");
                assertThat(kept.path("receipts")).hasSize(2);
            }
        }
    }

    /** A picture of the index under another address. */
    private static void copy(IndexClient client, GalleryIndex index) {
        ObjectNode document = (ObjectNode) client.send(
                        "GET",
                        "/" + index.layout.readAlias() + "/_doc/"
                                + index.pictures.get(5).id(),
                        null)
                .json()
                .path("_source");
        document.put(Field.ID, ImageId.ofUrl(URL)).put(Field.URL, URL).put(Field.HOST, "takedown.test");
        assertThat(client.send(
                                "PUT",
                                "/" + index.layout.writeAlias() + "/_doc/" + ImageId.ofUrl(URL) + "?refresh=true",
                                document)
                        .ok())
                .isTrue();
    }

    private static boolean isThere(IndexClient client, GalleryIndex index) {
        return client.send("GET", "/" + index.layout.readAlias() + "/_doc/" + ImageId.ofUrl(URL), null)
                .ok();
    }

    private static void await(BooleanSupplier condition) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("in time").isLessThan(deadline);
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
        }
    }
}
