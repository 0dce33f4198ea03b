package lenstream.connector.warc;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import lenstream.connector.crawl.ArchivedPage;
import lenstream.connector.fetch.RobotsDirectives;
import lenstream.connector.source.Arrival;
import lenstream.connector.source.ImageBytes;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.FetchedImage;
import lenstream.core.image.ImageId;
import lenstream.core.image.Reason;
import lenstream.core.image.Rejection;
import lenstream.core.image.Stage;
import lenstream.core.ledger.LedgerEntry;
import lenstream.core.ledger.LedgerEntry.Outcome;
import lenstream.core.web.CanonicalUrl;
import lenstream.core.web.WebException;
import lenstream.core.web.WebResponse;
import org.jspecify.annotations.Nullable;
import org.netpreserve.jwarc.HttpResponse;
import org.netpreserve.jwarc.WarcRecord;
import org.netpreserve.jwarc.WarcResource;
import org.netpreserve.jwarc.WarcResponse;
import org.netpreserve.jwarc.WarcRevisit;
import org.netpreserve.jwarc.WarcTargetRecord;
import org.netpreserve.jwarc.WarcTruncationReason;

/**
 * What the records of one archive mean. An image is told by its bytes, or else by what the server called it; its robots
 * headers hold as they would today. What an earlier page of the same archive says of an image goes with it: the context of
 * the last {@value #CONTEXTS} images named is kept in heap, and begins anew after a restart. Confined to one thread.
 */
final class RecordReader {
    static final String VIA = "warc";
    private static final int CONTEXTS = 20_000;

    private final String archive;
    private final int maxBytes;
    private final boolean fetchLinked;
    private final Map<String, CrawlTarget> contexts = new LinkedHashMap<>() {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, CrawlTarget> eldest) {
            return size() > CONTEXTS;
        }
    };

    /**
     * @param archive its URL
     * @param maxBytes of an image or page
     * @param fetchLinked whether the images that pages name are targets
     */
    RecordReader(String archive, int maxBytes, boolean fetchLinked) {
        this.archive = archive;
        this.maxBytes = maxBytes;
        this.fetchLinked = fetchLinked;
    }

    /**
     * What follows from a record: nothing from most.
     *
     * @throws IOException if the archive cannot be read, or breaks within the record
     */
    List<Arrival> read(WarcRecord record) throws IOException {
        if (!(record instanceof WarcTargetRecord named)) {
            return List.of();
        }
        Optional<CanonicalUrl> url = CanonicalUrl.of(strip(named.target()));
        if (url.isEmpty()) {
            return List.of(); // dns:, urn:, screenshot: and the like
        }
        return switch (named) {
            case WarcResponse response when isHttp(response) -> answer(url.get(), response);
            case WarcResource resource -> {
                var headers = Map.of(
                        "content-type",
                        List.of(resource.headers().first("Content-Type").orElse("")));
                yield content(url.get(), resource, 200, headers, resource.body().stream());
            }
            case WarcRevisit revisit -> revisited(url.get(), revisit);
            default -> List.of();
        };
    }

    /**
     * What is told of a record that cannot be read: a rejection that leaves what is known of its image as it is. One whose
     * URL cannot be read either goes by the archive's URL and its place there.
     *
     * @param record null if its headers cannot be read
     * @param place its offset in the archive
     */
    List<Arrival> damaged(@Nullable WarcRecord record, long place, Exception damage) {
        String detail = "damaged at " + place + " of " + archive + ": " + damage;
        Optional<CanonicalUrl> url =
                record instanceof WarcTargetRecord named ? CanonicalUrl.of(strip(named.target())) : Optional.empty();
        if (record != null && url.isPresent()) {
            return rejected(target(url.get()), record, Reason.TRUNCATED_RESPONSE, detail);
        }
        CrawlTarget unnamed = target(archive + '#' + place, "archive");
        return List.of(Arrival.of(
                new Rejection(unnamed, Stage.FETCH, Reason.TRUNCATED_RESPONSE, detail, unnamed.discoveredAtMillis())));
    }

    private static boolean isHttp(WarcResponse response) {
        String type = response.headers().first("Content-Type").orElse("application/http");
        return type.toLowerCase(Locale.ROOT).startsWith("application/http");
    }

    /** Some writers put angle brackets around the URL, as WARC 0.18 said. */
    private static String strip(String target) {
        return target.startsWith("<") && target.endsWith(">") ? target.substring(1, target.length() - 1) : target;
    }

    private List<Arrival> answer(CanonicalUrl url, WarcResponse response) throws IOException {
        HttpResponse http = response.http();
        int status = http.status();
        if (status != 200 && status != 203) {
            return List.of();
        }
        return content(url, response, status, lowerCase(http.headers().map()), http.body().stream());
    }

    private static Map<String, List<String>> lowerCase(Map<String, List<String>> headers) {
        var lower = new HashMap<String, List<String>>();
        headers.forEach((name, values) ->
                lower.merge(name.toLowerCase(Locale.ROOT), List.copyOf(values), (a, b) -> concat(a, b)));
        return lower;
    }

    private static List<String> concat(List<String> a, List<String> b) {
        var all = new ArrayList<>(a);
        all.addAll(b);
        return all;
    }

    private List<Arrival> content(
            CanonicalUrl url, WarcRecord record, int status, Map<String, List<String>> headers, InputStream body)
            throws IOException {
        String type =
                String.join("", headers.getOrDefault("content-type", List.of())).toLowerCase(Locale.ROOT);
        boolean packed = headers.containsKey("content-encoding");
        byte[] head = body.readNBytes(ImageBytes.HEAD);
        boolean page = type.contains("html");
        boolean image = type.startsWith("image/") || ImageBytes.startLikeAnImage(head);
        if (!image && !page && !packed) {
            return List.of();
        }
        CrawlTarget target = target(url);
        byte[] bytes = concat(head, body.readNBytes(maxBytes + 1 - head.length));
        if (bytes.length > maxBytes) {
            return image ? rejected(target, record, Reason.TOO_LARGE, "more than " + maxBytes + " bytes") : List.of();
        }
        WebResponse response = unpacked(new WebResponse(url, status, headers, bytes));
        if (response == null) {
            return image ? rejected(target, record, Reason.TRUNCATED_RESPONSE, "cannot be unpacked") : List.of();
        }
        if (image || ImageBytes.startLikeAnImage(response.body())) {
            return image(target, record, response);
        }
        return page ? page(response) : List.of();
    }

    private static byte[] concat(byte[] head, byte[] rest) {
        var all = new byte[head.length + rest.length];
        System.arraycopy(head, 0, all, 0, head.length);
        System.arraycopy(rest, 0, all, head.length, rest.length);
        return all;
    }

    /** Null if the body is not what its header says, nor what it would be without that header: some writers unpack and leave it. */
    private @Nullable WebResponse unpacked(WebResponse response) {
        try {
            return response.unpacked(maxBytes);
        } catch (WebException e) {
            boolean plain = ImageBytes.startLikeAnImage(response.body()) || startsLikeMarkup(response.body());
            return plain ? response : null;
        }
    }

    private static boolean startsLikeMarkup(byte[] bytes) {
        int at = 0;
        while (at < bytes.length && bytes[at] <= ' ' && bytes[at] >= 0) {
            at++;
        }
        return at < bytes.length && bytes[at] == '<';
    }

    private List<Arrival> image(CrawlTarget target, WarcRecord record, WebResponse response) {
        WarcTruncationReason truncated = record.truncated();
        if (truncated != WarcTruncationReason.NOT_TRUNCATED) {
            return rejected(
                    target,
                    record,
                    Reason.TRUNCATED_RESPONSE,
                    "archived in part (" + truncated.name().toLowerCase(Locale.ROOT) + "), " + response.body().length
                            + " bytes");
        }
        String denial = RobotsDirectives.of(response, Instant.now()).denial();
        if (denial != null) {
            return rejected(target, record, Reason.ROBOTS_DENIED, denial);
        }
        if (response.body().length == 0) {
            return rejected(target, record, Reason.EMPTY, "no bytes");
        }
        if (!ImageBytes.startLikeAnImage(response.body()) && startsLikeHtml(response.body())) {
            return rejected(target, record, Reason.NOT_AN_IMAGE, "an HTML page in its place");
        }
        String sha256 = ImageId.sha256(response.body());
        return List.of(Arrival.of(new FetchedImage(target, response.body(), sha256, version(record))));
    }

    private static boolean startsLikeHtml(byte[] bytes) {
        String start = new String(bytes, 0, Math.min(64, bytes.length), StandardCharsets.ISO_8859_1)
                .strip()
                .toLowerCase(Locale.ROOT);
        return start.startsWith("<!doctype html") || start.startsWith("<html");
    }

    private List<Arrival> page(WebResponse page) {
        List<CrawlTarget> named;
        try {
            named = ArchivedPage.images(page, archive, System.currentTimeMillis(), VIA);
        } catch (IOException | RuntimeException e) {
            return List.of(); // one page that cannot be digested
        }
        named.forEach(target -> contexts.put(target.url(), target));
        return fetchLinked ? named.stream().map(Arrival::of).toList() : List.of();
    }

    /** The image was there again with the same bytes: only worth a line. */
    private List<Arrival> revisited(CanonicalUrl url, WarcRevisit revisit) throws IOException {
        String type = revisit.http().headers().first("Content-Type").orElse("");
        if (!type.toLowerCase(Locale.ROOT).startsWith("image/")) {
            return List.of();
        }
        String since = revisit.refersToDate().map(date -> " since " + date).orElse("");
        return List.of(Arrival.of(LedgerEntry.once(
                target(url),
                Stage.FETCH,
                Outcome.UNCHANGED,
                null,
                "seen again in an archive, unchanged" + since,
                version(revisit))));
    }

    private CrawlTarget target(CanonicalUrl url) {
        CrawlTarget named = contexts.get(url.value());
        return named != null ? named : target(url.value(), url.hostAndPort());
    }

    private CrawlTarget target(String url, String host) {
        return new CrawlTarget(
                url,
                host,
                archive,
                null,
                null,
                null,
                null,
                null,
                null,
                CrawlTarget.UNKNOWN_TIME,
                System.currentTimeMillis(),
                VIA);
    }

    private List<Arrival> rejected(CrawlTarget target, WarcRecord record, Reason reason, String detail) {
        return List.of(
                Arrival.of(new Rejection(target, Stage.FETCH, reason, target.url() + ": " + detail, version(record))));
    }

    /** The time of observation; a clock that was ahead must not keep later observations out. */
    private static long version(WarcRecord record) {
        return Math.min(record.date().toEpochMilli(), System.currentTimeMillis());
    }
}
