package lenstream.connector.fetch;

import crawlercommons.robots.SimpleRobotRules;
import crawlercommons.robots.SimpleRobotRules.RobotRule;
import crawlercommons.robots.SimpleRobotRules.RobotRulesMode;
import crawlercommons.robots.SimpleRobotRulesParser;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import lenstream.core.web.CanonicalUrl;

/**
 * The rules of one robots.txt for the product token {@value #TOKEN}, after RFC 9309. At most 512 KiB are read, the rest
 * is dropped. A crawl delay of any length is kept: whether it is too long to wait for is the caller's to decide.
 * Immutable, thread-safe.
 */
public final class RobotsRules {
    /** Our product token. */
    public static final String TOKEN = "lenstream";

    private static final int MAX_BYTES = 512 << 10;
    private static final String PATH = "/robots.txt";

    private final SimpleRobotRules rules;
    private final boolean searchDenied;

    private RobotsRules(SimpleRobotRules rules, boolean searchDenied) {
        this.rules = rules;
        this.searchDenied = searchDenied;
    }

    /** Rules from the body of a robots.txt, in UTF-8 with or without byte order mark. */
    public static RobotsRules parse(CanonicalUrl robotsUrl, byte[] body) {
        return parse(robotsUrl, body, TOKEN);
    }

    /** @param token the product token whose rules count, in lower case */
    static RobotsRules parse(CanonicalUrl robotsUrl, byte[] body, String token) {
        int from =
                body.length >= 3 && body[0] == (byte) 0xef && body[1] == (byte) 0xbb && body[2] == (byte) 0xbf ? 3 : 0;
        byte[] read = Arrays.copyOfRange(body, from, Math.min(body.length, from + MAX_BYTES));
        // the parser's default refuses a whole site for a crawl delay above 300 s: no limit here
        var parser = new SimpleRobotRulesParser(Long.MAX_VALUE, 5);
        return new RobotsRules(
                parser.parseContent(robotsUrl.value(), read, "text/plain", List.of(token)),
                ContentSignals.denySearch(new String(read, StandardCharsets.UTF_8), token));
    }

    /** What holds where there is no robots.txt (4xx other than 429). */
    public static RobotsRules allowAll() {
        return new RobotsRules(new SimpleRobotRules(RobotRulesMode.ALLOW_ALL), false);
    }

    /** Whether the URL may be asked for; {@code /robots.txt} itself always may. */
    public boolean allows(CanonicalUrl url) {
        return denial(url).isEmpty();
    }

    /** The line because of which the URL may not be asked for, such as {@code Disallow: /private/}; empty if it may. */
    public Optional<String> denial(CanonicalUrl url) {
        if (url.path().equals(PATH)) {
            return Optional.empty();
        }
        if (searchDenied) {
            return Optional.of(ContentSignals.NO_SEARCH);
        }
        if (rules.isAllowed(url.value())) {
            return Optional.empty();
        }
        // the one rule for which the answer would have been another
        return Optional.of(rules.getRobotRules().stream()
                .filter(rule -> !rule.isAllow() && deniesAlone(rule, url))
                .max(Comparator.comparingInt(rule -> rule.getPrefix().length()))
                .map(rule -> "Disallow: " + rule.getPrefix())
                .orElse("Disallow: /"));
    }

    /** The line that decides about the URL, such as {@code Allow: /images/}, or that none does. */
    public String decision(CanonicalUrl url) {
        Optional<String> denial = denial(url);
        if (denial.isPresent()) {
            return denial.get();
        }
        return rules.getRobotRules().stream()
                .filter(rule -> rule.isAllow() && deniesAlone(rule, url))
                .max(Comparator.comparingInt(rule -> rule.getPrefix().length()))
                .map(rule -> "Allow: " + rule.getPrefix())
                .orElse(rules.getRobotRules().isEmpty() ? "robots.txt has no rule for us" : "no rule matches");
    }

    /** Whether the rule's path matches, whatever it says of it. */
    private static boolean deniesAlone(RobotRule rule, CanonicalUrl url) {
        var alone = new SimpleRobotRules();
        alone.addRule(rule.getPrefix(), false);
        return !alone.isAllowed(url.value());
    }

    /** The pause between two requests that the site asks for. */
    public Optional<Duration> crawlDelay() {
        long millis = rules.getCrawlDelay();
        return millis > 0 ? Optional.of(Duration.ofMillis(millis)) : Optional.empty();
    }

    /** The sitemaps that the file names, absolute, in its order. */
    public List<String> sitemaps() {
        return List.copyOf(rules.getSitemaps());
    }
}
