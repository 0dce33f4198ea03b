package lenstream.job.reembed;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Test;

class MovedDocumentsTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    /** What was found out once, such as the words in a picture, is not found out again. */
    @Test
    void everythingButTheVectorIsTakenAlong() throws Exception {
        JsonNode old = JSON.readTree("""
                {"id": "a", "title": "a poster", "fingerprint": "one-1-00000000", "embedding": [1, 0],
                 "ocr": "Grand Opening", "regions": [{"label": "text", "box": [1, 2, 3, 4], "score": 0.9, "text": "Grand Opening"}]}
                """);
        ObjectNode moved = (ObjectNode) JSON.readTree(MovedDocuments.moved(
                old, JSON.createArrayNode().add(0.5).add(0.5).add(0.5), "two-1-11111111"));
        assertThat(moved.remove("embedding").size()).isEqualTo(3);
        assertThat(moved.remove("fingerprint").asText()).isEqualTo("two-1-11111111");
        ObjectNode rest = (ObjectNode) old.deepCopy();
        rest.remove("embedding");
        rest.remove("fingerprint");
        assertThat(moved).isEqualTo(rest);
    }
}
