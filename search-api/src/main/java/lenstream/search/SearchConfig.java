package lenstream.search;

import io.soabase.recordbuilder.core.RecordBuilder;
import java.nio.file.Path;
import java.time.Duration;
import lenstream.core.config.Check;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.OpenSearchConfig;
import lenstream.core.web.WebConfig;
import lenstream.gpu.pipeline.Placement;
import lenstream.search.alert.AlertConfig;
import lenstream.search.http.HttpConfig;
import lenstream.search.push.PushConfig;
import lenstream.search.remote.RemoteConfig;
import org.jspecify.annotations.Nullable;

/**
 * How the search server runs. Immutable.
 *
 * @param host address to listen on
 * @param port to listen on; 0 takes a free one
 * @param bundle folder of the encoder
 * @param openSearch where the index is
 * @param layout names of the index
 * @param web how a query's {@code image_url} may be fetched
 * @param http how requests are treated
 * @param push who may tell of new pages
 * @param receiptKey file of the key that signs receipts of take-downs and seals the secrets of webhooks and subscriptions; made when it is first
 *     needed, and the same for every process that shares an index
 * @param alerts how webhooks of alerts are told
 * @param grpcPort of the Open Inference Protocol over gRPC; 0 takes a free one, {@value #NO_GRPC} leaves it out
 * @param encoder where queries are embedded; null for this process
 * @param device where this process embeds pictures
 */
@RecordBuilder
public record SearchConfig(
        String host,
        int port,
        Path bundle,
        OpenSearchConfig openSearch,
        IndexLayout layout,
        WebConfig web,
        HttpConfig http,
        PushConfig push,
        Path receiptKey,
        AlertConfig alerts,
        int grpcPort,
        @Nullable RemoteConfig encoder,
        Placement device)
        implements SearchConfigBuilder.With {
    /** No gRPC server. */
    public static final int NO_GRPC = -1;

    public SearchConfig {
        Check.notBlank("host", host);
        Check.range("port", port, 0, 65_535);
        Check.range("grpc_port", grpcPort, NO_GRPC, 65_535);
    }

    /** Loopback, port 8080, no gRPC, bodies up to 32 MiB; an answer of OpenSearch is waited for 10 s. */
    public static SearchConfig defaults(Path bundle, String openSearchUrl) {
        return new SearchConfig(
                "127.0.0.1",
                8080,
                bundle,
                OpenSearchConfig.at(openSearchUrl).withRequestTimeout(Duration.ofSeconds(10)),
                IndexLayout.defaults(),
                WebConfig.defaults(),
                HttpConfig.defaults(),
                PushConfig.defaults(),
                Path.of("receipt-key"),
                AlertConfig.defaults(),
                NO_GRPC,
                null,
                Placement.AUTO);
    }
}
