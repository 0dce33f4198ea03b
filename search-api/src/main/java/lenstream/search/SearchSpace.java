package lenstream.search;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.util.List;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexException;
import lenstream.core.index.IndexLayout;
import lenstream.core.model.Fingerprint;
import lenstream.core.model.Relevance;
import lenstream.core.web.WebClient;
import lenstream.search.http.Metrics;
import lenstream.search.http.ProblemException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All that answers queries in one embedding space. A request holds one from its beginning to its end, so that the
 * query's vector, the index and the fingerprint of the answer are of one space, whatever is switched meanwhile; the
 * encoder is closed when the last request has let go. Thread-safe.
 */
final class SearchSpace {
    private static final Logger LOG = LoggerFactory.getLogger(SearchSpace.class);
    private static final int CACHED_TEXTS = 10_000;
    private static final List<String> WARM_UP = List.of(
            "a photograph", "a person", "an animal", "a building", "food", "a plant", "a vehicle", "a painting");

    private final QueryEncoder encoder;
    private final QueryEmbedding embedding;
    private final EmbeddingsRoute embeddings;
    private final InferenceModels models;
    private final InferenceRoute inference;
    private final ImageSearch search;
    private final Relevance relevance;
    private int holders = 1; // whoever made it; under this
    private boolean closed; // under this

    SearchSpace(QueryEncoder encoder, IndexClient index, IndexLayout layout, WebClient web, Metrics metrics) {
        this.encoder = encoder;
        this.embedding = new QueryEmbedding(encoder, new TextCache(CACHED_TEXTS, metrics), web, metrics);
        this.embeddings = new EmbeddingsRoute(encoder, embedding);
        this.models = new InferenceModels(encoder, embedding);
        this.inference = new InferenceRoute(models);
        this.search = new ImageSearch(index, layout, encoder.fingerprint(), encoder.dim());
        this.relevance = encoder.relevance();
        LOG.info("event=relevance fingerprint={} source={}", encoder.fingerprint(), relevance.source());
    }

    QueryEncoder encoder() {
        return encoder;
    }

    Fingerprint fingerprint() {
        return encoder.fingerprint();
    }

    QueryEmbedding embedding() {
        return embedding;
    }

    EmbeddingsRoute embeddings() {
        return embeddings;
    }

    InferenceModels models() {
        return models;
    }

    InferenceRoute inference() {
        return inference;
    }

    ImageSearch search() {
        return search;
    }

    Relevance relevance() {
        return relevance;
    }

    /** Asks as people do, before they do: first queries find cold caches, and a graph that lies on disk. */
    void warm() {
        try {
            for (String text : WARM_UP) {
                SearchRequest request = RequestReader.ofJson(JsonNodeFactory.instance
                        .objectNode()
                        .put("text", text)
                        .toString()
                        .getBytes(UTF_8));
                search.near(SearchRoutes.direction(this, request.query(), request.region()), request, null, 0);
            }
        } catch (ProblemException | IndexException e) {
            LOG.info("event=space_not_warmed fingerprint={} reason={}", fingerprint(), e.getMessage());
        }
    }

    /** One more holder; false if the last one has let go already. */
    synchronized boolean hold() {
        if (closed) {
            return false;
        }
        holders++;
        return true;
    }

    /** Lets go. The last one closes the encoder. */
    void release() {
        synchronized (this) {
            holders--;
            if (holders > 0) {
                return;
            }
            closed = true;
        }
        encoder.close();
    }
}
