package lenstream.connector.crawl;

import org.apache.flink.api.connector.source.SourceSplit;

/**
 * A site and where its crawl stands. Owns the state: whoever goes on with it copies it first.
 *
 * @param site what to crawl
 * @param state never changed after construction
 */
public record SiteSplit(Site site, SiteState state) implements SourceSplit {
    static SiteSplit fresh(Site site) {
        return new SiteSplit(site, new SiteState());
    }

    @Override
    public String splitId() {
        return site.url();
    }
}
