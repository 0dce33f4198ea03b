package lenstream.search.push;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import lenstream.core.web.CanonicalUrl;
import lenstream.core.web.WebClient;
import lenstream.core.web.WebException;
import lenstream.core.web.WebResponse;

/** What a WebSub subscriber asks of the web: where a topic's hub is, and the hub itself. Thread-safe; blocks. */
final class Hub {
    private static final Pattern LINK_HEADER = Pattern.compile("<([^>]*)>([^,<]*)");
    private static final Pattern LINK_ELEMENT = Pattern.compile("(?i)<(?:[a-z0-9]+:)?link\\b([^>]*)>");
    private static final Pattern REL = Pattern.compile("(?i)\\brel\\s*=\\s*(?:\"([^\"]*)\"|'([^']*)'|([^\\s;>]+))");
    private static final Pattern HREF = Pattern.compile("(?i)\\bhref\\s*=\\s*(?:\"([^\"]*)\"|'([^']*)')");

    private final WebClient web;

    Hub(WebClient web) {
        this.web = web;
    }

    /**
     * Where a topic is served from.
     *
     * @param hub that tells of its changes
     * @param self the address by which the hub knows it
     */
    record Discovered(CanonicalUrl hub, String self) {}

    /** Looks at the topic's headers first, then in its document; empty if it names no hub. */
    Optional<Discovered> discover(CanonicalUrl topic) throws WebException, InterruptedException {
        WebResponse response = web.fetch(topic, Map.of());
        if (response.status() != 200) {
            throw new WebException(
                    lenstream.core.image.Reason.UNEXPECTED_STATUS, topic + ": status " + response.status());
        }
        String headers = String.join(",", response.headers("link"));
        Optional<String> hub = inHeaders(headers, "hub");
        Optional<String> self = inHeaders(headers, "self");
        String document = new String(response.body(), StandardCharsets.UTF_8);
        if (hub.isEmpty()) {
            hub = inDocument(document, "hub");
            self = inDocument(document, "self");
        }
        Optional<CanonicalUrl> at = hub.flatMap(response.url()::resolve);
        String known = self.filter(text -> CanonicalUrl.of(text).isPresent()) // as it stands: the hub compares letters
                .orElse(topic.value());
        return at.map(url -> new Discovered(url, known));
    }

    /** @return the hub's status; 202 means that it will verify */
    int ask(CanonicalUrl hub, Map<String, String> form) throws WebException, InterruptedException {
        String body = form.entrySet().stream()
                .map(field -> encode(field.getKey()) + "=" + encode(field.getValue()))
                .collect(Collectors.joining("&"));
        return web.post(hub, body.getBytes(StandardCharsets.UTF_8), "application/x-www-form-urlencoded", Map.of())
                .status();
    }

    private static Optional<String> inHeaders(String headers, String rel) {
        Matcher link = LINK_HEADER.matcher(headers);
        while (link.find()) {
            if (isRel(link.group(2), rel)) {
                return Optional.of(link.group(1));
            }
        }
        return Optional.empty();
    }

    private static Optional<String> inDocument(String document, String rel) {
        Matcher link = LINK_ELEMENT.matcher(document);
        while (link.find()) {
            Matcher href = HREF.matcher(link.group(1));
            if (isRel(link.group(1), rel) && href.find()) {
                String value = href.group(1) != null ? href.group(1) : href.group(2);
                return Optional.of(value.replace("&amp;", "&"));
            }
        }
        return Optional.empty();
    }

    private static boolean isRel(String attributes, String wanted) {
        Matcher rel = REL.matcher(attributes);
        if (!rel.find()) {
            return false;
        }
        String value = rel.group(1) != null ? rel.group(1) : rel.group(2) != null ? rel.group(2) : rel.group(3);
        return List.of(value.split("\\s+")).contains(wanted);
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
