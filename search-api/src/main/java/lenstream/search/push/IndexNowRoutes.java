package lenstream.search.push;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import lenstream.core.web.CanonicalUrl;
import lenstream.core.web.WebClient;
import lenstream.search.http.Exchange;
import lenstream.search.http.Place;
import lenstream.search.http.ProblemException;
import lenstream.search.http.RouteTable;
import lenstream.search.http.Routes;
import lenstream.search.http.Utf8;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The receiver of IndexNow submissions (indexnow.org): 200 taken, 202 taken if the key turns out to be right, 400 malformed,
 * 403 the key file does not hold the key, 422 URLs of another host or a key unlike the scheme's, 429 too many.
 * Thread-safe.
 */
public final class IndexNowRoutes implements Routes {
    private static final Logger LOG = LoggerFactory.getLogger(IndexNowRoutes.class);
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Pattern KEY = Pattern.compile("[A-Za-z0-9-]{8,128}");
    /** How long a submitter waits for the check of its key before it is told that the check goes on. */
    private static final Duration KEY_LIMIT = Duration.ofSeconds(3);

    private final PushedUrls pushes;
    private final KeyFiles keys;
    private final RateLimit limit;

    public IndexNowRoutes(PushConfig config, PushedUrls pushes, WebClient web) {
        this(
                pushes,
                new KeyFiles(web, System::currentTimeMillis),
                new RateLimit(config.perMinute(), () -> System.nanoTime() / 1_000_000));
    }

    private IndexNowRoutes(PushedUrls pushes, KeyFiles keys, RateLimit limit) {
        this.pushes = pushes;
        this.keys = keys;
        this.limit = limit;
    }

    /** A submission as it came. */
    private record Submission(
            @Nullable String host, String key, @Nullable String keyLocation, List<String> urls) {}

    @Override
    public void register(RouteTable table) {
        table.get("/indexnow", "indexnow", exchange -> take(exchange, fromQuery(exchange)))
                .open();
        table.post("/indexnow", "indexnow", exchange -> take(exchange, fromBody(exchange)))
                .open();
    }

    private void take(Exchange exchange, Submission submission) {
        if (!KEY.matcher(submission.key()).matches()) {
            throw ProblemException.impossible("The key must have 8 to 128 characters of a-z, A-Z, 0-9 and -.");
        }
        List<CanonicalUrl> urls = urls(submission);
        CanonicalUrl first = urls.getFirst();
        CanonicalUrl file = keyFile(submission, first);
        String directory = file.path().substring(0, file.path().lastIndexOf('/') + 1);
        for (CanonicalUrl url : urls) {
            if (!url.hostAndPort().equals(first.hostAndPort())) {
                throw ProblemException.impossible(url + " is not of the host " + first.hostAndPort() + ".");
            }
            if (!url.path().startsWith(directory)) {
                throw ProblemException.impossible(
                        url + " is not below " + directory + ", which is all that a key file there proves.");
            }
        }
        if (!limit.allows(first.hostAndPort())) {
            throw ProblemException.busy("Too many submissions for " + first.hostAndPort() + ": send many URLs in one.");
        }
        switch (Place.away(() -> proof(file, submission.key(), urls))) {
            case HOLDS -> {
                pushes.push(urls);
                exchange.sendEmpty(200);
            }
            case PENDING -> exchange.sendEmpty(202);
            case FAILS -> throw ProblemException.forbidden(file + " does not hold the key.", "");
            case BUSY -> throw ProblemException.busy("Too many keys are being checked: try again in a second.");
        }
    }

    private KeyFiles.Proof proof(CanonicalUrl file, String key, List<CanonicalUrl> urls) {
        try {
            return keys.check(file, key, KEY_LIMIT, () -> late(urls));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw ProblemException.unavailable("The server is stopping.");
        }
    }

    private void late(List<CanonicalUrl> urls) {
        try {
            pushes.push(urls);
        } catch (RuntimeException e) {
            LOG.warn("event=lost_submission host={} urls={}", urls.getFirst().hostAndPort(), urls.size(), e);
        }
    }

    private static List<CanonicalUrl> urls(Submission submission) {
        var urls = new ArrayList<CanonicalUrl>();
        for (String text : submission.urls()) {
            CanonicalUrl url = CanonicalUrl.of(text)
                    .orElseThrow(
                            () -> ProblemException.badRequest("\"" + shortened(text) + "\" is no http or https URL."));
            urls.add(url);
        }
        String host = submission.host();
        if (host != null
                && !host.toLowerCase(Locale.ROOT).equals(urls.getFirst().hostAndPort())) {
            throw ProblemException.impossible(urls.getFirst() + " is not of the host " + shortened(host) + ".");
        }
        return urls;
    }

    private static CanonicalUrl keyFile(Submission submission, CanonicalUrl url) {
        String location = submission.keyLocation();
        if (location == null) {
            return url.resolve("/" + submission.key() + ".txt").orElseThrow();
        }
        return CanonicalUrl.of(location)
                .filter(file -> file.hostAndPort().equals(url.hostAndPort()))
                .orElseThrow(() -> ProblemException.impossible("keyLocation must be a URL of the same host."));
    }

    private static Submission fromQuery(Exchange exchange) {
        Map<String, List<String>> parameters = exchange.parameters();
        return new Submission(
                null,
                one(parameters, "key"),
                parameters.containsKey("keyLocation") ? one(parameters, "keyLocation") : null,
                List.of(one(parameters, "url")));
    }

    private static String one(Map<String, List<String>> parameters, String name) {
        List<String> values = parameters.getOrDefault(name, List.of());
        if (values.size() != 1 || values.getFirst().isBlank()) {
            throw ProblemException.badRequest("The address needs one " + name + "=….");
        }
        return values.getFirst();
    }

    private static Submission fromBody(Exchange exchange) {
        JsonNode json;
        try {
            json = JSON.readTree(Utf8.checked(exchange.body()));
        } catch (IOException e) {
            throw ProblemException.badRequest("The body is no JSON.");
        }
        var urls = new ArrayList<String>();
        for (JsonNode url : json.path("urlList")) {
            urls.add(url.asText());
        }
        if (urls.isEmpty()
                || !json.path("key").isTextual()
                || !json.path("host").isTextual()) {
            throw ProblemException.badRequest("The body needs host, key and a urlList with at least one URL.");
        }
        if (urls.size() > PushedUrls.MOST) {
            throw ProblemException.badRequest(
                    "urlList has " + urls.size() + " URLs, " + PushedUrls.MOST + " are allowed.");
        }
        return new Submission(
                json.path("host").asText(),
                json.path("key").asText(),
                json.hasNonNull("keyLocation") ? json.path("keyLocation").asText() : null,
                urls);
    }

    private static String shortened(String text) {
        return text.length() <= 200 ? text : text.substring(0, 200) + "…";
    }
}
