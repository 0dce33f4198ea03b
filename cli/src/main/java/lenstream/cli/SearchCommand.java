package lenstream.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lenstream search}: a query from the terminal. */
@Command(
        name = "search",
        mixinStandardHelpOptions = true,
        description = "Finds images by words or by a picture.",
        footer = {
            "",
            "Examples:",
            "  ./lenstream search \"a red apple\"",
            "  ./lenstream search --image photo.jpg -k 5",
            "  ./lenstream search \"dog\" --filter host=example.org --json"
        })
final class SearchCommand implements Callable<Integer> {
    @Mixin
    private ApiOptions where;

    @Spec
    private CommandSpec spec;

    @Parameters(arity = "0..1", paramLabel = "TEXT", description = "what to look for")
    private @Nullable String text;

    @Option(names = "--image", paramLabel = "FILE|URL", description = "look for pictures like this one")
    private @Nullable String image;

    @Option(names = "-k", paramLabel = "N", defaultValue = "10", description = "how many (default: ${DEFAULT-VALUE})")
    private int k;

    @Option(
            names = "--filter",
            paramLabel = "K=V",
            description = "only images with this field, e.g. host=example.org; may be repeated")
    private Map<String, String> filters = new LinkedHashMap<>();

    @Override
    public Integer call() throws InterruptedException {
        if ((text == null) == (image == null)) {
            throw new ParameterException(spec.commandLine(), "Name either a TEXT or an --image to look for.");
        }
        try (ApiClient client = where.open()) {
            JsonNode answer = text != null ? client.searchText(text, k, filters) : client.search(imageQuery(client));
            PrintWriter out = spec.commandLine().getOut();
            if (where.json) {
                out.println(answer.toPrettyString());
            } else {
                print(out, answer);
            }
            out.flush();
            return 0;
        }
    }

    private ObjectNode imageQuery(ApiClient client) {
        ObjectNode body = JsonNodeFactory.instance.objectNode().put("k", k);
        String source = image == null ? "" : image;
        if (source.startsWith("http://") || source.startsWith("https://")) {
            body.put("image_url", source);
        } else {
            body.put("image", Base64.getEncoder().encodeToString(client.image(Path.of(source))));
        }
        if (!filters.isEmpty()) {
            ObjectNode filter = body.putObject("filter");
            filters.forEach(filter::put);
        }
        return body;
    }

    /** One hit a line: score, cosine, title, URL. */
    static void print(PrintWriter out, JsonNode answer) {
        if (answer.path("nothing_matches").asBoolean() && !answer.path("hits").isEmpty()) {
            out.printf(
                    Locale.ROOT,
                    "Nothing matches: it would take a score of %.2f to be more than chance. These only come nearest.%n",
                    answer.path("floor").asDouble());
        }
        for (JsonNode hit : answer.path("hits")) {
            // an alternative text is about the image itself, a title often about its page
            String title = hit.path("alt").asText(hit.path("title").asText(""));
            out.printf(
                    Locale.ROOT,
                    "%5.2f  cos %6.3f  %-40s  %s%n",
                    hit.path("score").asDouble(),
                    hit.path("cosine").asDouble(),
                    title.length() > 40 ? title.substring(0, 39) + "…" : title,
                    hit.path("url").asText());
        }
        out.printf(
                Locale.ROOT,
                "%d hits in %.1f ms (%s)%n",
                answer.path("hits").size(),
                answer.path("took_ms").asDouble(),
                answer.path("fingerprint").asText());
    }
}
