package lenstream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What a person reads after a slip: one sentence that says what to do, and an exit code that is not 0. */
class LenstreamTest {
    @TempDir
    Path folder;

    private record Said(int code, String out, String err) {}

    @BeforeEach
    void installedHere() {
        System.setProperty("lenstream.home", LauncherProcess.ROOT.toString());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "demo",
                "up",
                "down",
                "status",
                "index",
                "crawl",
                "search",
                "doctor",
                "serve",
                "calibrate",
                "eval"
            })
    void everyCommandHasHelp(String command) {
        Said said = run(command, "--help");
        assertThat(said.code).isZero();
        assertThat(said.out).contains("Usage: lenstream " + command).contains("--data");
    }

    @ParameterizedTest
    @ValueSource(strings = {"add", "list", "show", "matches", "remove"})
    void everyCommandOfAlertsHasHelp(String command) {
        assertThat(run("alert", "--help").out).contains(command, "./lenstream alert");
        Said said = run("alert", command, "--help");
        assertThat(said.code).isZero();
        assertThat(said.out).contains("Usage: lenstream alert " + command).contains("--api", "--token", "--data");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    crawl nowhere.yaml          | is neither a file nor a URL
                    crawl ftp://example.org/    | ftp://example.org/
                    index no-such-folder        | is no folder; name a folder that holds images
                    search hello --api http://127.0.0.1:1 | no search API answers on http://127.0.0.1:1; start it with ./lenstream up
                    alert list --api http://127.0.0.1:1 | no search API answers on http://127.0.0.1:1; start it with
                    alert show 7 --api http://127.0.0.1:1 | 7 is no id of an alert, which has 32 digits
                    status --model nowhere      | is no model bundle: it holds no encoder.json
                    eval nowhere                | is no folder; name one that holds labelled images
                    calibrate nowhere nowhere   | is no folder; name one that holds labelled images
                    calibrate nowhere           | name a folder of labelled images
                    calibrate nowhere a --index | or --index for the images of an index: one of the two
                    search hello --api nowhere  | --api: server must be an http or https URL
                    status --opensearch nowhere | --opensearch: "nowhere" is no address of OpenSearch
                    store --prune --opensearch http://127.0.0.1:1 --prefix Bad* | --prefix: prefix must be of a-z
                    crawl https://example.org/ --cluster 127.0.0.1:1 | no Flink cluster answers on 127.0.0.1:1
                    index . --interval soon     | --interval:
                    index . --again --follow    | index once with it, then --follow without
                    index . --again --cluster 127.0.0.1:1 | on a cluster a run without --savepoint reads every file
                    serve --opensearch http://127.0.0.1:1 --allow-private home | --allow-private: "home" is no network
                    """)
    void aSlipGetsOneSentence(String line, String sentence) {
        String[] arguments = (line + " --data " + folder.resolve("data")).split(" +");
        Said said = run(arguments);
        assertThat(said.code).isEqualTo(1);
        assertThat(said.err).contains(sentence).doesNotContain("\tat ");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    serch cats    | 'serch'
                    search        | Name either a TEXT or an --image
                    alert         | Name one of add, list, show, matches and remove
                    alert add     | Name a TEXT or an --image to look for, or both
                    demo --porrt 1 | --porrt
                    demo --port x | --port
                    serve --port 99999 | "99999" is no port, which is a number from 0 to 65535
                    crawl https://example.org/ --parallelism 0 | "0" is not a whole number of 1 or more
                    replay --limit -1 | "-1" is not a whole number of 1 or more
                    down --model x | --model
                    search hello --opensearch http://127.0.0.1:1 | --opensearch
                    takedown      | See ./lenstream takedown --help
                    alert         | matches  The images that met an alert
                    """)
    void aWrongCommandLineSaysWhichWordIsWrong(String line, String words) {
        Said said = run(line.split(" +"));
        assertThat(said.code).isEqualTo(2);
        assertThat(said.err).contains(words);
    }

    @Test
    void aTakenPortIsNamedBeforeAnythingIsStarted() throws IOException {
        try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Said said = run(
                    "demo",
                    "--port",
                    taken.getLocalPort() + "",
                    "--data",
                    folder.resolve("data").toString());
            assertThat(said.code).isEqualTo(1);
            assertThat(said.err).contains("port " + taken.getLocalPort() + " is taken; choose another with --port");
            assertThat(folder.resolve("data/opensearch")).doesNotExist();
        }
    }

    @Test
    void everyProblemOfASeedsFileIsReportedAtOnce() throws IOException {
        Path seeds = Files.writeString(folder.resolve("seeds.yaml"), """
                sites: [{url: "https://example.org/", intervall: 15m}]
                network: {min_delay: soon}
                limits: {max_bytes: 30 apples}
                """);
        Said said =
                run("crawl", seeds.toString(), "--data", folder.resolve("data").toString());
        assertThat(said.code).isEqualTo(1);
        assertThat(said.err)
                .contains("intervall: is not known; did you mean interval?")
                .contains("\"soon\" is no duration")
                .contains("unknown unit");
    }

    private static Said run(String... arguments) {
        PrintStream out = System.out;
        PrintStream err = System.err;
        var said = new ByteArrayOutputStream();
        var complained = new ByteArrayOutputStream();
        try {
            System.setOut(new PrintStream(said, true, StandardCharsets.UTF_8));
            System.setErr(new PrintStream(complained, true, StandardCharsets.UTF_8));
            int code = Lenstream.run(arguments);
            return new Said(code, said.toString(StandardCharsets.UTF_8), complained.toString(StandardCharsets.UTF_8));
        } finally {
            System.setOut(out);
            System.setErr(err);
        }
    }
}
