package lenstream.cli;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import java.io.PrintWriter;
import java.net.URI;
import java.nio.file.Path;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import lenstream.client.Alert;
import lenstream.client.AlertMatch;
import lenstream.client.Search;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lenstream alert}: saved queries that every new image is compared with. */
@Command(
        name = "alert",
        mixinStandardHelpOptions = true,
        description = {
            "Saves queries that every new image is compared with: a reverse search as a stream.",
            "Matches come as a list, as an Atom feed and, signed, to a webhook. The search API must run (./lenstream up)."
        },
        footer = {
            "",
            "Examples:",
            "  ./lenstream alert add \"a red bicycle\" --webhook https://example.org/hook",
            "  ./lenstream alert add --image logo.png --min-cosine 0.9 --filter host=example.org --name \"our logo\"",
            "  ./lenstream alert list",
            "  ./lenstream alert matches 0123456789abcdef0123456789abcdef -k 50",
            "  ./lenstream alert show 0123456789abcdef0123456789abcdef",
            "  ./lenstream alert remove 0123456789abcdef0123456789abcdef"
        })
final class AlertCommand implements Runnable {
    private static final ObjectMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .serializationInclusion(JsonInclude.Include.NON_NULL)
            .addModule(new SimpleModule().addSerializer(Instant.class, ToStringSerializer.instance))
            .build();
    private static final Pattern ID = Pattern.compile("[0-9a-f]{32}");

    @Spec
    private CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "Name one of add, list, show, matches and remove.");
    }

    @Command(
            name = "add",
            mixinStandardHelpOptions = true,
            description = "Saves a query; the running jobs compare with it within a second.")
    int add(
            @Mixin ApiOptions where,
            @Parameters(arity = "0..1", paramLabel = "TEXT", description = "what to look for") @Nullable String text,
            @Option(names = "--image", paramLabel = "FILE|URL", description = "look for pictures like this one")
                    @Nullable
                    String image,
            @Option(names = "--name", defaultValue = "", paramLabel = "NAME", description = "by which people know it")
                    String name,
            @Option(
                            names = "--min-score",
                            paramLabel = "0..1",
                            description = "from where on an image matches (default: 0.5 for words, 0.8 for pictures)")
                    @Nullable
                    Double minScore,
            @Option(names = "--min-cosine", paramLabel = "-1..1", description = "the same as a cosine") @Nullable
                    Double minCosine,
            @Option(
                            names = "--filter",
                            paramLabel = "K=V",
                            description = "only images with this field, e.g. host=example.org; may be repeated")
                    @Nullable
                    Map<String, String> filters,
            @Option(names = "--webhook", paramLabel = "URL", description = "is told of matches by POST") @Nullable
                    URI webhook)
            throws InterruptedException {
        if (text == null && image == null) {
            throw new ParameterException(
                    spec.commandLine().getSubcommands().get("add"), "Name a TEXT or an --image to look for, or both.");
        }
        try (ApiClient api = where.open()) {
            Search search = search(api, text, image);
            search = minScore == null ? search : search.minScore(minScore);
            search = minCosine == null ? search : search.set("min_cosine", minCosine);
            for (Map.Entry<String, String> filter :
                    (filters == null ? new LinkedHashMap<String, String>() : filters).entrySet()) {
                search = search.filter(filter.getKey(), filter.getValue());
            }
            Search wanted = search;
            Alert alert = api.ask(lens -> lens.addAlert(wanted, name, webhook));
            if (where.json) {
                json(alert);
            } else {
                print(alert);
                Alert.Webhook told = alert.webhook();
                if (told != null) {
                    out().println("  secret of the webhook's signatures, shown only now: " + told.secret());
                }
            }
            return done();
        }
    }

    private static Search search(ApiClient api, @Nullable String text, @Nullable String image) {
        if (image == null) {
            return Search.text(String.valueOf(text));
        }
        Search picture = image.startsWith("http://") || image.startsWith("https://")
                ? Search.imageAt(URI.create(image))
                : Search.image(api.image(Path.of(image)));
        return text == null ? picture : picture.plus(Search.text(text), 1);
    }

    @Command(name = "list", mixinStandardHelpOptions = true, description = "Every alert, the newest first.")
    int list(@Mixin ApiOptions where) throws InterruptedException {
        try (ApiClient api = where.open()) {
            List<Alert> alerts = api.ask(lens -> lens.alerts());
            if (where.json) {
                json(alerts);
            } else {
                alerts.forEach(this::print);
                if (alerts.isEmpty()) {
                    out().println("no alerts");
                }
            }
            return done();
        }
    }

    @Command(name = "show", mixinStandardHelpOptions = true, description = "One alert, and what its webhook was told.")
    int show(@Mixin ApiOptions where, @Parameters(paramLabel = "ID") String id) throws InterruptedException {
        try (ApiClient api = where.open()) {
            Alert alert = api.ask(lens -> lens.alert(checked(id))).orElseThrow(() -> none(id));
            if (where.json) {
                json(alert);
                return done();
            }
            print(alert);
            out().printf(Locale.ROOT, "  matches %d, feed %s%n", alert.matches(), alert.feed());
            Alert.Webhook told = alert.webhook();
            if (told != null) {
                out().printf(
                                Locale.ROOT,
                                "  deliveries: %d on their way, %d taken, %d failed%n",
                                told.pending(),
                                told.delivered(),
                                told.failed());
            }
            return done();
        }
    }

    @Command(
            name = "matches",
            mixinStandardHelpOptions = true,
            description = "The images that met an alert, the newest first.")
    int matches(
            @Mixin ApiOptions where,
            @Parameters(paramLabel = "ID") String id,
            @Option(names = "-k", paramLabel = "N", defaultValue = "20", description = "how many (default: 20)") int k)
            throws InterruptedException {
        try (ApiClient api = where.open()) {
            List<AlertMatch> found =
                    api.ask(lens -> lens.matches(checked(id)).limit(k).toList());
            if (where.json) {
                json(found);
                return done();
            }
            for (AlertMatch match : found) {
                out().printf(
                                Locale.ROOT,
                                "%s  cos %6.3f  %s%n",
                                match.matched(),
                                match.cosine(),
                                match.image().url());
            }
            return done();
        }
    }

    @Command(name = "remove", mixinStandardHelpOptions = true, description = "Ends an alert and forgets its matches.")
    int remove(@Mixin ApiOptions where, @Parameters(paramLabel = "ID") String id) throws InterruptedException {
        try (ApiClient api = where.open()) {
            if (!api.ask(lens -> lens.removeAlert(checked(id)))) {
                throw none(id);
            }
            out().println("removed " + id);
            return done();
        }
    }

    private void print(Alert alert) {
        Alert.Webhook told = alert.webhook();
        out().printf(
                        Locale.ROOT,
                        "%s  %-6s  score %.2f  %s%s%n",
                        alert.id(),
                        alert.state(),
                        alert.minScore(),
                        alert.name(),
                        told == null
                                ? ""
                                : "  -> " + told.url()
                                        + (told.reason() == null ? "" : " (told no more: " + told.reason() + ")"));
    }

    private void json(Object answer) {
        try {
            out().println(JSON.writerWithDefaultPrettyPrinter().writeValueAsString(answer));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("our own records are JSON", e);
        }
    }

    private PrintWriter out() {
        return spec.commandLine().getOut();
    }

    private int done() {
        out().flush();
        return 0;
    }

    private static String checked(String id) {
        if (!ID.matcher(id).matches()) {
            throw new CliException(
                    id + " is no id of an alert, which has 32 digits of 0-9 and a-f: see ./lenstream alert list");
        }
        return id;
    }

    private static CliException none(String id) {
        return new CliException("there is no alert " + id + "; see ./lenstream alert list");
    }
}
