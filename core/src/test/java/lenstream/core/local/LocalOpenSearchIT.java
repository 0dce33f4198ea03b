package lenstream.core.local;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Starts the real distribution; skipped where it was not assembled, except in CI. */
class LocalOpenSearchIT {
    private static final Path DISTRIBUTION =
            Path.of(System.getProperty("lenstream.root", "..")).resolve("infra/opensearch/target/opensearch");

    private final HttpClient http = HttpClient.newHttpClient();

    @TempDir
    Path folder;

    @BeforeEach
    void distributionIsThere() {
        boolean assembled = Files.isDirectory(DISTRIBUTION.resolve("lib"));
        if ("true".equals(System.getenv("CI"))) {
            assertThat(assembled).as("assembled at %s", DISTRIBUTION).isTrue();
        }
        assumeTrue(assembled, "SKIPPED: no OpenSearch at " + DISTRIBUTION + "; run mvn -pl infra/opensearch package");
    }

    @Test
    void documentsSurviveARestartAndTheProcessEndsWithItsOwner() throws Exception {
        // below JUnit's folder, which is closed to other users: as root this takes the relocated way
        Path run = folder.resolve("run");
        var progress = new ArrayList<String>();
        long pid;
        try (LocalOpenSearch node = LocalOpenSearch.start(config(run), progress::add)) {
            pid = node.pid();
            assertThat(node.isHealthy()).isTrue();
            assertThat(send(node, "PUT", "/things", "{\"settings\":{\"number_of_replicas\":0}}"))
                    .isEqualTo(200);
            assertThat(send(node, "PUT", "/things/_doc/1?refresh=true", "{\"name\":\"lantern\"}"))
                    .isEqualTo(201);
            assertThat(send(node, "PUT", "/misspelt/_doc/1", "{}"))
                    .as("no index springs up by itself")
                    .isEqualTo(404);
            assertThat(catchThrowableOfType(
                                    LocalServiceException.class, () -> LocalOpenSearch.start(config(run), line -> {}))
                            .sentence())
                    .contains("already runs", Long.toString(pid));
        }
        assertThat(progress).last().asString().contains("ready");
        assertThat(ProcessHandle.of(pid)).isEmpty();
        assertThat(LocalOpenSearch.attach(run)).isEmpty();

        try (LocalOpenSearch node = LocalOpenSearch.start(config(run).withDetached(true), progress::add)) {
            assertThat(send(node, "GET", "/things/_doc/1", "")).isEqualTo(200);
            node.close();
            assertThat(node.isRunning()).as("detached: close() leaves it").isTrue();
            LocalOpenSearch attached = LocalOpenSearch.attach(run).orElseThrow();
            assertThat(attached.pid()).isEqualTo(node.pid());
            assertThat(attached.httpPort()).isEqualTo(node.httpPort());
            attached.stop();
            assertThat(node.isRunning()).isFalse();
        }
    }

    @Test
    void aTakenPortIsNamedWithTheRemedy() throws IOException {
        try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            assertThat(failure(config(folder).withHttpPort(taken.getLocalPort())))
                    .contains("Port " + taken.getLocalPort(), "taken", "choose another port");
        }
    }

    @Test
    void whatIsMissingIsNamedWithTheRemedy() throws IOException {
        assertThat(failure(config(folder).withHeap("900g"))).contains("not enough memory", "smaller heap");
        assertThat(failure(LocalOpenSearch.Config.of(folder.resolve("nothing"), folder)))
                .contains("no OpenSearch distribution", "mvn -pl infra/opensearch package");
        Path old = folder.resolve("jdk");
        Files.createDirectories(old.resolve("bin"));
        Files.writeString(old.resolve("release"), "JAVA_VERSION=\"17.0.9\"\n");
        assertThat(Files.createFile(old.resolve("bin/java")).toFile().setExecutable(true))
                .isTrue();
        assertThat(failure(config(folder).withJavaHome(old))).contains("JDK 21 or newer", "is a JDK 17");
    }

    private static LocalOpenSearch.Config config(Path run) {
        return LocalOpenSearch.Config.of(DISTRIBUTION, run).withQuickStart(true);
    }

    private static String failure(LocalOpenSearch.Config config) {
        return catchThrowableOfType(LocalServiceException.class, () -> LocalOpenSearch.start(config, line -> {}))
                .sentence();
    }

    private int send(LocalOpenSearch node, String method, String path, String body) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(node.uri() + path))
                .timeout(Duration.ofSeconds(20))
                .header("Content-Type", "application/json")
                .method(
                        method,
                        List.of("GET").contains(method)
                                ? HttpRequest.BodyPublishers.noBody()
                                : HttpRequest.BodyPublishers.ofString(body))
                .build();
        return http.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
    }
}
