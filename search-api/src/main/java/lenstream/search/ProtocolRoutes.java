package lenstream.search;

import java.util.List;
import java.util.function.BiConsumer;
import lenstream.search.http.Exchange;
import lenstream.search.http.RouteTable;
import lenstream.search.http.Routes;

/** The encoder for clients of other servers: OpenAI's embeddings and the Open Inference Protocol. Thread-safe. */
final class ProtocolRoutes implements Routes {
    private final ActiveSpace spaces;

    ProtocolRoutes(ActiveSpace spaces) {
        this.spaces = spaces;
    }

    @Override
    public void register(RouteTable table) {
        table.post(
                        "/v1/embeddings",
                        "embeddings",
                        spaces.within((e, space) -> space.embeddings().embed(e)))
                .errors(EmbeddingsRoute::sendError);
        table.get(
                        "/v1/models",
                        "models",
                        spaces.within((e, space) -> space.embeddings().models(e)))
                .errors(EmbeddingsRoute::sendError)
                .light();
        table.get(
                        "/v1/models/{model}",
                        "models",
                        spaces.within((e, space) -> space.embeddings().model(e)))
                .errors(EmbeddingsRoute::sendError)
                .light();
        get(table, "/v2", "inference", (e, space) -> space.inference().server(e));
        get(table, "/v2/health/live", "health", (e, space) -> space.inference().live(e))
                .open();
        get(table, "/v2/health/ready", "health", (e, space) -> space.inference().ready(e))
                .open();
        for (String model : List.of("/v2/models/{m}", "/v2/models/{m}/versions/{v}")) {
            get(table, model, "inference", (e, space) -> space.inference().model(e));
            get(
                    table,
                    model + "/ready",
                    "inference",
                    (e, space) -> space.inference().modelReady(e));
            get(
                    table,
                    model + "/config",
                    "inference",
                    (e, space) -> space.inference().config(e));
            get(
                    table,
                    model + "/stats",
                    "inference",
                    (e, space) -> space.inference().stats(e));
            table.post(
                            model + "/infer",
                            "inference",
                            spaces.within((e, space) -> space.inference().infer(e)))
                    .errors(InferenceRoute::sendError);
        }
    }

    private RouteTable.Route get(RouteTable table, String path, String type, BiConsumer<Exchange, SearchSpace> work) {
        return table.get(path, type, spaces.within(work))
                .errors(InferenceRoute::sendError)
                .light();
    }
}
