package lenstream.search;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import lenstream.core.config.DataSize;
import lenstream.core.config.Default;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.OpenSearchConfig;
import lenstream.core.web.AddressGuard;
import lenstream.core.web.WebConfig;
import lenstream.gpu.pipeline.Placement;
import lenstream.search.alert.AlertConfig;
import lenstream.search.http.HttpConfig;
import lenstream.search.push.PushConfig;
import lenstream.search.remote.RemoteConfig;
import org.jspecify.annotations.Nullable;

/**
 * The YAML file of {@link SearchProgram}, taken apart by {@link #config}. Immutable.
 *
 * @param host address to listen on
 * @param port to listen on; 0 takes a free one
 * @param bundle folder of the encoder
 * @param openSearch where the index is
 * @param index its names
 * @param network how a query's {@code image_url} may be fetched
 * @param http how requests are treated
 * @param push who may tell of new pages
 * @param receiptKey file of the key that signs receipts of take-downs and seals the secrets of webhooks; made when it is first
 *     needed, and the same for every process that shares an index
 * @param alerts how webhooks of alerts are told
 * @param grpcPort of the Open Inference Protocol over gRPC; -1 leaves it out
 * @param encoder where queries are embedded; null for this process
 * @param device where this process embeds pictures: {@code gpu}, {@code cpu}, or {@code auto} for a GPU where there is one
 */
record SearchSettings(
        @Default("127.0.0.1") String host,
        @Default("8080") int port,
        Path bundle,
        OpenSearchConfig openSearch,
        @Default("{}") IndexLayout index,
        @Default("{}") Network network,
        @Default("{}") HttpConfig http,
        @Default("{}") PushConfig push,
        @Default("receipt-key") Path receiptKey,
        @Default("{}") AlertConfig alerts,
        @Default("8001") int grpcPort,
        @Nullable RemoteConfig encoder,
        @Default("auto") Placement device) {

    SearchSettings {
        // refused here, where the file's other problems are reported
        SearchSettings.config(
                host,
                port,
                bundle,
                openSearch,
                index,
                network,
                http,
                push,
                receiptKey,
                alerts,
                grpcPort,
                encoder,
                device);
    }

    /**
     * How the web may be used.
     *
     * @param allowPrivate networks in CIDR notation that may be reached although they are private
     * @param contact a URL or mail address that goes into the User-Agent
     * @param maxBytes of a fetched image
     * @param timeout of a request with its body
     */
    record Network(
            @Default("[]") List<String> allowPrivate,
            @Nullable String contact,
            @Default("30MiB") DataSize maxBytes,
            @Default("30s") Duration timeout) {
        Network {
            AddressGuard.allowing(allowPrivate); // refuses what is no network
            allowPrivate = List.copyOf(allowPrivate);
        }

        WebConfig config() {
            WebConfig web = WebConfig.defaults()
                    .withAllowPrivate(allowPrivate)
                    .withMaxBytes(maxBytes)
                    .withTotalTimeout(timeout);
            return contact == null ? web : web.withUserAgent(WebConfig.userAgent(contact));
        }
    }

    SearchConfig config() {
        return config(
                host,
                port,
                bundle,
                openSearch,
                index,
                network,
                http,
                push,
                receiptKey,
                alerts,
                grpcPort,
                encoder,
                device);
    }

    private static SearchConfig config(
            String host,
            int port,
            Path bundle,
            OpenSearchConfig openSearch,
            IndexLayout index,
            Network network,
            HttpConfig http,
            PushConfig push,
            Path receiptKey,
            AlertConfig alerts,
            int grpcPort,
            @Nullable RemoteConfig encoder,
            Placement device) {
        return new SearchConfig(
                host,
                port,
                bundle,
                openSearch,
                index,
                network.config(),
                http,
                push,
                receiptKey,
                alerts,
                grpcPort,
                encoder,
                device);
    }
}
