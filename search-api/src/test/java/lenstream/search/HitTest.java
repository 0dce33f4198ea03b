package lenstream.search;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.Test;

class HitTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @Test
    void whatADocumentDoesNotSayIsLeftOut() throws Exception {
        JsonNode document = JSON.readTree("""
                {"id":"a","url":"http://a.test/a.jpg","host":"a.test","site":"http://a.test/","via":"page",\
                "mime":"image/jpeg","width":3,"height":2,"sha256":"s","group_id":"g","fingerprint":"f-1-00000000"}
                """);
        JsonNode hit = JSON.valueToTree(Hit.of(document));
        for (String field :
                new String[] {"published", "discovered", "observed", "indexed", "page_url", "title", "color"}) {
            assertThat(hit.has(field)).as(field).isFalse();
        }
        assertThat(hit.path("width").asInt()).isEqualTo(3);
    }
}
