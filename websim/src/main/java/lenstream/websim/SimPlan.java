package lenstream.websim;

import java.time.Duration;

/**
 * The size and the manners of a simulated web. Immutable.
 *
 * @param seed another seed makes another web
 * @param sites hosts that are seeds of a crawl
 * @param stores hosts that only keep images, sitemaps and redirect targets for sites
 * @param images of a site at least; no more than twice as many
 * @param listed images that one sitemap, feed page or web page names
 * @param calm nothing fails, nothing changes, nobody opts out
 * @param delay that the crawler is told to keep; some hosts ask for twice as much
 * @param slow how long a slow host takes
 */
public record SimPlan(
        long seed, int sites, int stores, int images, int listed, boolean calm, Duration delay, Duration slow) {

    public SimPlan {
        if (sites < 1 || stores < 2 || images < 20 || listed < 5) {
            throw new IllegalArgumentException("at least 1 site, 2 stores, 20 images a site and 5 a list, not " + sites
                    + ", " + stores + ", " + images + ", " + listed);
        }
    }

    /** 60 hosts and some 3,000 images. */
    public static SimPlan small(long seed) {
        return new SimPlan(seed, 45, 15, 45, 20, false, Duration.ofMillis(20), Duration.ofMillis(40));
    }

    /** 2,100 hosts and some 210,000 images. */
    public static SimPlan full(long seed) {
        return new SimPlan(seed, 1_500, 600, 95, 40, false, Duration.ofMillis(100), Duration.ofMillis(250));
    }

    /** The same web without faults, changes and opt-outs. */
    public SimPlan withCalm() {
        return new SimPlan(seed, sites, stores, images, listed, true, delay, slow);
    }

    public SimPlan withSize(int newSites, int newStores, int newImages) {
        return new SimPlan(seed, newSites, newStores, newImages, listed, calm, delay, slow);
    }

    public SimPlan withDelay(Duration newDelay) {
        return new SimPlan(seed, sites, stores, images, listed, calm, newDelay, slow);
    }
}
