package lenstream.gallery;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;

/**
 * The gallery as a web site on 127.0.0.1: home, album pages, robots.txt, sitemaps with the image extension, an RSS
 * feed, the pictures with validators, and a hostile corner that does what its names say. Thread-safe.
 *
 * <p>Half of the pictures are in sitemaps, a quarter in the feed, and all of them on album pages, where some are named by
 * {@code src}, some by {@code srcset}, some by {@code data-src}. {@code /private/} is closed by robots.txt: no crawler
 * may ask for it. What is published counts as published now, so that freshness can be measured.
 */
public final class GallerySite implements AutoCloseable {
    private static final Pattern ALBUM = Pattern.compile("/albums/([a-z]+)/([0-9]{1,4})\\.html");
    private static final List<String> SITEMAPS = List.of("/sitemaps/1.xml", "/sitemaps/2.xml.gz");
    private static final List<String> CLOSED = List.of("/private/1.jpg", "/private/2.jpg", "/private/3.jpg");
    private static final String HTML = "text/html; charset=utf-8";
    private static final String XML = "application/xml; charset=utf-8";

    /** What the slow and the endless bodies start with: the beginning of a JPEG, so that only patience tells. */
    private static final byte[] JPEG_START = {
        (byte) 0xFF, (byte) 0xD8, (byte) 0xFF, (byte) 0xE0, 0, 16, 'J', 'F', 'I', 'F'
    };

    private static final long DRIP_MILLIS = 200;

    static {
        // The JDK's server writes head and body apart: with Nagle's algorithm each answer would wait 40 ms for the
        // client's delayed acknowledgement. It reads this property when its first server is made.
        System.setProperty("sun.net.httpserver.nodelay", "true");
    }

    /**
     * A request that the site got.
     *
     * @param at when its head had been read
     * @param method GET or HEAD
     * @param path with query
     * @param status as answered
     * @param userAgent empty when absent
     */
    public record Request(Instant at, String method, String path, int status, String userAgent) {}

    private static final int REQUESTS_KEPT = 20_000;

    private final List<Picture> pictures;
    private final List<Hostile> hostile;
    private final Path gallery;
    private final HttpServer server;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final CountDownLatch closing = new CountDownLatch(1);
    private final ConcurrentLinkedQueue<Request> requests = new ConcurrentLinkedQueue<>();
    private final AtomicLong kept = new AtomicLong();

    /** By picture file, in order of publication. Guarded by itself. */
    private final Map<String, Exhibit> exhibits = new LinkedHashMap<>();

    /** Index of the first picture that was never published. Guarded by {@link #exhibits}. */
    private int next;

    private GallerySite(Path gallery, List<Picture> pictures, List<Hostile> hostile, HttpServer server) {
        this.gallery = gallery;
        this.pictures = pictures;
        this.hostile = hostile;
        this.server = server;
    }

    /** Opens the whole gallery, hostile corner included. */
    public static GallerySite open(Path gallery, int port) throws IOException {
        return open(gallery, port, Integer.MAX_VALUE, true);
    }

    /**
     * Opens the site.
     *
     * @param gallery the folder with {@code manifest.tsv}
     * @param port of 127.0.0.1, or 0 for a free one
     * @param published how many pictures are there at the start; {@link #publish} adds more
     * @param withHostile whether home links the hostile corner; its paths answer only then
     */
    public static GallerySite open(Path gallery, int port, int published, boolean withHostile) throws IOException {
        List<Picture> pictures = Picture.read(gallery);
        List<Hostile> hostile = withHostile ? Hostile.read(gallery) : List.of();
        var server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 256);
        var site = new GallerySite(gallery, pictures, hostile, server);
        site.publish(published);
        server.setExecutor(site.threads);
        server.createContext("/", site::answer);
        server.start();
        return site;
    }

    /** Runs the site until the process ends: {@code GallerySite GALLERY_DIR [PORT]}. */
    public static void main(String[] arguments) throws IOException {
        if (arguments.length < 1 || arguments.length > 2) {
            System.err.println("usage: GallerySite GALLERY_DIR [PORT]");
            System.exit(2);
        }
        GallerySite site = open(Path.of(arguments[0]), arguments.length == 2 ? Integer.parseInt(arguments[1]) : 8090);
        Runtime.getRuntime().addShutdownHook(new Thread(site::close, "close-gallery"));
        System.err.println("The gallery is open at " + site.uri() + " (Ctrl-C closes it)");
    }

    /** Root of the site, with a slash at its end. */
    public URI uri() {
        return URI.create(root() + "/");
    }

    public int port() {
        return server.getAddress().getPort();
    }

    /** Address of a picture. */
    public URI uriOf(Picture picture) {
        return URI.create(root() + picture.path());
    }

    /** Every picture of the manifest, published or not, in the order of publication. */
    public List<Picture> pictures() {
        return pictures;
    }

    /** What is there now. */
    public List<Picture> published() {
        synchronized (exhibits) {
            return exhibits.values().stream().map(Exhibit::picture).toList();
        }
    }

    /** Lines of {@code hostile/expected.tsv}; empty when the corner is closed. */
    public List<Hostile> hostile() {
        return hostile;
    }

    /** URLs that robots.txt closes. */
    public List<URI> closedToRobots() {
        return CLOSED.stream().map(path -> URI.create(root() + path)).toList();
    }

    /** Publishes the next {@code more} pictures, as far as there are any, and returns them. */
    public List<Picture> publish(int more) throws IOException {
        synchronized (exhibits) {
            var added = pictures.subList(next, next + Math.min(more, pictures.size() - next));
            Instant now = now();
            for (Picture picture : added) {
                byte[] body = Files.readAllBytes(gallery.resolve(picture.file()));
                exhibits.put(picture.file(), Exhibit.of(picture, Exhibit.Channel.of(next++), body, now));
            }
            return List.copyOf(added);
        }
    }

    /** Serves other bytes under a published picture's URL, with a new ETag and Last-Modified. */
    public void replace(Picture picture, byte[] body, String mediaType) {
        synchronized (exhibits) {
            Exhibit old = exhibits.get(picture.file());
            if (old == null) {
                throw new IllegalArgumentException(picture.file() + " is not published");
            }
            exhibits.put(picture.file(), old.replaced(body.clone(), mediaType, now()));
        }
    }

    /** Takes a picture away: it disappears from all lists and its URL answers 404. */
    public void delete(Picture picture) {
        synchronized (exhibits) {
            exhibits.remove(picture.file());
        }
    }

    /** The last {@value #REQUESTS_KEPT} requests, in order of their answers' start. */
    public List<Request> requests() {
        return List.copyOf(requests);
    }

    /** Requests for one path, query included. */
    public List<Request> requests(String path) {
        return requests.stream().filter(request -> request.path().equals(path)).toList();
    }

    /** Closes the port and breaks off bodies that are still being sent. Idempotent. */
    @Override
    public void close() {
        closing.countDown();
        server.stop(0);
        threads.shutdownNow();
    }

    private String root() {
        return "http://127.0.0.1:" + port();
    }

    private static Instant now() {
        return Instant.now().truncatedTo(ChronoUnit.SECONDS);
    }

    private Map<String, List<Exhibit>> albums() {
        var albums = new TreeMap<String, List<Exhibit>>();
        synchronized (exhibits) {
            exhibits.values()
                    .forEach(exhibit -> albums.computeIfAbsent(exhibit.picture().album(), name -> new ArrayList<>())
                            .add(exhibit));
        }
        return albums;
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            String method = exchange.getRequestMethod();
            if (!method.equals("GET") && !method.equals("HEAD")) {
                exchange.getResponseHeaders().set("Allow", "GET, HEAD");
                begin(exchange, 405, -1);
                return;
            }
            String path = exchange.getRequestURI().getPath();
            if (path.startsWith("/hostile/") && !hostile.isEmpty()) {
                answerHostile(exchange, path);
            } else if (path.startsWith("/private/")) {
                answerClosed(exchange, path);
            } else if (path.startsWith("/images/")) {
                answerPicture(exchange, path);
            } else {
                answerText(exchange, path);
            }
        }
    }

    private void answerText(HttpExchange exchange, String path) throws IOException {
        switch (path) {
            case "/", "/index.html" -> sendText(exchange, HTML, Pages.home(root(), albums(), !hostile.isEmpty()));
            case "/robots.txt" -> sendText(exchange, "text/plain; charset=utf-8", Pages.robots(root()));
            case "/sitemap.xml" -> sendText(exchange, XML, Pages.sitemapIndex(root(), SITEMAPS, lastModified()));
            case "/sitemaps/1.xml" -> sendText(exchange, XML, Pages.sitemap(root(), albums(), Exhibit.Channel.SITEMAP));
            case "/sitemaps/2.xml.gz" ->
                send(
                        exchange,
                        "application/gzip",
                        gzip(Pages.sitemap(root(), albums(), Exhibit.Channel.SITEMAP_GZ)),
                        Optional.empty());
            case "/feed.xml" -> sendText(exchange, "application/rss+xml; charset=utf-8", Pages.feed(root(), albums()));
            default -> answerAlbum(exchange, path);
        }
    }

    private void answerAlbum(HttpExchange exchange, String path) throws IOException {
        Matcher match = ALBUM.matcher(path);
        if (match.matches()) {
            List<Exhibit> album = albums().getOrDefault(match.group(1), List.of());
            int page = Integer.parseInt(match.group(2));
            if (!album.isEmpty() && page >= 1 && page <= Pages.pagesOf(album)) {
                sendText(exchange, HTML, Pages.album(root(), match.group(1), album, page));
                return;
            }
        }
        sendError(exchange, 404);
    }

    private void answerPicture(HttpExchange exchange, String path) throws IOException {
        Exhibit exhibit;
        synchronized (exhibits) {
            exhibit = exhibits.get(path.substring(1));
        }
        if (exhibit == null) {
            sendError(exchange, 404);
        } else {
            send(exchange, exhibit.mediaType(), exhibit.body(), Optional.of(exhibit.modified()));
        }
    }

    private void answerClosed(HttpExchange exchange, String path) throws IOException {
        int number = CLOSED.indexOf(path);
        if (path.equals("/private/")) {
            sendText(exchange, HTML, Pages.closed(CLOSED));
        } else if (number >= 0) {
            Picture picture = pictures.stream()
                    .filter(any -> any.format().equals("jpeg"))
                    .skip(number)
                    .findFirst()
                    .orElseThrow();
            send(exchange, "image/jpeg", Files.readAllBytes(gallery.resolve(picture.file())), Optional.empty());
        } else {
            sendError(exchange, 404);
        }
    }

    private void answerHostile(HttpExchange exchange, String path) throws IOException {
        switch (path) {
            case "/hostile/" -> sendText(exchange, HTML, Pages.hostile(hostile));
            case "/hostile/served/short.jpg" -> {
                byte[] body = Files.readAllBytes(gallery.resolve("hostile/files/gray.jpg"));
                exchange.getResponseHeaders().set("Content-Type", "image/jpeg");
                begin(exchange, 200, body.length + 1000);
                if (!isHead(exchange)) {
                    exchange.getResponseBody().write(body);
                    exchange.getResponseBody().flush(); // then the exchange is closed, too early
                }
            }
            case "/hostile/served/slow.jpg" -> sendEndless(exchange, 1, DRIP_MILLIS);
            case "/hostile/served/flood.jpg" -> sendEndless(exchange, 64 * 1024, 0);
            case "/hostile/served/loop.jpg" -> redirect(exchange, "/hostile/served/loop-back.jpg");
            case "/hostile/served/loop-back.jpg" -> redirect(exchange, "/hostile/served/loop.jpg");
            case "/hostile/served/missing.jpg" -> sendError(exchange, 404);
            case "/hostile/served/gone.jpg" -> sendError(exchange, 410);
            case "/hostile/served/error.jpg" -> sendError(exchange, 500);
            default -> {
                Optional<Hostile> known = hostile.stream()
                        .filter(item -> item.path().equals(path))
                        .findFirst();
                if (known.isPresent()) {
                    byte[] body = Files.readAllBytes(gallery.resolve(path.substring(1)));
                    send(exchange, known.get().mediaType(), body, Optional.empty());
                } else {
                    sendError(exchange, 404);
                }
            }
        }
    }

    /** Sends until the client has had enough or the site closes. */
    private void sendEndless(HttpExchange exchange, int chunk, long pauseMillis) throws IOException {
        exchange.getResponseHeaders().set("Content-Type", "image/jpeg");
        begin(exchange, 200, 0);
        if (isHead(exchange)) {
            return;
        }
        OutputStream body = exchange.getResponseBody();
        try {
            body.write(JPEG_START);
            byte[] filler = new byte[chunk];
            while (!closing.await(pauseMillis, TimeUnit.MILLISECONDS)) {
                body.write(filler);
                body.flush();
            }
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void redirect(HttpExchange exchange, String to) throws IOException {
        exchange.getResponseHeaders().set("Location", root() + to);
        begin(exchange, 302, -1);
    }

    private void sendError(HttpExchange exchange, int status) throws IOException {
        byte[] body = ("Status " + status + "\n").getBytes(StandardCharsets.UTF_8);
        exchange.getResponseHeaders().set("Content-Type", "text/plain; charset=utf-8");
        sendBody(exchange, status, body);
    }

    private void sendText(HttpExchange exchange, String mediaType, String text) throws IOException {
        send(exchange, mediaType, text.getBytes(StandardCharsets.UTF_8), Optional.empty());
    }

    private void send(HttpExchange exchange, String mediaType, byte[] body, Optional<Instant> modified)
            throws IOException {
        String etag = Exhibit.etag(body);
        var headers = exchange.getResponseHeaders();
        headers.set("ETag", etag);
        modified.ifPresent(at -> headers.set("Last-Modified", Pages.HTTP_DATE.format(at)));
        if (isUnchanged(exchange, etag, modified)) {
            begin(exchange, 304, -1);
        } else {
            headers.set("Content-Type", mediaType);
            sendBody(exchange, 200, body);
        }
    }

    private void sendBody(HttpExchange exchange, int status, byte[] body) throws IOException {
        if (isHead(exchange)) {
            exchange.getResponseHeaders().set("Content-Length", Integer.toString(body.length));
            begin(exchange, status, -1);
        } else if (body.length == 0) {
            begin(exchange, status, -1); // -1 is "Content-Length: 0"; 0 would mean chunks
        } else {
            begin(exchange, status, body.length);
            exchange.getResponseBody().write(body);
        }
    }

    /** RFC 9110, 13.2.2: If-None-Match decides where it is given; else If-Modified-Since. */
    private static boolean isUnchanged(HttpExchange exchange, String etag, Optional<Instant> modified) {
        String noneMatch = exchange.getRequestHeaders().getFirst("If-None-Match");
        if (noneMatch != null) {
            return Arrays.stream(noneMatch.split(","))
                    .map(tag -> tag.strip().replaceFirst("^W/", ""))
                    .anyMatch(tag -> tag.equals(etag) || tag.equals("*"));
        }
        Instant since = date(exchange.getRequestHeaders().getFirst("If-Modified-Since"));
        return since != null && modified.isPresent() && !modified.get().isAfter(since);
    }

    private static @Nullable Instant date(@Nullable String header) {
        if (header == null) {
            return null;
        }
        try {
            return Pages.HTTP_DATE.parse(header, Instant::from);
        } catch (DateTimeException malformed) {
            return null; // RFC 9110: a date that cannot be read is as if absent
        }
    }

    private static boolean isHead(HttpExchange exchange) {
        return exchange.getRequestMethod().equals("HEAD");
    }

    private void begin(HttpExchange exchange, int status, long length) throws IOException {
        String agent = exchange.getRequestHeaders().getFirst("User-Agent");
        if (kept.incrementAndGet() > REQUESTS_KEPT) {
            requests.poll(); // a site that stays open must not grow
        }
        requests.add(new Request(
                Instant.now(),
                exchange.getRequestMethod(),
                exchange.getRequestURI().toString(),
                status,
                agent == null ? "" : agent));
        exchange.sendResponseHeaders(status, isHead(exchange) ? -1 : length);
    }

    private String lastModified() {
        synchronized (exhibits) {
            return exhibits.values().stream()
                    .map(Exhibit::modified)
                    .max(Instant::compareTo)
                    .orElse(Instant.EPOCH)
                    .toString();
        }
    }

    private static byte[] gzip(String text) throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (var zip = new GZIPOutputStream(bytes)) {
            zip.write(text.getBytes(StandardCharsets.UTF_8));
        }
        return bytes.toByteArray();
    }
}
