package lenstream.search;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import lenstream.core.config.ConfigException;
import lenstream.core.config.ConfigReader;
import lenstream.core.model.ModelBundle;

/**
 * The search API as a program of its own: {@code SearchProgram --config search.yaml}. Runs until SIGTERM, then lets the
 * requests at work end. With {@code --check} it only says whether it accepts its file and the bundle named there.
 *
 * <p>Exit code 0 after {@code --check} or {@code --help}, 143 after SIGTERM, 1 if it cannot start, 2 for a wrong command line.
 */
public final class SearchProgram {
    private static final String USAGE = "usage: SearchProgram --config FILE [--check]";

    private SearchProgram() {}

    public static void main(String[] args) {
        List<String> words = Arrays.asList(args);
        int config = words.indexOf("--config");
        boolean check = words.contains("--check");
        if (words.contains("--help")) {
            System.out.println(USAGE);
            return;
        }
        if (config < 0 || args.length != (check ? 3 : 2) || config + 1 >= args.length) {
            System.err.println(USAGE);
            System.exit(2);
        }
        try {
            Path file = Path.of(words.get(config + 1));
            SearchConfig accepted =
                    ConfigReader.read(file, SearchSettings.class).config();
            if (check) {
                ModelBundle bundle = ModelBundle.load(accepted.bundle());
                System.out.println(file + " is accepted, with encoder " + bundle.fingerprint());
                return;
            }
            serve(accepted);
        } catch (ConfigException | StartException e) {
            System.err.println(e.getMessage());
            System.exit(1);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void serve(SearchConfig config) throws InterruptedException {
        var asked = new CountDownLatch(1);
        var closed = new CountDownLatch(1);
        try (SearchServer server = SearchServer.start(config)) {
            Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(asked, closed), "stop"));
            System.err.println("search API on " + server.uri());
            asked.await();
        }
        closed.countDown();
    }

    /** The JVM ends when its hooks have: this one waits until the server has closed. */
    private static void stop(CountDownLatch asked, CountDownLatch closed) {
        asked.countDown();
        try {
            closed.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
