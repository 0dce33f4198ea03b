package lenstream.connector.crawl;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import lenstream.connector.fetch.HostUnavailableException;
import lenstream.connector.fetch.HttpTimes;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.ImageId;
import lenstream.core.image.Reason;
import lenstream.core.web.CanonicalUrl;
import lenstream.core.web.WebClient;
import lenstream.core.web.WebException;
import lenstream.core.web.WebResponse;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Walks one site, a resource at a time: robots.txt and sitemaps, then feeds, then pages breadth-first, within its limits.
 * Pages lie on the site's own host, with or without {@code www}; its sitemaps and feeds may lie anywhere. A full round asks for everything from the seed on; the rounds between ask conditionally
 * for the resources that are due, and emit only what is new or whose stamp changed. A sitemap that its index dates is
 * visited when the date changes; a feed's further pages are read while they hold nothing but news.
 *
 * <p>What several resources say of an image is merged: found images are held back for {@link #HOLD_MILLIS} or until
 * {@link #HOLD_IMAGES} have come together, then emitted with all that was said. A resource counts as visited only after its
 * images were emitted, so a crash repeats it.
 *
 * <p>Confined to one thread; blocks while it asks.
 */
final class SiteWalk {
    /** Sitemaps and feeds known of a site at most. */
    static final int MAX_LISTS = 1_000;

    static final Duration RECHECK = Duration.ofHours(24);
    static final long HOLD_MILLIS = 5_000;
    static final int HOLD_IMAGES = 500;
    /** Pages of one feed that a round reads at most. */
    static final int MAX_FEED_PAGES = 10;

    private static final int MAX_SITEMAP_DEPTH = 3;
    /** A sitemap whose date is older than this and the same as before did not change: a date may leave out the time. */
    private static final Duration SETTLED = Duration.ofDays(2);
    /** The longest wait that a server may ask for. */
    private static final Duration LONGEST_RETRY_AFTER = Duration.ofDays(1);

    private static final int MAX_REDIRECTS = 5;
    private static final int ATTEMPTS = 3;
    /** A host that wants to be left alone for longer is not waited for in the middle of a round. */
    private static final long SHORT_WAIT_MILLIS = 15_000;
    // Nutch's adaptive schedule: an unchanged resource waits 1.4 times as long, a changed one 0.8 times
    private static final double SLOWER = 1.4;
    private static final double FASTER = 0.8;
    private static final int SLOWEST = 8;
    private static final Pattern NO_PAGE = Pattern.compile(
            ".*\\.(jpe?g|png|gif|webp|avif|bmp|tiff?|svg|ico|pdf|zip|gz|tgz|rar|7z|mp[34]|m4[av]|webm|mov|avi|ogg|css|js|json|woff2?|ttf|exe|dmg|iso|docx?|xlsx?|pptx?)");
    private static final Logger LOG = LoggerFactory.getLogger(SiteWalk.class);

    /** The web as a walk uses it. */
    interface Web {
        /** As {@link lenstream.connector.fetch.PoliteWeb#get}. */
        WebResponse get(CanonicalUrl url, Map<String, String> headers) throws IOException, InterruptedException;

        /** The sitemaps that robots.txt names. */
        List<String> sitemaps(CanonicalUrl url) throws IOException, InterruptedException;
    }

    private final Site site;
    private final SiteState state;
    private final String run;
    private final Web web;
    private final LongSupplier clock;
    private final PathGlobs include;
    private final PathGlobs exclude;
    private final Map<String, FoundImage> held = new LinkedHashMap<>();
    private final List<SiteEvent> heldVisits = new ArrayList<>();
    /** Further pages of feeds that this round has come to: the last one may name the first again. */
    private final Set<String> feedPages = new HashSet<>();

    private long heldSince;
    private List<SiteEvent> events = new ArrayList<>();

    /**
     * @param state taken over
     * @param run the submission of the job
     * @param clock epoch ms
     */
    SiteWalk(Site site, SiteState state, String run, Web web, LongSupplier clock) {
        this.site = site;
        this.state = state;
        this.run = run;
        this.web = web;
        this.clock = clock;
        this.include = PathGlobs.of(site.include());
        this.exclude = PathGlobs.of(site.exclude());
    }

    /** Milliseconds until there is something to do; 0 while a round is going on. */
    long idleMillis() {
        return state.inRound() || isNewRun() ? 0 : Math.max(0, state.nextRoundAtMillis() - clock.getAsLong());
    }

    /** Whether this submission's round has ended. */
    boolean isDry() {
        return !state.inRound() && !isNewRun();
    }

    /** Goes one resource further; what happened, in order, possibly nothing yet. */
    List<SiteEvent> step() throws InterruptedException {
        if (!state.inRound() || isNewRun()) {
            if (idleMillis() == 0) {
                begin();
            }
        } else {
            KnownResource next = state.next();
            boolean holdIsOver = held.size() >= HOLD_IMAGES || clock.getAsLong() - heldSince >= HOLD_MILLIS;
            if (next == null || (holdIsOver && !heldVisits.isEmpty())) {
                flush();
            }
            if (next == null) {
                emit(new SiteEvent.RoundEnded(nextRoundAt()));
            } else {
                visit(next);
            }
        }
        List<SiteEvent> done = events;
        events = new ArrayList<>();
        return done;
    }

    private boolean isNewRun() {
        return !state.run().equals(run);
    }

    private void begin() {
        if (state.inRound() && state.full()) {
            emit(new SiteEvent.RoundResumed(run));
            return;
        }
        long now = clock.getAsLong();
        boolean full = isNewRun() || now - state.lastFullAtMillis() >= RECHECK.toMillis();
        List<Resource> due = state.resources().stream()
                .filter(known -> known.dueAtMillis() <= now && !rests(known.resource(), now))
                .map(KnownResource::resource)
                .sorted(Comparator.comparing(Resource::kind))
                .toList();
        feedPages.clear();
        emit(new SiteEvent.RoundStarted(full, run, now, full ? List.of(seed()) : due));
    }

    private Resource seed() {
        boolean robots = site.kind() == Kind.AUTO && site.url().endsWith("/robots.txt");
        return new Resource(site.url(), robots ? Kind.ROBOTS : site.kind(), 0, true);
    }

    private void visit(KnownResource known) throws InterruptedException {
        Resource resource = known.resource();
        try {
            CanonicalUrl url = CanonicalUrl.of(resource.url()).orElseThrow();
            if (resource.kind() == Kind.ROBOTS) {
                sitemaps(url, resource, any -> true);
                visited(known.visited(
                        Kind.ROBOTS, null, null, 0, interval(known, false), dueAt(interval(known, false), 0)));
                return;
            }
            WebResponse response = ask(url, known);
            switch (response.status()) {
                case 200 -> read(known, resource, response);
                case 304 -> again(known, resource.kind(), response, known.contentHash(), false);
                case 404, 410 -> {
                    sitemapsWithoutHome(resource, any -> true);
                    missing(known, response);
                }
                default -> {
                    sitemapsWithoutHome(resource, any -> true);
                    failed(
                            known,
                            "status " + response.status(),
                            HttpTimes.retryAfterMillis(response, clock.getAsLong()));
                }
            }
        } catch (HostUnavailableException e) {
            failed(known, String.valueOf(e.getMessage()), e.delayMillis());
        } catch (IOException e) {
            sitemapsWithoutHome(resource, isDenied(e) ? this::isOwn : any -> true);
            failed(known, String.valueOf(e.getMessage()), 0);
        } catch (RuntimeException e) {
            // the walk would meet it again after each restart: one bad resource is data
            LOG.warn("site={} resource={} cannot be digested", site.url(), resource.url(), e);
            failed(known, e.toString(), 0);
        }
    }

    /** Asks, with redirects (those of a page on the site's hosts alone), and again after failures that may pass. */
    private WebResponse ask(CanonicalUrl url, KnownResource known) throws IOException, InterruptedException {
        var headers = new HashMap<String, String>();
        if (!state.full() && known.etag() != null) {
            headers.put("If-None-Match", known.etag());
        }
        if (!state.full() && known.lastModified() != null) {
            headers.put("If-Modified-Since", known.lastModified());
        }
        for (int attempt = 1; ; attempt++) {
            try {
                WebResponse response = web.get(url, headers);
                for (int hop = 0; response.isRedirect() && hop < MAX_REDIRECTS; hop++) {
                    CanonicalUrl to = WebClient.redirect(response);
                    if (known.resource().kind() == Kind.PAGE) {
                        requireOwn(url, to);
                    }
                    response = web.get(to, headers);
                }
                boolean mayPass = response.status() == 429 || response.status() >= 500;
                if (!mayPass || attempt == ATTEMPTS) {
                    return response;
                }
            } catch (HostUnavailableException e) {
                if (attempt == ATTEMPTS || e.delayMillis() > SHORT_WAIT_MILLIS) {
                    throw e;
                }
                Thread.sleep(e.delayMillis());
            } catch (WebException e) {
                boolean mayPass = e.reason() == Reason.TIMEOUT
                        || e.reason() == Reason.CONNECTION_FAILED
                        || e.reason() == Reason.TRUNCATED_RESPONSE;
                if (!mayPass || attempt == ATTEMPTS) {
                    throw e;
                }
            }
        }
    }

    private void read(KnownResource known, Resource resource, WebResponse response)
            throws IOException, InterruptedException {
        long hash = Long.parseUnsignedLong(ImageId.sha256(response.body()).substring(0, 16), 16);
        boolean changed = hash != known.contentHash();
        if (!changed && !state.full()) {
            again(known, resource.kind(), response, hash, false);
            return;
        }
        Contents contents = ResourceParser.parse(resource.kind(), response, Instant.ofEpochMilli(clock.getAsLong()));
        boolean isPage = contents.kind() == Kind.PAGE;
        if (isPage) {
            requireOwn(CanonicalUrl.of(resource.url()).orElseThrow(), response.url());
        }
        boolean goesOn = resource.feedPage() + 1 < MAX_FEED_PAGES && (state.full() || isAllNew(contents));
        for (FoundImage image : contents.images()) {
            boolean isDated = !isPage || image.publishedAtMillis() != CrawlTarget.UNKNOWN_TIME;
            hold(isDated ? image : image.withPublished(resource.saidMillis(), image.stamp()));
        }
        boolean seedIsList = resource.depth() == 0 && !isPage;
        boolean follow = resource.follow() && !seedIsList;
        if (resource.depth() == 0 && site.kind() == Kind.AUTO && isPage) {
            sitemaps(response.url(), resource, any -> true);
        }
        for (Contents.Link link : contents.links()) {
            if (link.next()) {
                if (goesOn && feedPages.add(link.url().value())) {
                    queue(link, Math.max(1, resource.depth()), follow, resource.feedPage() + 1);
                }
            } else if (!isPage || link.kind() != Kind.PAGE || follow) {
                queue(link, resource.depth() + 1, follow, 0);
            }
        }
        if (resource.feedPage() > 0) {
            visited(new SiteEvent.Visited(resource.url(), null, false)); // its items move on to the next page
        } else {
            again(known, contents.kind(), response, hash, changed);
        }
    }

    /** Whether a page of a feed names only what is new; then more that is new may follow on the next one. */
    private boolean isAllNew(Contents feed) {
        return feed.images().stream()
                        .noneMatch(image ->
                                state.seen().contains(SeenUrls.key(image.url().value())))
                && feed.links().stream()
                        .noneMatch(link -> link.kind() == Kind.PAGE
                                && state.resource(link.url().value()) != null);
    }

    private static boolean isDenied(IOException failure) {
        return failure instanceof WebException web && web.reason() == Reason.ROBOTS_DENIED;
    }

    /**
     * A home page that cannot be read says nothing against the sitemaps that robots.txt names. Where robots.txt itself keeps us
     * out, those on the site's own host are for its rules to allow; elsewhere they would lead around them.
     */
    private void sitemapsWithoutHome(Resource resource, Predicate<CanonicalUrl> allowed) throws InterruptedException {
        CanonicalUrl url = CanonicalUrl.of(resource.url()).orElseThrow();
        if (resource.depth() > 0
                || site.kind() != Kind.AUTO
                || !url.pathAndQuery().equals("/")) {
            return;
        }
        try {
            sitemaps(url, resource, allowed);
        } catch (IOException e) {
            LOG.debug("site={} robots.txt cannot be read either", site.url(), e);
        }
    }

    private void sitemaps(CanonicalUrl url, Resource from, Predicate<CanonicalUrl> allowed)
            throws IOException, InterruptedException {
        List<String> named = web.sitemaps(url);
        for (String sitemap : named) {
            CanonicalUrl.of(sitemap)
                    .filter(allowed)
                    .ifPresent(at -> queue(new Contents.Link(at, Kind.SITEMAP), from.depth() + 1, from.follow(), 0));
        }
        if (named.isEmpty() && from.kind() == Kind.ROBOTS) {
            url.resolve("/").ifPresent(home -> queue(new Contents.Link(home, Kind.PAGE), 1, true, 0));
        } else if (named.isEmpty()) {
            url.resolve("/sitemap.xml")
                    .ifPresent(usual -> queue(new Contents.Link(usual, Kind.SITEMAP), 1, from.follow(), 0));
        }
    }

    private void queue(Contents.Link link, int depth, boolean follow, int feedPage) {
        CanonicalUrl url = link.url();
        if (link.kind() == Kind.PAGE && !isOwn(url)) {
            return;
        }
        KnownResource known = state.resource(url.value());
        if (known != null && (known.round() == state.round() || !(state.full() || isDue(known, link)))) {
            return;
        }
        boolean isPage = link.kind() == Kind.PAGE;
        boolean wanted = isPage
                ? isWanted(url)
                        && !NO_PAGE.matcher(url.path().toLowerCase(Locale.ROOT)).matches()
                        && (known != null || state.pages() < site.maxPages())
                : depth <= MAX_SITEMAP_DEPTH
                        && (known != null || state.resources().size() - state.pages() < MAX_LISTS);
        if (wanted) {
            long said = link.saidMillis();
            if (isPage && known != null && said == CrawlTarget.UNKNOWN_TIME) {
                said = known.resource().saidMillis();
            }
            emit(new SiteEvent.Queued(new Resource(url.value(), link.kind(), depth, follow, said, feedPage)));
        }
    }

    private void requireOwn(CanonicalUrl url, CanonicalUrl redirectedTo) throws WebException {
        if (!isOwn(redirectedTo)) {
            throw new WebException(
                    Reason.BAD_URL, url + ": redirects to " + redirectedTo + "; crawl that as a site of its own");
        }
    }

    /** Whether a URL is on the site's host; whether that is called {@code www} makes no difference. */
    private boolean isOwn(CanonicalUrl url) {
        return withoutWww(url.hostAndPort()).equals(withoutWww(site.host()));
    }

    private static String withoutWww(String host) {
        return host.startsWith("www.") ? host.substring(4) : host;
    }

    private boolean isDue(KnownResource known, Contents.Link link) {
        long before = known.resource().saidMillis();
        boolean isDated = link.kind() == Kind.SITEMAP
                && before != CrawlTarget.UNKNOWN_TIME
                && link.saidMillis() != CrawlTarget.UNKNOWN_TIME;
        if (isDated && before != link.saidMillis()) {
            return true;
        }
        long now = clock.getAsLong();
        return known.dueAtMillis() <= now && !(isDated && rests(known.resource(), now));
    }

    /** Whether a sitemap is left alone until its index gives it another date; a full round asks for it all the same. */
    private static boolean rests(Resource resource, long now) {
        return resource.kind() == Kind.SITEMAP
                && resource.saidMillis() != CrawlTarget.UNKNOWN_TIME
                && now - resource.saidMillis() > SETTLED.toMillis();
    }

    private boolean isWanted(CanonicalUrl page) {
        return (include.isEmpty() || include.matches(page.path())) && !exclude.matches(page.path());
    }

    private void hold(FoundImage image) {
        CanonicalUrl page = image.pageUrl();
        if ((page != null && !isWanted(page)) || exclude.matches(image.url().path())) {
            return;
        }
        long key = SeenUrls.key(image.url().value());
        boolean told = state.seen().contains(key)
                && (image.stamp() == 0 || image.stamp() == state.seen().stamp(key));
        if (!told) {
            if (held.isEmpty()) {
                heldSince = clock.getAsLong();
            }
            held.merge(image.url().value(), image, FoundImage::merge);
        }
    }

    private void flush() {
        long now = clock.getAsLong();
        for (FoundImage image : held.values()) {
            boolean seen = state.seen().contains(SeenUrls.key(image.url().value()));
            if (seen || state.seen().size() < site.maxImages()) {
                emit(new SiteEvent.Found(image.target(site.url(), now), image.stamp()));
            }
        }
        held.clear();
        events.addAll(heldVisits);
        heldVisits.clear();
    }

    private void again(KnownResource known, Kind kind, WebResponse response, long hash, boolean changed) {
        boolean unchanged = response.status() == 304;
        long interval = interval(known, changed);
        long fresh = HttpTimes.maxAge(response).map(Duration::toMillis).orElse(0L);
        visited(known.visited(
                kind,
                response.header("etag").orElse(unchanged ? known.etag() : null),
                response.header("last-modified").orElse(unchanged ? known.lastModified() : null),
                hash,
                interval,
                dueAt(interval, fresh)));
    }

    private void missing(KnownResource known, WebResponse response) {
        if (known.resource().depth() == 0) {
            failed(known, "status " + response.status(), 0);
        } else {
            visited(new SiteEvent.Visited(known.resource().url(), null, false));
        }
    }

    /** @param retryAfterMillis what the server asked for; 0 for nothing */
    private void failed(KnownResource known, String why, long retryAfterMillis) {
        if (known.resource().depth() == 0) {
            LOG.warn("site={} cannot be read: {}", site.url(), why);
        } else {
            LOG.info(
                    "site={} resource={} cannot be read: {}",
                    site.url(),
                    known.resource().url(),
                    why);
        }
        if (known.resource().feedPage() > 0) {
            visited(new SiteEvent.Visited(known.resource().url(), null, true));
            return;
        }
        long interval = interval(known, false);
        long pause = Math.max(interval, Math.min(retryAfterMillis, LONGEST_RETRY_AFTER.toMillis()));
        KnownResource after = known.visited(
                known.resource().kind(),
                known.etag(),
                known.lastModified(),
                known.contentHash(),
                interval,
                clock.getAsLong() + pause);
        boolean isSitemap = known.resource().kind() == Kind.SITEMAP;
        visited(new SiteEvent.Visited(known.resource().url(), isSitemap ? after.undated() : after, true));
    }

    private void visited(KnownResource after) {
        visited(new SiteEvent.Visited(after.resource().url(), after, false));
    }

    /** This walk goes on at once; the others learn it when the images that came with it have been emitted. */
    private void visited(SiteEvent.Visited visit) {
        state.apply(visit);
        if (heldVisits.isEmpty() && held.isEmpty()) {
            heldSince = clock.getAsLong();
        }
        heldVisits.add(visit);
    }

    private long interval(KnownResource known, boolean changed) {
        long usual = site.interval().toMillis();
        long shortest = Math.max(1_000, usual / 2);
        long before = known.intervalMillis();
        if (before < shortest || before > usual * SLOWEST) {
            return usual; // the first visit says nothing about changes, nor does a wait that another interval allowed
        }
        double next = before * (changed ? FASTER : SLOWER);
        return Math.clamp(Math.round(next), shortest, usual * SLOWEST);
    }

    private long dueAt(long intervalMillis, long freshMillis) {
        long longest = site.interval().toMillis() * SLOWEST;
        return clock.getAsLong() + Math.max(intervalMillis, Math.min(freshMillis, longest));
    }

    private long nextRoundAt() {
        long now = clock.getAsLong();
        long earliest = state.resources().stream()
                .filter(known -> !rests(known.resource(), now))
                .mapToLong(KnownResource::dueAtMillis)
                .min()
                .orElse(now + site.interval().toMillis());
        return Math.max(earliest, now + 1_000);
    }

    private void emit(SiteEvent event) {
        state.apply(event);
        events.add(event);
    }
}
