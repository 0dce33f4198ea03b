package lenstream.search;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import lenstream.core.model.ModelBundle;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * The clients that people have, from their own packages in a fresh virtual environment, ask the running server. Where
 * Python or the packages cannot be had the test is skipped, but with {@code CI=true} that is a failure.
 *
 * <p>{@code mvn verify -pl search-api -Dtest=NONE -Dit.test=ClientsIT -Dlenstream.schemathesis.seconds=600}
 */
@ExtendWith(GalleryIndex.Extension.class)
class ClientsIT {
    private static final int SECONDS = Integer.getInteger("lenstream.schemathesis.seconds", 0);
    private static final int EXAMPLES = Integer.getInteger("lenstream.schemathesis.examples", 6);
    private static final long SEED = Long.getLong("lenstream.schemathesis.seed", 1);
    private static final long LIMIT_MINUTES = 5 + SECONDS / 60;
    private static final int LIBRARY_MISSING = 77;

    private static Path folder;
    private static Path log;
    private static String python;
    private static GalleryIndex index;
    private static SearchServer server;

    @BeforeAll
    @SuppressWarnings("MustBeClosed") // closed after all tests
    static void start(GalleryIndex shared) throws Exception {
        index = shared;
        folder = Files.createTempDirectory(Files.createDirectories(Path.of("target/it")), "clients")
                .toAbsolutePath();
        log = folder.resolve("log");
        python = bin("python");
        if (run("python3", "-m", "venv", folder.resolve("venv").toString()) != 0
                || run(
                                python,
                                "-m",
                                "pip",
                                "install",
                                "--quiet",
                                "--disable-pip-version-check",
                                "-r",
                                resource("requirements.txt"))
                        != 0) {
            skip("needs python3 with venv and pip, and the clients' packages: " + log);
        }
        server = SearchServer.start(index.config().withGrpcPort(0));
    }

    @AfterAll
    static void stop() {
        if (server != null) {
            server.close();
        }
    }

    @Test
    void openaiAndTritonClientsAreServed() throws Exception {
        String picture = index.pictures.get(7).file().toAbsolutePath().toString();
        assertRuns(python, resource("ask.py"), server.uri().toString(), picture, "224", grpc());
        assertThat(text(log)).contains("openai: ok", "tritonclient: ok", "tritonclient grpc: ok");
    }

    @Test
    void aClientGeneratedFromTheDescriptionSearches() throws Exception {
        Path generated = folder.resolve("generated");
        assertRuns(
                bin("openapi-python-client"),
                "generate",
                "--meta",
                "none",
                "--url",
                server.uri() + "openapi.json",
                "--output-path",
                generated.toString());
        assertRuns(python, resource("ask_generated.py"), server.uri().toString(), generated.toString());
        assertThat(text(log)).contains("generated client: ok");
    }

    /**
     * Requests made from {@code /openapi.json}, good and bad ones: no answer of 500 or more, none that is not described. By default the
     * same few of each operation every time, one after the other; {@code -Dlenstream.schemathesis.seconds=600
     * -Dlenstream.schemathesis.seed=N} makes many others for so long. Take-downs are left out: the index is other
     * tests' too.
     */
    @Test
    void schemathesisFindsNothing() throws Exception {
        var command = new ArrayList<String>(List.of(
                bin("schemathesis"),
                "run",
                server.uri() + "openapi.json",
                "--checks",
                "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
                "--phases",
                "examples,coverage,fuzzing",
                "--seed",
                Long.toString(SEED),
                "--no-shrink",
                "--exclude-path-regex",
                "takedowns",
                "--request-timeout",
                "20"));
        command.addAll(
                SECONDS == 0
                        ? List.of("--generation-deterministic", "--max-examples", Integer.toString(EXAMPLES))
                        : List.of(
                                "--max-time",
                                Integer.toString(SECONDS),
                                "--workers",
                                "2",
                                "--generation-database",
                                "none"));
        assertRuns(command.toArray(String[]::new));
        assertThat(server.ready()).isTrue();
    }

    @Test
    void perfAnalyzerMeasuresTheTextTower() throws Exception {
        Path work = Files.createDirectories(folder.resolve("perf"));
        String model = ModelBundle.load(GalleryIndex.BUNDLE).encoder().name() + "-text";
        int code = run(
                python,
                resource("perf_analyzer.py"),
                work.toString(),
                server.uri().toString(),
                grpc(),
                model);
        if (code == LIBRARY_MISSING) {
            skip("perf_analyzer needs the library libb64 (Debian: libb64-0d): " + log);
        }
        assertThat(code).as(() -> text(log)).isZero();
        assertThat(text(log)).contains("perf_analyzer http: ok", "perf_analyzer grpc: ok");
    }

    private static String grpc() {
        return "127.0.0.1:" + server.grpcPort();
    }

    private static String bin(String program) {
        return folder.resolve("venv/bin/" + program).toString();
    }

    private static void skip(String why) {
        assertThat(System.getenv("CI")).as("SKIPPED: " + why).isNotEqualTo("true");
        abort("SKIPPED: " + why);
    }

    private static void assertRuns(String... command) throws InterruptedException {
        assertThat(run(command)).as(() -> text(log)).isZero();
    }

    /** Exit code of a program; -1 if there is none of that name. */
    private static int run(String... command) throws InterruptedException {
        try {
            Process process = new ProcessBuilder(List.of(command))
                    .directory(folder.toFile())
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
