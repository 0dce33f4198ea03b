package lenstream.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import lenstream.core.config.ConfigException;
import lenstream.core.config.ConfigReader;
import lenstream.core.config.DataSize;
import lenstream.core.config.Secret;
import lenstream.gpu.pipeline.Placement;
import lenstream.search.http.Scope;
import org.junit.jupiter.api.Test;

class SearchSettingsTest {
    @Test
    void defaults() {
        SearchConfig config = parse("bundle: /models/one\nopen_search: {urls: [\"http://127.0.0.1:9200\"]}");
        assertThat(config)
                .isEqualTo(SearchConfig.defaults(Path.of("/models/one"), "http://127.0.0.1:9200")
                        .withOpenSearch(config.openSearch())
                        .withGrpcPort(8001));
        assertThat(config.openSearch().requestTimeout()).isEqualTo(Duration.ofSeconds(60));
    }

    @Test
    void everyKeyIsMapped() {
        SearchConfig config = parse("""
            host: 0.0.0.0
            port: 8181
            grpc_port: 9001
            device: gpu
            bundle: ${LENSTREAM_TEST_UNSET:/models/two}
            open_search:
              urls: ["https://a.example:9200", "https://b.example:9200"]
              user: reader
              password: secret
              connect_timeout: 1s
              request_timeout: 2s
              gzip: true
            index: {prefix: mine, shards: 2}
            network: {allow_private: ["10.0.0.0/8"], contact: "https://example.org/bot", max_bytes: 1MiB, timeout: 3s}
            encoder: {urls: ["grpc://a.example:8001", "grpc://b.example:8001"], text_model: words, timeout: 1s, token: t}
            http:
              max_body: 2MiB
              request_timeout: 4s
              max_concurrent: 7
              tokens: [{name: ops, token: correct-horse-battery, scopes: [read, write]}]
            """);
        assertThat(config.host()).isEqualTo("0.0.0.0");
        assertThat(config.port()).isEqualTo(8181);
        assertThat(config.grpcPort()).isEqualTo(9001);
        assertThat(config.device()).isEqualTo(Placement.GPU);
        assertThat(config.bundle()).isEqualTo(Path.of("/models/two"));
        assertThat(config.openSearch().urls()).hasSize(2);
        assertThat(config.openSearch().toString()).contains("reader").doesNotContain("secret");
        assertThat(config.layout().readAlias()).isEqualTo("mine-images-read");
        assertThat(config.layout().shards()).isEqualTo(2);
        assertThat(config.web().allowPrivate()).isEqualTo(List.of("10.0.0.0/8"));
        assertThat(config.web().userAgent()).contains("https://example.org/bot");
        assertThat(config.web().maxBytes()).isEqualTo(DataSize.ofMebibytes(1));
        assertThat(config.web().totalTimeout()).isEqualTo(Duration.ofSeconds(3));
        assertThat(config.http().maxBody()).isEqualTo(DataSize.ofMebibytes(2));
        assertThat(config.encoder()).satisfies(remote -> {
            assertThat(remote.urls()).hasSize(2);
            assertThat(remote.imageModel()).isNull();
            assertThat(remote.textModel()).isEqualTo("words");
            assertThat(remote.timeout()).isEqualTo(Duration.ofSeconds(1));
            assertThat(remote.token()).isEqualTo(new Secret("t"));
        });
        assertThat(config.http().requestTimeout()).isEqualTo(Duration.ofSeconds(4));
        assertThat(config.http().maxConcurrent()).isEqualTo(7);
        assertThat(config.http().tokens()).singleElement().satisfies(token -> {
            assertThat(token.scopes()).containsExactly(Scope.READ, Scope.WRITE);
            assertThat(token.toString()).contains("ops").doesNotContain("correct-horse");
        });
    }

    @Test
    void everyProblemIsNamedAtOnce() {
        assertThatThrownBy(() -> parse(
                        "bundle: /m\nhots: a\nport: many\nencoder: {urls: [\"ftp://a\"]}\nopen_search: {urls: []}"))
                .isInstanceOf(ConfigException.class)
                .hasMessageContaining("hots")
                .hasMessageContaining("host")
                .hasMessageContaining("port")
                .hasMessageContaining("grpc://")
                .hasMessageContaining("open_search");
    }

    private static SearchConfig parse(String yaml) {
        return ConfigReader.parse("search.yaml", yaml, SearchSettings.class).config();
    }
}
