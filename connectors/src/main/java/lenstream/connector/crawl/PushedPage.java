package lenstream.connector.crawl;

import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import lenstream.connector.fetch.HostUnavailableException;
import lenstream.core.command.Command;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.Reason;
import lenstream.core.web.CanonicalUrl;
import lenstream.core.web.WebClient;
import lenstream.core.web.WebException;
import lenstream.core.web.WebResponse;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads a pushed URL: of a page its images, of a feed its images and the pages that it names, and what turns out to be an
 * image is one. Robots rules hold as for any other request. Thread-safe; blocks.
 */
final class PushedPage {
    private static final Logger LOG = LoggerFactory.getLogger(PushedPage.class);
    private static final Pattern IMAGE = Pattern.compile(".*\\.(jpe?g|jfif|png|gif|webp|avif|bmp|tiff?)");
    private static final int ATTEMPTS = 3;
    private static final int MAX_REDIRECTS = 5;
    private static final long PAUSE_MILLIS = 1_000;
    private static final long LONGEST_PAUSE_MILLIS = 30_000;

    /** The web as a reader uses it. */
    interface Web {
        /** As {@link lenstream.connector.fetch.PoliteWeb#get}. */
        WebResponse get(CanonicalUrl url, Map<String, String> headers) throws IOException, InterruptedException;
    }

    /**
     * What a pushed URL led to. Immutable.
     *
     * @param pages that a feed names, to be read too
     * @param failed whether no usable answer came
     */
    record Seen(List<CrawlTarget> images, List<CanonicalUrl> pages, boolean failed) {
        static final Seen NOTHING = new Seen(List.of(), List.of(), false);
        static final Seen FAILED = new Seen(List.of(), List.of(), true);
    }

    private final Web web;

    PushedPage(Web web) {
        this.web = web;
    }

    static boolean isNamedLikeAnImage(CanonicalUrl url) {
        return IMAGE.matcher(url.path().toLowerCase(Locale.ROOT)).matches();
    }

    /** A pushed image as a target of its own. */
    static CrawlTarget image(CanonicalUrl url, long pushedAtMillis) {
        return target(FoundImage.of(url, null, CrawlTarget.PUSH), url, pushedAtMillis);
    }

    Seen read(Command push) throws InterruptedException {
        CanonicalUrl url = CanonicalUrl.of(push.subject()).orElseThrow();
        for (int attempt = 1; ; attempt++) {
            long pause = PAUSE_MILLIS << attempt;
            try {
                WebResponse response = web.get(url, Map.of());
                for (int hop = 0; response.isRedirect() && hop < MAX_REDIRECTS; hop++) {
                    response = web.get(WebClient.redirect(response), Map.of());
                }
                if (response.status() == 200) {
                    return seen(url, response, push.issuedAtMillis());
                }
                if (response.status() != 429 && response.status() < 500) {
                    return response.status() == 404 || response.status() == 410 ? Seen.NOTHING : Seen.FAILED;
                }
            } catch (HostUnavailableException e) {
                pause = e.delayMillis();
            } catch (WebException e) {
                if (e.reason() != Reason.TIMEOUT && e.reason() != Reason.CONNECTION_FAILED) {
                    return Seen.FAILED;
                }
            } catch (IOException e) {
                return Seen.FAILED;
            } catch (RuntimeException e) {
                // it would come back after each restart: one bad page is data
                LOG.warn("pushed url={} cannot be digested", url, e);
                return Seen.FAILED;
            }
            if (attempt == ATTEMPTS || pause > LONGEST_PAUSE_MILLIS) {
                return Seen.FAILED;
            }
            Thread.sleep(pause);
        }
    }

    private static Seen seen(CanonicalUrl pushed, WebResponse response, long pushedAtMillis) throws IOException {
        String type = response.header("content-type").orElse("").toLowerCase(Locale.ROOT);
        if (type.startsWith("image/") && !type.startsWith("image/svg")) {
            return new Seen(List.of(image(pushed, pushedAtMillis)), List.of(), false);
        }
        Contents contents = ResourceParser.parse(Kind.AUTO, response, Instant.now());
        var images = new ArrayList<CrawlTarget>();
        contents.images().forEach(image -> images.add(target(image, pushed, pushedAtMillis)));
        List<CanonicalUrl> pages = contents.kind() == Kind.FEED
                ? contents.links().stream()
                        .filter(link -> link.kind() == Kind.PAGE && !link.next())
                        .map(Contents.Link::url)
                        .toList()
                : List.of();
        return new Seen(images, pages, false);
    }

    private static CrawlTarget target(FoundImage image, CanonicalUrl pushed, long pushedAtMillis) {
        CrawlTarget found = image.target(pushed.origin() + "/", pushedAtMillis);
        return found.withVia(CrawlTarget.PUSH);
    }
}
