package lenstream.websim;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * The formula of a simulated web: what every host, list and image is like in every round follows from the plan alone. Rounds
 * count from 1. Immutable, thread-safe.
 */
public final class SimWeb {
    private static final int FOREIGN_STORE = 0;

    private final SimPlan plan;
    private final IntFunction<String> authorities;
    /** Number of the first image of each site among all; the last element is their sum. */
    private final int[] offsets;

    /** @param authorities name and port of each host; the sites come first */
    public SimWeb(SimPlan plan, IntFunction<String> authorities) {
        this.plan = plan;
        this.authorities = authorities;
        this.offsets = new int[plan.sites() + 1];
        for (int site = 0; site < plan.sites(); site++) {
            offsets[site + 1] = offsets[site] + plan.images() + percent(site, 0, 1) * plan.images() / 100;
        }
    }

    public SimPlan plan() {
        return plan;
    }

    public int hosts() {
        return plan.sites() + plan.stores();
    }

    /** Images of all rounds and fates. */
    public int images() {
        return offsets[plan.sites()];
    }

    int images(int site) {
        return offsets[site + 1] - offsets[site];
    }

    /** Number of an image among all. */
    int index(SimImage image) {
        return offsets[image.site()] + image.number();
    }

    /** Where a crawl of the site begins. */
    public String seed(int site) {
        return style(site) == Style.RSS && site % 2 == 0 ? url(site, Listings.feed(0)) : url(site, "/");
    }

    public String authority(int host) {
        return authorities.apply(host);
    }

    public String url(int host, String path) {
        return "http://" + authorities.apply(host) + path;
    }

    public String url(SimImage image) {
        return url(image.host(), image.path());
    }

    public Temper temper(int host) {
        if (plan.calm()) {
            return percent(host, 0, 2) < 10 ? Temper.UNHURRIED : Temper.PLAIN;
        }
        return Temper.of(percent(host, 0, 2));
    }

    /** The least time between two requests that the host wants to see. */
    public long delayNanos(int host) {
        return plan.delay().toNanos() * (temper(host) == Temper.UNHURRIED ? 2 : 1);
    }

    public Style style(int site) {
        Style style = Style.values()[(int) (mix(site, 0, 3) % Style.values().length)];
        boolean namedByRobots = style == Style.MOVING_SITEMAP || style == Style.FOREIGN_SITEMAP;
        return namedByRobots && temper(site) == Temper.NO_ROBOTS ? Style.SITEMAP : style;
    }

    /** The store on which a site keeps its sitemap, if it keeps it there. */
    int listStore(int site) {
        return store(site, FOREIGN_STORE);
    }

    /** One of the stores of a site. */
    private int store(int site, int which) {
        return plan.sites() + (int) (mix(site, which, 4) % plan.stores());
    }

    public SimImage image(int site, int number) {
        Fate fate = fate(site, number);
        int host = fate == Fate.BROKEN || fate == Fate.CUT || percent(site, number, 5) < 60
                ? site
                : store(site, 1 + number % 2);
        String folder = fate == Fate.PRIVATE ? "/private/" : "/images/";
        return new SimImage(site, number, host, fate, folder + site + "-" + number + ".png");
    }

    /** Every image of a site that something names in this round and that is on this list. */
    List<SimImage> listed(int site, int list, int round) {
        int to = Math.min(images(site), (list + 1) * plan.listed());
        return IntStream.range(list * plan.listed(), to)
                .mapToObj(number -> image(site, number))
                .filter(image -> image.fate().isListed(round))
                .toList();
    }

    int lists(int site) {
        return (images(site) + plan.listed() - 1) / plan.listed();
    }

    /** Whether the page that shows this list forbids indexing. */
    boolean optsOut(int site, int list) {
        return !plan.calm() && style(site).hasPages() && percent(site, list, 6) < 15;
    }

    int list(SimImage image) {
        return image.number() / plan.listed();
    }

    private Fate fate(int site, int number) {
        if (plan.calm()) {
            return Fate.CONSTANT;
        }
        return switch (number) {
            case 0 -> Fate.CONSTANT;
            case 7 -> site % 3 == 0 ? Fate.BROKEN : site % 3 == 1 ? Fate.CUT : Fate.EMPTY;
            case 11 -> Fate.FLAKY;
            default -> Fate.of(percent(site, number, 7));
        };
    }

    /** Where a moved image leads: hops on a store of its site. */
    int movedTo(SimImage image) {
        return store(image.site(), 3);
    }

    int hops(SimImage image) {
        return 1 + image.number() % 2;
    }

    /** The bytes that the image has in this round. */
    public byte[] bytes(SimImage image, int round) {
        int number = image.fate() == Fate.COPY ? 0 : image.number();
        return SimPng.of(mix(image.site(), number, 8) + edition(image, round));
    }

    /** Changes with the bytes. */
    int edition(SimImage image, int round) {
        return image.fate() == Fate.CHANGED && round >= 2 ? 2 : 1;
    }

    /** All images, one after the other. */
    public Iterable<SimImage> all() {
        var sites = new ArrayList<Integer>();
        IntStream.range(0, plan.sites()).forEach(sites::add);
        return () -> sites.stream()
                .flatMap(site -> IntStream.range(0, images(site)).mapToObj(number -> image(site, number)))
                .iterator();
    }

    /** 0 to 99, evenly. */
    int percent(long a, long b, int what) {
        return (int) (mix(a, b, what) % 100);
    }

    /** Not negative; SplitMix64's finalizer over the seed and the arguments. */
    private long mix(long a, long b, int what) {
        long z = plan.seed() + a * 0x9e3779b97f4a7c15L + b * 0xc2b2ae3d27d4eb4fL + what * 0x165667b19e3779f9L;
        z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
        z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
        return (z ^ (z >>> 31)) >>> 1;
    }
}
