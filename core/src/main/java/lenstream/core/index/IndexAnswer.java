package lenstream.core.index;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/**
 * An answer of OpenSearch with its whole body.
 *
 * @param status HTTP status
 * @param body never written after construction
 */
public record IndexAnswer(int status, byte[] body) {
    private static final ObjectMapper JSON = JsonMapper.builder().build();

    /** The body as JSON; an empty body is a missing node. */
    public JsonNode json() {
        try {
            return JSON.readTree(body);
        } catch (IOException e) {
            throw new IndexException("OpenSearch answered " + status + " with something that is no JSON: " + text(), e);
        }
    }

    public boolean ok() {
        return status >= 200 && status < 300;
    }

    /** The type of the error, such as {@code index_not_found_exception}; empty if there is none. */
    public String errorType() {
        return body.length == 0 || body[0] != '{'
                ? ""
                : json().at("/error/type").asText("");
    }

    /** The beginning of the body, for messages. */
    public String text() {
        String text = new String(body, StandardCharsets.UTF_8);
        return text.length() <= 500 ? text : text.substring(0, 500) + "…";
    }
}
