package lenstream.connector.fetch;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemNotFoundException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import lenstream.connector.fetch.FetchOutcome.Deferred;
import lenstream.connector.fetch.FetchOutcome.Fetched;
import lenstream.connector.fetch.FetchOutcome.Gone;
import lenstream.connector.fetch.FetchOutcome.Rejected;
import lenstream.connector.fetch.FetchOutcome.Unchanged;
import lenstream.connector.fetch.FetchOutcome.Validators;
import lenstream.connector.source.FileSystems;
import lenstream.core.image.ImageId;
import lenstream.core.image.Reason;
import lenstream.core.web.CanonicalUrl;
import lenstream.core.web.WebClient;
import lenstream.core.web.WebException;
import lenstream.core.web.WebResponse;
import org.apache.flink.core.fs.FSDataInputStream;
import org.apache.flink.core.fs.FileStatus;
import org.apache.flink.core.fs.FileSystem;
import org.jspecify.annotations.Nullable;

/**
 * Fetches one image: a conditional request, redirects hop by hop with each hop's robots rules and turn, and every answer
 * sorted into a {@link FetchOutcome}. What the bytes are is the decoder's to say, except for an HTML page in an image's
 * place. Files on a disk or in an object store are read; their validator is size and time of change.
 *
 * <p>Thread-safe. Blocking: call from a virtual thread. Borrows the web it is given.
 */
final class ImageFetcher {
    private static final String ACCEPT =
            "image/jpeg, image/png, image/webp, image/gif, image/bmp, image/tiff, image/avif;q=0.5, image/*;q=0.1";
    private static final List<String> HTML_STARTS =
            List.of("<!doctype html", "<html", "<head", "<body", "<title", "<script", "<meta");

    /** The requests that a fetch makes. */
    interface Requests {
        /** As {@link PoliteWeb#get}. */
        WebResponse get(CanonicalUrl url, Map<String, String> headers) throws IOException, InterruptedException;
    }

    private final Requests web;
    private final int maxRedirects;
    private final long maxBytes;
    private final long retryMillis;

    ImageFetcher(Requests web, FetchConfig config) {
        this.web = web;
        this.maxRedirects = config.web().maxRedirects();
        this.maxBytes = config.web().maxBytes().bytes();
        this.retryMillis = config.backoff().toMillis();
    }

    /**
     * One attempt.
     *
     * @param url canonical {@code http} or {@code https} URL, or a {@code file} URL
     * @param validators of the bytes that are known; none for an unconditional request
     * @param sha256 of the bytes that are known, null if none are
     */
    FetchOutcome fetch(String url, Validators validators, @Nullable String sha256) throws InterruptedException {
        if (StoredFile.isFile(url)) {
            return StoredFile.isOnDisk(url) ? read(url, validators, sha256) : readObject(url, validators, sha256);
        }
        var canonical = CanonicalUrl.of(url);
        if (canonical.isEmpty()) {
            return new Rejected(Reason.BAD_URL, url + ": is no URL that can be fetched");
        }
        boolean conditional = validators.etag() != null || validators.lastModified() != null;
        try {
            CanonicalUrl at = canonical.get();
            for (int hop = 0; hop <= maxRedirects; hop++) {
                WebResponse response = web.get(at, headers(validators));
                if (!response.isRedirect()) {
                    return answer(response, conditional, sha256);
                }
                at = WebClient.redirect(response);
            }
            return new Rejected(
                    Reason.TOO_MANY_REDIRECTS, url + ": more than " + maxRedirects + " redirects, last to " + at);
        } catch (HostUnavailableException e) {
            return new Deferred(e.reason(), String.valueOf(e.getMessage()), e.delayMillis());
        } catch (WebException e) {
            String detail = String.valueOf(e.getMessage());
            return switch (e.reason()) {
                case TIMEOUT, CONNECTION_FAILED, TRUNCATED_RESPONSE -> new Deferred(e.reason(), detail, retryMillis);
                default -> new Rejected(e.reason(), detail);
            };
        } catch (IOException e) {
            return new Deferred(Reason.CONNECTION_FAILED, url + ": " + e.getMessage(), retryMillis);
        }
    }

    private static Map<String, String> headers(Validators validators) {
        var headers = new HashMap<String, String>();
        headers.put("Accept", ACCEPT);
        if (validators.etag() != null) {
            headers.put("If-None-Match", validators.etag());
        }
        if (validators.lastModified() != null) {
            headers.put("If-Modified-Since", validators.lastModified());
        }
        return headers;
    }

    private FetchOutcome answer(WebResponse response, boolean conditional, @Nullable String sha256) {
        int status = response.status();
        String what = response.url() + ": status " + status;
        if (status == 200 || status == 203 || status == 304) {
            String denial = RobotsDirectives.of(response, Instant.now()).denial();
            if (denial != null) {
                return new Rejected(Reason.ROBOTS_DENIED, response.url() + ": " + denial);
            }
        }
        return switch (status) {
            case 200, 203 -> content(response.url().value(), response.body(), validators(response), sha256);
            case 304 ->
                conditional
                        ? new Unchanged(validators(response))
                        : new Rejected(Reason.UNEXPECTED_STATUS, what + " to an unconditional request");
            case 401, 402, 403 -> new Rejected(Reason.FORBIDDEN, what);
            case 404 -> new Gone(Reason.NOT_FOUND, what);
            case 410, 451 -> new Gone(Reason.GONE, what);
            case 429 -> new Deferred(Reason.RATE_LIMITED, what, retryAfter(response));
            case 500, 502, 503, 504 -> new Deferred(Reason.SERVER_ERROR, what, retryAfter(response));
            default -> new Rejected(Reason.UNEXPECTED_STATUS, what);
        };
    }

    private long retryAfter(WebResponse response) {
        return Math.max(retryMillis, HttpTimes.retryAfterMillis(response, System.currentTimeMillis()));
    }

    private static FetchOutcome content(String url, byte[] bytes, Validators validators, @Nullable String sha256) {
        if (bytes.length == 0) {
            return new Rejected(Reason.EMPTY, url + ": no bytes");
        }
        if (isHtml(bytes)) {
            return new Rejected(Reason.NOT_AN_IMAGE, url + ": an HTML page of " + bytes.length + " bytes");
        }
        String hash = ImageId.sha256(bytes);
        return hash.equals(sha256) ? new Unchanged(validators) : new Fetched(bytes, hash, validators);
    }

    private static Validators validators(WebResponse response) {
        return new Validators(
                response.header("etag").orElse(null),
                response.header("last-modified").orElse(null));
    }

    private static boolean isHtml(byte[] bytes) {
        int from = bytes.length >= 3 && (bytes[0] & 0xff) == 0xef && (bytes[1] & 0xff) == 0xbb ? 3 : 0;
        while (from < bytes.length && bytes[from] <= ' ' && bytes[from] >= 0) {
            from++;
        }
        int length = Math.min(16, bytes.length - from);
        String start = new String(bytes, from, length, StandardCharsets.ISO_8859_1).toLowerCase(Locale.ROOT);
        return HTML_STARTS.stream().anyMatch(start::startsWith);
    }

    private FetchOutcome read(String url, Validators known, @Nullable String sha256) {
        try {
            Path file = Path.of(URI.create(url));
            var attributes = Files.readAttributes(file, BasicFileAttributes.class);
            if (!attributes.isRegularFile()) {
                return new Rejected(Reason.NOT_AN_IMAGE, url + ": is no file");
            }
            String mark = StoredFile.mark(
                    url, attributes.size(), attributes.lastModifiedTime().toMillis());
            if (mark.equals(known.etag())) {
                return new Unchanged(known);
            }
            if (attributes.size() > maxBytes) {
                return tooLarge(url, attributes.size());
            }
            return content(url, Files.readAllBytes(file), new Validators(mark, null), sha256);
        } catch (NoSuchFileException e) {
            return new Gone(Reason.NOT_FOUND, url + ": there is no such file");
        } catch (AccessDeniedException e) {
            return new Rejected(Reason.FORBIDDEN, url + ": may not be read");
        } catch (IllegalArgumentException | FileSystemNotFoundException e) {
            return new Rejected(Reason.BAD_URL, url + ": is no file URL: " + e.getMessage());
        } catch (IOException e) {
            return new Deferred(Reason.CONNECTION_FAILED, url + ": cannot be read: " + e.getMessage(), retryMillis);
        }
    }

    /** Reads an object through Flink's file system for its scheme: a request for what it is, and one for its bytes. */
    private FetchOutcome readObject(String url, Validators known, @Nullable String sha256) {
        try {
            var path = new org.apache.flink.core.fs.Path(URI.create(url)); // discovery made the URL of a path
            FileSystem files = path.getFileSystem();
            FileStatus status = files.getFileStatus(path);
            String mark = StoredFile.mark(url, status.getLen(), status.getModificationTime());
            if (mark.equals(known.etag())) {
                return new Unchanged(known);
            }
            if (status.getLen() > maxBytes) {
                return tooLarge(url, status.getLen());
            }
            try (FSDataInputStream in = files.open(path)) {
                byte[] bytes = in.readNBytes(Math.toIntExact(maxBytes + 1)); // it may have grown since
                return bytes.length > maxBytes
                        ? tooLarge(url, bytes.length)
                        : content(url, bytes, new Validators(mark, null), sha256);
            }
        } catch (FileNotFoundException e) {
            return new Gone(Reason.NOT_FOUND, url + ": there is no such object");
        } catch (IOException | RuntimeException e) { // a store's client has its own exceptions
            return new Deferred(
                    Reason.CONNECTION_FAILED, url + ": cannot be read: " + FileSystems.reason(e), retryMillis);
        }
    }

    private FetchOutcome tooLarge(String url, long bytes) {
        return new Rejected(Reason.TOO_LARGE, url + ": has " + bytes + " bytes, the limit is " + maxBytes + " bytes");
    }
}
