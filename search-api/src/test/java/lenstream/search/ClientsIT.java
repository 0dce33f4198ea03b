package lenstream.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * The clients that people have, from their own packages in a fresh virtual environment, ask the running server. Where
 * Python or the packages cannot be had the test is skipped, but with {@code CI=true} that is a failure.
 */
@ExtendWith(GalleryIndex.Extension.class)
class ClientsIT {
    private static final long LIMIT_MINUTES = 5;

    @Test
    void openaiAndTritonClientsAreServed(GalleryIndex index) throws Exception {
        Path folder = Files.createTempDirectory(Files.createDirectories(Path.of("target/it")), "clients");
        Path log = folder.resolve("log");
        Path python = folder.resolve("venv/bin/python");
        if (run(log, "python3", "-m", "venv", folder.resolve("venv").toString()) != 0
                || run(
                                log,
                                python.toString(),
                                "-m",
                                "pip",
                                "install",
                                "--quiet",
                                "--disable-pip-version-check",
                                "-r",
                                resource("requirements.txt"))
                        != 0) {
            String missing = "SKIPPED: needs python3 with venv and pip, and the clients' packages: " + log;
            assertThat(System.getenv("CI")).as(missing).isNotEqualTo("true");
            abort(missing);
        }
        try (SearchServer server = SearchServer.start(index.config().withGrpcPort(0))) {
            String picture = index.pictures.get(7).file().toAbsolutePath().toString();
            int code = run(
                    log,
                    python.toString(),
                    resource("ask.py"),
                    server.uri().toString(),
                    picture,
                    "224",
                    "127.0.0.1:" + server.grpcPort());
            assertThat(code).as(() -> text(log)).isZero();
        }
        assertThat(text(log)).contains("openai: ok", "tritonclient: ok", "tritonclient grpc: ok");
    }

    /** Exit code of a program; -1 if there is none of that name. */
    private static int run(Path log, String... command) throws InterruptedException {
        try {
            Process process = new ProcessBuilder(List.of(command))
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
                    .start();
            if (!process.waitFor(LIMIT_MINUTES, TimeUnit.MINUTES)) {
                process.destroyForcibly();
                return -1;
            }
            return process.exitValue();
        } catch (IOException e) {
            return -1;
        }
    }

    private static String text(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            return e.toString();
        }
    }

    private static String resource(String name) throws URISyntaxException {
        return Path.of(Objects.requireNonNull(ClientsIT.class.getResource("/clients/" + name))
                        .toURI())
                .toString();
    }
}
