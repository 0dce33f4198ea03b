package lenstream.search;

import java.nio.file.Path;
import java.time.Duration;
import lenstream.core.config.Check;
import lenstream.core.config.DataSize;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.OpenSearchConfig;
import lenstream.core.web.WebConfig;

/**
 * How the search server runs. Immutable.
 *
 * @param host address to listen on
 * @param port to listen on; 0 takes a free one
 * @param bundle folder of the encoder
 * @param openSearch where the index is
 * @param layout names of the index
 * @param web how a query's {@code image_url} may be fetched
 * @param maxBody largest request body
 * @param maxConcurrent requests that work at once; more wait a moment and are then sent away with 429
 */
public record SearchConfig(
        String host,
        int port,
        Path bundle,
        OpenSearchConfig openSearch,
        IndexLayout layout,
        WebConfig web,
        DataSize maxBody,
        int maxConcurrent) {

    public SearchConfig {
        Check.notBlank("host", host);
        Check.range("port", port, 0, 65_535);
        Check.range("max_body", maxBody.bytes(), 1, Integer.MAX_VALUE - 64);
        Check.range("max_concurrent", maxConcurrent, 1, 10_000);
    }

    /** Loopback, port 8080, bodies up to 32 MiB; an answer of OpenSearch is waited for 10 s. */
    public static SearchConfig defaults(Path bundle, String openSearchUrl) {
        return new SearchConfig(
                "127.0.0.1",
                8080,
                bundle,
                OpenSearchConfig.at(openSearchUrl).withRequestTimeout(Duration.ofSeconds(10)),
                IndexLayout.defaults(),
                WebConfig.defaults(),
                DataSize.ofMebibytes(32),
                64);
    }

    public SearchConfig withHost(String address) {
        return new SearchConfig(address, port, bundle, openSearch, layout, web, maxBody, maxConcurrent);
    }

    public SearchConfig withPort(int number) {
        return new SearchConfig(host, number, bundle, openSearch, layout, web, maxBody, maxConcurrent);
    }

    public SearchConfig withOpenSearch(OpenSearchConfig where) {
        return new SearchConfig(host, port, bundle, where, layout, web, maxBody, maxConcurrent);
    }

    public SearchConfig withLayout(IndexLayout names) {
        return new SearchConfig(host, port, bundle, openSearch, names, web, maxBody, maxConcurrent);
    }

    public SearchConfig withWeb(WebConfig network) {
        return new SearchConfig(host, port, bundle, openSearch, layout, network, maxBody, maxConcurrent);
    }
}
