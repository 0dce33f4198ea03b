package lenstream.core.index;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import org.junit.jupiter.api.Test;

/**
 * The plain node's answers are those of OpenSearch 3.6.0 with k-NN 3.6.0.0 from Maven artifacts, shortened; the bundle's
 * have the plugins of OpenSearch's own distribution in the same form.
 */
class EngineProbeTest {
    private static final JsonNode PLAIN = json("""
        {"_nodes":{"total":1,"successful":1,"failed":0},"cluster_name":"lenstream","nodes":{"np8hoyj0SE6COrYWBcwJyg":{
         "name":"local","version":"3.6.0","build_type":"tar","roles":["cluster_manager","data","ingest","remote_cluster_client"],
         "plugins":[{"name":"opensearch-knn","version":"3.6.0.0","classname":"org.opensearch.knn.plugin.KNNPlugin",
          "extended_plugins":["lang-painless","transport-grpc"],"has_native_controller":false}],
         "modules":[{"name":"analysis-common","version":"3.6.0"}]}}}\
        """);
    static final JsonNode BUNDLE = json("""
        {"nodes":{
         "m":{"name":"manager","roles":["cluster_manager"],"plugins":[]},
         "a":{"name":"a","roles":["data","ingest"],"plugins":[{"name":"opensearch-knn"},{"name":"opensearch-ml"},
          {"name":"opensearch-neural-search"},{"name":"opensearch-security"},{"name":"opensearch-sql"}]},
         "b":{"name":"b","roles":["data_hot"],"plugins":[{"name":"opensearch-knn"},{"name":"opensearch-ml"},
          {"name":"opensearch-security"}]}}}\
        """);
    private static final JsonNode NOTHING_LOADED = json("""
        {"cluster_name":"lenstream","circuit_breaker_triggered":false,"nodes":{"np8hoyj0SE6COrYWBcwJyg":{
         "lucene_initialized":true,"faiss_initialized":false,"nmslib_initialized":false}}}\
        """);
    private static final JsonNode LOADED = json("""
        {"nodes":{"a":{"faiss_initialized":false},"b":{"faiss_initialized":true}}}\
        """);
    static final JsonNode NO_REMOTE_BUILD = json("""
        {"persistent":{},"transient":{},"defaults":{"knn.remote_index_build.enabled":"false",
         "knn.remote_index_build.repository":"","knn.remote_index_build.service.endpoint":"",
         "knn.remote_index_build.size.max":"0b"}}\
        """);
    static final JsonNode REMOTE_BUILD = json("""
        {"persistent":{"knn.remote_index_build.enabled":"true","knn.remote_index_build.repository":"vectors",
         "knn.remote_index_build.service.endpoint":"https://builder.example:1025"},"transient":{},
         "defaults":{"knn.remote_index_build.enabled":"false"}}\
        """);

    @Test
    void aPlainDistributionIsNotTrustedWithFaiss() {
        EngineProbe probe = EngineProbe.of(PLAIN, NOTHING_LOADED, REMOTE_BUILD);
        assertThat(probe.knn()).isTrue();
        assertThat(probe.faiss()).isFalse();
        assertThat(probe.remoteBuild()).isFalse();
        assertThat(probe.engine(IndexLayout.defaults().withEngine("auto"))).isEqualTo("lucene");
        assertThatThrownBy(() -> probe.engine(IndexLayout.defaults().withEngine("faiss")))
                .isInstanceOf(IndexException.class)
                .hasMessageContaining("no node has loaded the native library")
                .hasMessageContaining("take engine lucene");
    }

    @Test
    void openSearchsOwnBundleBringsFaiss() {
        EngineProbe probe = EngineProbe.of(BUNDLE, MissingNode.getInstance(), NO_REMOTE_BUILD);
        assertThat(probe.faiss()).isTrue();
        assertThat(probe.remoteBuild()).isFalse();
        assertThat(probe.engine(IndexLayout.defaults().withEngine("faiss"))).isEqualTo("faiss");
        assertThat(probe.engine(IndexLayout.defaults().withEngine("auto")))
                .as("without graphs built on GPUs, Lucene's filters are the better ones")
                .isEqualTo("lucene");
    }

    @Test
    void aLoadedLibraryIsProof() {
        assertThat(EngineProbe.of(PLAIN, LOADED, NO_REMOTE_BUILD).faiss()).isTrue();
    }

    @Test
    void graphsAreBuiltOnGpusWhereTheClusterOffersIt() {
        EngineProbe probe = EngineProbe.of(BUNDLE, NOTHING_LOADED, REMOTE_BUILD);
        assertThat(probe.remoteBuild()).isTrue();
        IndexLayout auto = IndexLayout.defaults().withEngine("auto");
        assertThat(probe.engine(auto)).isEqualTo("faiss");
        assertThat(probe.engine(auto.withQuantisation(Quantisation.X4)))
                .as("a level that faiss lacks decides against it")
                .isEqualTo("lucene");
    }

    @Test
    void aClusterThatHidesItsPluginsIsNotTrusted() {
        EngineProbe probe =
                EngineProbe.of(MissingNode.getInstance(), MissingNode.getInstance(), MissingNode.getInstance());
        assertThat(probe.knn()).isFalse();
        assertThat(probe.faiss()).isFalse();
        assertThat(probe.engine(IndexLayout.defaults())).isEqualTo("lucene");
    }

    private static JsonNode json(String text) {
        try {
            return new ObjectMapper().readTree(text);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException(e);
        }
    }
}
