package lenstream.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * {@code ./lenstream …} as a process, as a person runs it; output goes to files. Only the start is made shorter: the tests
 * start some forty of them, so the first that ends writes down its loaded classes for the others, and the compiler for
 * long runs stays out.
 */
final class LauncherProcess implements AutoCloseable {
    static final Path ROOT = Path.of(System.getProperty("lenstream.root"));

    private static final String QUICK_START = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:+AutoCreateSharedArchive"
            + " -Xlog:disable -XX:SharedArchiveFile=";
    private static final Path ARCHIVE = Path.of("target/it/lenstream.jsa").toAbsolutePath();

    /** Times that are to be reported are the product's own. */
    private static final boolean MEASURED = Long.getLong("lenstream.baseline", 0L) > 0;

    private final Process process;
    private final Path out;
    private final Path err;

    private LauncherProcess(Process process, Path out, Path err) {
        this.process = process;
        this.out = out;
        this.err = err;
    }

    static LauncherProcess start(Path folder, String... arguments) {
        return start(folder, Map.of(), arguments);
    }

    /** @param environment variables beside the test's own */
    static LauncherProcess start(Path folder, Map<String, String> environment, String... arguments) {
        try {
            Files.createDirectories(folder);
            Path out = Files.createTempFile(folder, arguments[0], ".out");
            Path err = Files.createTempFile(folder, arguments[0], ".err");
            var command = new ArrayList<>(List.of(ROOT.resolve("lenstream").toString()));
            command.addAll(List.of(arguments));
            command.add("--no-build");
            var builder = new ProcessBuilder(command).directory(folder.toFile());
            builder.environment().putAll(environment);
            builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
            if (!MEASURED) {
                Path archive = folder.toAbsolutePath().relativize(ARCHIVE); // no blanks in it
                builder.environment().put("LENSTREAM_JAVA_OPTIONS", QUICK_START + archive);
            }
            builder.redirectOutput(out.toFile()).redirectError(err.toFile());
            return new LauncherProcess(builder.start(), out, err);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Waits for the end; returns the exit code. */
    int await(Duration limit) throws InterruptedException {
        if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
            process.destroyForcibly();
            throw new AssertionError("not ended after " + limit.toSeconds() + " s; it said:\n" + out() + err());
        }
        return process.exitValue();
    }

    /** Waits until standard error holds {@code text}. */
    void awaitError(String text, Duration limit) throws InterruptedException {
        long deadline = System.nanoTime() + limit.toNanos();
        while (!err().contains(text)) {
            if (System.nanoTime() > deadline || !process.isAlive()) {
                throw new AssertionError("never said \"" + text + "\" but:\n" + out() + err());
            }
            TimeUnit.MILLISECONDS.sleep(100);
        }
    }

    /** Waits until the process has made a file. */
    void awaitFile(Path file, Duration limit) throws InterruptedException {
        long deadline = System.nanoTime() + limit.toNanos();
        while (!Files.exists(file)) {
            if (System.nanoTime() > deadline || !process.isAlive()) {
                throw new AssertionError("never made " + file + " but said:\n" + out() + err());
            }
            TimeUnit.MILLISECONDS.sleep(20);
        }
    }

    String out() {
        return read(out);
    }

    String err() {
        return read(err);
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /** As Ctrl-C does. */
    void interrupt() throws InterruptedException {
        signal("INT");
    }

    /** As a crash does: nothing is cleaned up. */
    void kill() throws InterruptedException {
        signal("KILL");
    }

    private void signal(String name) throws InterruptedException {
        try {
            new ProcessBuilder("kill", "-" + name, Long.toString(process.pid()))
                    .start()
                    .waitFor(10, TimeUnit.SECONDS);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public void close() {
        process.descendants().forEach(ProcessHandle::destroy);
        process.destroy();
        try {
            if (!process.waitFor(30, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file, StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
