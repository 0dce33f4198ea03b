package lenstream.websim;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Answers for every host of a simulated web on loopback and keeps account of its visitors: who came too early, who did not
 * ask for robots.txt first, and how often each image was asked for and downloaded. Hosts are told apart by the {@code
 * Host} header. Thread-safe.
 */
public final class SimServer implements AutoCloseable {
    static final String ROBOTS = "/robots.txt";

    private static final int MAX_HEAD = 16 << 10;
    private static final int BACKLOG = 1_000;
    private static final int OFFENCES_KEPT = 1_000;
    private static final int FLAPS_EVERY = 4;
    private static final int BUSY_AT = 3;
    private static final int RETRY_AFTER_SECONDS = 1;
    private static final int HOSTS_IN_A_NETWORK = 250;
    private static final List<String> OPT_OUTS = List.of(
            "X-Robots-Tag: noindex",
            "X-Robots-Tag: noimageindex",
            "X-Robots-Tag: lenstream: noai",
            "X-Robots-Tag: other: all, *: none",
            "tdm-reservation: 1");

    private final SimWeb web;
    private final Listings listings;
    private final List<ServerSocket> sockets;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Map<String, Integer> hosts = new HashMap<>();
    private final HostLog[] logs;
    private final Queue<String> offences = new ConcurrentLinkedQueue<>();
    private final Queue<Socket> open = new ConcurrentLinkedQueue<>();
    private final AtomicIntegerArray asked;
    private final AtomicIntegerArray downloads;
    private final LongAdder requests = new LongAdder();
    private final LongAdder unchanged = new LongAdder();
    private final LongAdder offenceCount = new LongAdder();
    private final LongAdder downloadCount = new LongAdder();
    private final Map<Integer, LongAdder> statuses = new ConcurrentHashMap<>();
    private volatile int round = 1;

    private SimServer(SimPlan plan, List<ServerSocket> sockets, IntFunction<String> authorities) {
        this.sockets = sockets;
        this.web = new SimWeb(plan, authorities);
        this.listings = new Listings(web);
        this.asked = new AtomicIntegerArray(web.images());
        this.downloads = new AtomicIntegerArray(web.images());
        this.logs = new HostLog[web.hosts()];
        for (int host = 0; host < web.hosts(); host++) {
            hosts.put(web.authority(host), host);
            logs[host] = new HostLog(web.authority(host), web.delayNanos(host), this::offence);
        }
    }

    /** Hosts with names, which {@link SimNames} leads to loopback in this JVM; one port. */
    public static SimServer named(SimPlan plan) {
        var socket = listen(InetAddress.getLoopbackAddress(), 0);
        int port = socket.getLocalPort();
        return new SimServer(plan, List.of(socket), host -> SimNames.of(host) + ":" + port).begin();
    }

    /** Hosts with loopback addresses of their own, which every process of this machine reaches (Linux); one port. */
    public static SimServer numbered(SimPlan plan) {
        var first = listen(address(0), 0);
        int port = first.getLocalPort();
        var sockets = new ArrayList<>(List.of(first));
        for (int host = 1; host < plan.sites() + plan.stores(); host++) {
            sockets.add(listen(address(host), port));
        }
        return new SimServer(plan, sockets, host -> address(host).getHostAddress() + ":" + port).begin();
    }

    private SimServer begin() {
        for (ServerSocket socket : sockets) {
            threads.execute(() -> accept(socket));
        }
        return this;
    }

    public SimWeb web() {
        return web;
    }

    /** The web as it is in this round; counters that say "in this round" begin anew. */
    public void beginRound(int number) {
        round = number;
        for (int i = 0; i < asked.length(); i++) {
            asked.set(i, 0);
        }
        Arrays.stream(logs).forEach(HostLog::beginRound);
    }

    /** What visitors did that they must not, in words, the first {@value #OFFENCES_KEPT}. */
    public List<String> offences() {
        return List.copyOf(offences);
    }

    /** Requests so far. */
    public long requests() {
        return requests.sum();
    }

    /** Answers 304 so far. */
    public long unchanged() {
        return unchanged.sum();
    }

    /** Images sent so far. */
    public long downloads() {
        return downloadCount.sum();
    }

    /** How often this image was sent. */
    public int downloads(SimImage image) {
        return downloads.get(web.index(image));
    }

    /** How often this image was asked for in this round. */
    public int asked(SimImage image) {
        return asked.get(web.index(image));
    }

    /** How often each URL that is no image was asked for in this round. */
    public Map<String, Integer> askedBeside() {
        var all = new HashMap<String, Integer>();
        for (int host = 0; host < logs.length; host++) {
            String origin = web.url(host, "");
            logs[host].paths().forEach((path, count) -> all.put(origin + path, count));
        }
        return all;
    }

    /** Answers so far by status. */
    public Map<Integer, Long> statuses() {
        var sums = new java.util.TreeMap<Integer, Long>();
        statuses.forEach((status, count) -> sums.put(status, count.sum()));
        return sums;
    }

    @Override
    public void close() {
        for (ServerSocket socket : sockets) {
            closeQuietly(socket);
        }
        open.forEach(SimServer::closeQuietly);
        threads.shutdownNow();
    }

    private static InetAddress address(int host) {
        try {
            return InetAddress.getByAddress(
                    new byte[] {127, 77, (byte) (1 + host / HOSTS_IN_A_NETWORK), (byte) (1 + host % HOSTS_IN_A_NETWORK)
                    });
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static ServerSocket listen(InetAddress address, int port) {
        try {
            var socket = new ServerSocket();
            socket.bind(new InetSocketAddress(address, port), BACKLOG);
            return socket;
        } catch (IOException e) {
            throw new UncheckedIOException("listen on " + address + " port " + port, e);
        }
    }

    private void accept(ServerSocket socket) {
        while (!socket.isClosed()) {
            try {
                Socket connection = socket.accept();
                connection.setTcpNoDelay(true);
                open.add(connection);
                threads.execute(() -> serve(connection));
            } catch (IOException | java.util.concurrent.RejectedExecutionException e) {
                return; // closed
            }
        }
    }

    private void serve(Socket connection) {
        try (connection) {
            var in = new BufferedInputStream(connection.getInputStream());
            OutputStream out = connection.getOutputStream();
            Request request = Request.read(in);
            while (request != null && answer(request, out)) {
                request = Request.read(in);
            }
        } catch (IOException e) {
            // the visitor hung up
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            open.remove(connection);
        }
    }

    /** @return whether the connection stays open */
    private boolean answer(Request request, OutputStream out) throws IOException, InterruptedException {
        requests.increment();
        Integer host = hosts.get(request.header("host"));
        if (host == null) {
            offence("asked for an unknown host: " + request.header("host"));
            out.write(Answer.status(421).bytes());
            return false;
        }
        if (!request.header("cookie").isEmpty()) {
            offence(web.authority(host) + ": was sent a cookie");
        }
        if (!request.header("user-agent").contains("lenstream")) {
            offence(web.authority(host) + ": does not know who asks: " + request.header("user-agent"));
        }
        int now = round;
        int number = logs[host].started(request.path(), System.nanoTime());
        boolean ended = false;
        try {
            Answer answer = decide(host, request, number, now);
            if (web.temper(host) == Temper.SLOW) {
                TimeUnit.NANOSECONDS.sleep(web.plan().slow().toNanos());
            }
            statuses.computeIfAbsent(answer.status(), status -> new LongAdder()).increment();
            if (answer.status() == 429) {
                logs[host].leaveAloneUntil(System.nanoTime() + TimeUnit.SECONDS.toNanos(RETRY_AFTER_SECONDS));
            }
            ended = true;
            logs[host].ended(System.nanoTime());
            out.write(answer.bytes());
            out.flush();
            return !answer.cut();
        } finally {
            if (!ended) {
                logs[host].ended(System.nanoTime());
            }
        }
    }

    private Answer decide(int host, Request request, int number, int now) {
        Temper temper = web.temper(host);
        String path = request.path();
        if (path.equals(ROBOTS)) {
            int times = logs[host].asked(path);
            boolean down = temper == Temper.ROBOTS_DOWN || (temper == Temper.ROBOTS_DOWN_LATER && now >= 2);
            if (down || (temper == Temper.ROBOTS_LATE && times == 1)) {
                return Answer.status(503);
            }
            return temper == Temper.NO_ROBOTS
                    ? Answer.status(404)
                    : Answer.of("text/plain", listings.robots(host, now).getBytes(StandardCharsets.UTF_8));
        }
        if (temper.refuses(now) || (temper.isOut(now) && temper != Temper.DOWN)) {
            offence(web.authority(host) + ": asked for " + path + " although it is " + temper);
        }
        if (path.startsWith("/private/") && temper != Temper.NO_ROBOTS) {
            offence(web.authority(host) + ": asked for " + path + ", which is private");
        }
        SimImage image = image(host, path);
        int times = image == null ? logs[host].asked(path) : asked.incrementAndGet(web.index(image));
        if (temper == Temper.DOWN || (temper == Temper.FLAPPING && times == 1 && number % FLAPS_EVERY == 0)) {
            return Answer.status(503);
        }
        if (temper == Temper.BUSY && number == BUSY_AT) {
            return Answer.status(429).with("Retry-After: " + RETRY_AFTER_SECONDS);
        }
        if (image != null) {
            return image(image, request, times, now);
        }
        if (path.startsWith("/moved/")) {
            return moved(host, request, now);
        }
        if (path.startsWith("/traps/")) {
            return Answer.of("image/png", SimPng.of(path.hashCode()));
        }
        Listings.Document document = listings.at(host, path, now);
        if (document == null) {
            return Answer.status(404);
        }
        Answer answer = Answer.of(document.type(), document.body())
                .with("ETag: \"" + Integer.toHexString(Arrays.hashCode(document.body())) + "\"");
        answer = document.optsOut() ? answer.with("X-Robots-Tag: noindex") : answer;
        return answer.unlessKnown(request);
    }

    private @Nullable SimImage image(int host, String path) {
        String name = path.startsWith("/images/")
                ? path.substring("/images/".length())
                : path.startsWith("/private/") ? path.substring("/private/".length()) : "";
        SimImage image = named(name);
        return image != null && image.host() == host && image.path().equals(path) ? image : null;
    }

    /** The image of a name such as {@code 12-7.png}. */
    private @Nullable SimImage named(String name) {
        int dash = name.indexOf('-');
        Integer site = dash < 0 ? null : Listings.number(name.substring(0, dash + 1), "", "-");
        Integer number = dash < 0 ? null : Listings.number(name.substring(dash), "-", ".png");
        if (site == null || number == null || site >= web.plan().sites() || number >= web.images(site)) {
            return null;
        }
        return web.image(site, number);
    }

    private Answer image(SimImage image, Request request, int times, int now) {
        return switch (image.fate()) {
            case NEW_SECOND, NEW_THIRD, VANISHED ->
                image.fate().isListed(now) ? content(image, request, now) : Answer.status(404);
            case MISSING -> now >= 2 ? Answer.status(404) : content(image, request, now);
            case GONE -> now >= 2 ? Answer.status(410) : content(image, request, now);
            case OPTED_OUT -> content(image, request, now).with(optOut(image));
            case OPTED_OUT_LATER -> {
                Answer answer = content(image, request, now);
                yield now >= 2 ? answer.with(optOut(image)) : answer;
            }
            case MOVED -> Answer.status(302).with("Location: " + web.url(web.movedTo(image), hop(image, 1)));
            case LOOP -> Answer.status(302).with("Location: " + image.path());
            case HTML -> Answer.of("image/png", "<!doctype html><p>Not here.</p>".getBytes(StandardCharsets.US_ASCII));
            case FLAKY -> times == 1 ? Answer.status(503) : content(image, request, now);
            case BROKEN -> Answer.status(500);
            case CUT -> Answer.of("image/png", web.bytes(image, now)).withCut();
            case EMPTY -> Answer.of("image/png", new byte[0]);
            case CONSTANT, CHANGED, COPY, PRIVATE -> content(image, request, now);
        };
    }

    private static String optOut(SimImage image) {
        return OPT_OUTS.get(image.number() % OPT_OUTS.size());
    }

    private static String hop(SimImage image, int hop) {
        return "/moved/" + hop + "/" + image.site() + "-" + image.number() + ".png";
    }

    private Answer moved(int host, Request request, int now) {
        String[] parts = request.path().split("/", -1); // "", moved, hop, name
        SimImage image = parts.length == 4 ? named(parts[3]) : null;
        Integer hop = parts.length == 4 ? Listings.number(parts[2], "", "") : null;
        if (image == null || hop == null || image.fate() != Fate.MOVED || web.movedTo(image) != host) {
            return Answer.status(404);
        }
        return hop < web.hops(image)
                ? Answer.status(301).with("Location: " + hop(image, hop + 1))
                : content(image, request, now);
    }

    private Answer content(SimImage image, Request request, int now) {
        int edition = web.edition(image, now);
        String validator = image.number() % 3 == 0
                ? "Last-Modified: Thu, 0" + edition + " Jan 2026 00:00:00 GMT"
                : "ETag: \"" + image.site() + "." + image.number() + "." + edition + "\"";
        Answer answer =
                Answer.of("image/png", web.bytes(image, now)).with(validator).unlessKnown(request);
        if (answer.status() == 304) {
            unchanged.increment();
        } else {
            downloadCount.increment();
            downloads.incrementAndGet(web.index(image));
        }
        return answer;
    }

    private void offence(String what) {
        offenceCount.increment();
        if (offenceCount.sum() <= OFFENCES_KEPT) {
            offences.add(what);
        }
    }

    private static void closeQuietly(AutoCloseable socket) {
        try {
            socket.close();
        } catch (Exception e) {
            // it is given up either way
        }
    }

    /** Header names in lower case. */
    private record Request(String path, Map<String, String> headers) {
        /** The next request of a connection; null at its end. */
        static @Nullable Request read(InputStream in) throws IOException {
            String first = line(in);
            if (first == null) {
                return null;
            }
            String[] words = first.split(" ", -1);
            if (words.length != 3 || !words[0].equals("GET")) {
                throw new IOException("no GET request: " + first);
            }
            var headers = new HashMap<String, String>();
            String line = line(in);
            while (line != null && !line.isEmpty()) {
                int colon = line.indexOf(':');
                headers.put(
                        line.substring(0, Math.max(0, colon)).toLowerCase(java.util.Locale.ROOT),
                        line.substring(colon + 1).strip());
                line = line(in);
            }
            return new Request(words[1], headers);
        }

        private static @Nullable String line(InputStream in) throws IOException {
            var text = new StringBuilder();
            for (int c = in.read(); c >= 0; c = in.read()) {
                if (c == '\n') {
                    return text.toString();
                }
                if (c != '\r') {
                    text.append((char) c);
                }
                if (text.length() > MAX_HEAD) {
                    throw new IOException("a line of more than " + MAX_HEAD + " characters");
                }
            }
            return null;
        }

        String header(String name) {
            return headers.getOrDefault(name, "");
        }
    }

    /**
     * One answer.
     *
     * @param cut whether the connection ends in the middle of the body
     */
    private record Answer(int status, List<String> headers, byte[] body, boolean cut) {
        static Answer status(int status) {
            return new Answer(status, List.of(), new byte[0], false);
        }

        static Answer of(String type, byte[] body) {
            return new Answer(200, List.of("Content-Type: " + type), body, false);
        }

        Answer with(String header) {
            var more = new ArrayList<>(headers);
            more.add(header);
            return new Answer(status, more, body, cut);
        }

        Answer withCut() {
            return new Answer(status, headers, body, true);
        }

        /** 304 for those who have these very bytes. */
        Answer unlessKnown(Request request) {
            boolean known = headers.contains("ETag: " + request.header("if-none-match"))
                    || headers.contains("Last-Modified: " + request.header("if-modified-since"));
            return known ? new Answer(304, headers, new byte[0], false) : this;
        }

        byte[] bytes() {
            var head = new StringBuilder("HTTP/1.1 ").append(status).append(" -\r\n");
            headers.forEach(header -> head.append(header).append("\r\n"));
            head.append("Set-Cookie: visitor=1; Path=/\r\n");
            if (status != 304) {
                head.append("Content-Length: ").append(body.length).append("\r\n");
            }
            byte[] start = head.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1);
            byte[] all = Arrays.copyOf(start, start.length + (cut ? body.length / 2 : body.length));
            System.arraycopy(body, 0, all, start.length, all.length - start.length);
            return all;
        }
    }
}
