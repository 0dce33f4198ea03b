package lenstream.connector.crawl;

import java.io.Serializable;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import lenstream.connector.fetch.FetchConfig;
import lenstream.connector.fetch.RevisitPolicy;
import lenstream.core.config.ConfigException;
import lenstream.core.config.ConfigReader;
import lenstream.core.config.Count;
import lenstream.core.web.CanonicalUrl;
import lenstream.core.web.WebConfig;
import org.jspecify.annotations.Nullable;

/**
 * What a crawl is told: the sites, and how to treat the web. Immutable.
 *
 * @param sites with different URLs, at least one unless there is a topic
 * @param topic of URLs that come from elsewhere; null for none
 * @param fetch how hosts are visited
 * @param maxPixels largest picture that is decoded
 */
public record Seeds(List<Site> sites, @Nullable UrlTopic topic, FetchConfig fetch, long maxPixels)
        implements Serializable {
    private static final long MAX_PIXELS = 200_000_000;

    public Seeds {
        sites = List.copyOf(sites);
    }

    /** @throws ConfigException with every problem of the file */
    public static Seeds read(Path seedsYaml) {
        return of(seedsYaml.toString(), ConfigReader.read(seedsYaml, SeedsFile.class));
    }

    /**
     * @param source names the file in messages
     * @throws ConfigException with every problem
     */
    public static Seeds of(String source, SeedsFile file) {
        var problems = new ArrayList<String>();
        var sites = new ArrayList<Site>();
        Set<String> seen = new HashSet<>();
        for (int i = 0; i < file.sites().size(); i++) {
            SeedsFile.SiteEntry entry = file.sites().get(i);
            String key = "sites[" + i + "]";
            var url = CanonicalUrl.of(entry.url());
            if (url.isEmpty()) {
                problems.add(key + ".url: \"" + entry.url() + "\" is no URL; write for example https://example.org/");
            } else if (!seen.add(url.get().value())) {
                problems.add(key + ".url: " + url.get() + " is listed twice");
            } else {
                try {
                    sites.add(site(url.get(), entry));
                } catch (IllegalArgumentException e) {
                    problems.add(key + ": " + e.getMessage());
                }
            }
        }
        FetchConfig fetch = FetchConfig.defaults();
        try {
            fetch = fetch(file);
        } catch (IllegalArgumentException e) {
            problems.add(String.valueOf(e.getMessage()));
        }
        Count maxPixels = file.limits().maxPixels();
        if (maxPixels.value() == 0) {
            problems.add("limits.max_pixels: must be positive, not 0");
        }
        if (!problems.isEmpty()) {
            throw new ConfigException(source, problems);
        }
        return new Seeds(sites, file.kafka(), fetch, maxPixels.value());
    }

    /**
     * Sites by their URLs alone.
     *
     * @throws ConfigException naming each that is no URL
     */
    public static Seeds ofUrls(List<String> urls) {
        var entries = urls.stream()
                .distinct()
                .map(url ->
                        ConfigReader.parse("URL", "url: '" + url.replace("'", "''") + "'", SeedsFile.SiteEntry.class))
                .toList();
        if (entries.isEmpty()) {
            throw new ConfigException("URL", List.of("name at least one site, for example https://example.org/"));
        }
        var file = ConfigReader.parse("defaults", "sites: [{url: 'https://example.org/'}]", SeedsFile.class);
        return of("URL", new SeedsFile(entries, null, file.network(), file.limits(), file.revisit()));
    }

    public Seeds withFetch(FetchConfig newFetch) {
        return new Seeds(sites, topic, newFetch, maxPixels);
    }

    /** The same with a topic of URLs beside the sites. */
    public Seeds withTopic(UrlTopic newTopic) {
        return new Seeds(sites, newTopic, fetch, maxPixels);
    }

    /** A topic of URLs alone, visited by default settings. */
    public static Seeds ofTopic(UrlTopic topic) {
        return defaults(List.of()).withTopic(topic);
    }

    static Seeds defaults(List<Site> sites) {
        return new Seeds(sites, null, FetchConfig.defaults(), MAX_PIXELS);
    }

    private static Site site(CanonicalUrl url, SeedsFile.SiteEntry entry) {
        return new Site(
                url.value(),
                url.hostAndPort(),
                entry.kind(),
                entry.interval(),
                entry.include(),
                entry.exclude(),
                Math.toIntExact(entry.maxPages().value()),
                Math.toIntExact(entry.maxImages().value()));
    }

    private static FetchConfig fetch(SeedsFile file) {
        WebConfig web = WebConfig.defaults()
                .withAllowPrivate(file.network().allowPrivate())
                .withMaxBytes(file.limits().maxBytes())
                .withTotalTimeout(file.limits().timeout());
        String contact = file.network().contact();
        return FetchConfig.defaults()
                .withWeb(contact == null ? web : web.withUserAgent(WebConfig.userAgent(contact)))
                .withAttempts(file.limits().attempts())
                .withRevisit(revisit(file.revisit()))
                .withMinDelay(file.network().minDelay());
    }

    private static RevisitPolicy revisit(SeedsFile.RevisitEntry entry) {
        return new RevisitPolicy(entry.first(), entry.shortest(), entry.longest(), entry.forgetAfter());
    }
}
