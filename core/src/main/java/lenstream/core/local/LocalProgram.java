package lenstream.core.local;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/**
 * One of our own programs as a process, such as the search API: for the time of a command, or detached so that it outlives
 * the command that started it. Thread-safe.
 */
public final class LocalProgram implements AutoCloseable {
    private static final int LOG_LINES = 5;

    private final LocalProcess process;
    private final Path log;

    private LocalProgram(LocalProcess process, Path log) {
        this.process = process;
        this.log = log;
    }

    /**
     * What to start.
     *
     * @param name for messages and file names, such as {@code api}
     * @param command program and arguments
     * @param runDir holds log and pid file; made if absent
     * @param facts what {@link #attach} is to find again, for instance a port
     * @param startLimit how long it may take until it is ready
     * @param detached whether it outlives this JVM; {@link #attach} finds it again
     */
    public record Config(
            String name,
            List<String> command,
            Path runDir,
            Map<String, String> facts,
            Duration startLimit,
            boolean detached) {}

    /**
     * Starts the program and waits until it is ready.
     *
     * @param ready asked several times a second
     * @throws LocalServiceException with one sentence and the last log lines; no process is left then
     */
    public static LocalProgram start(Config config, BooleanSupplier ready) throws InterruptedException {
        Path log = log(config.runDir(), config.name());
        try {
            Files.createDirectories(config.runDir());
        } catch (IOException e) {
            throw new LocalServiceException("Cannot make the folder " + config.runDir() + ": " + e.getMessage(), e);
        }
        LocalProcess process = LocalProcess.start(new LocalProcess.Spec(
                config.command(),
                System.getenv(),
                config.runDir(),
                log,
                pidFile(config.runDir(), config.name()),
                config.facts(),
                -1,
                config.detached()));
        long deadline = System.nanoTime() + config.startLimit().toNanos();
        while (!ready.getAsBoolean()) {
            boolean late = System.nanoTime() > deadline;
            if (late || !process.isAlive()) {
                process.stop(Duration.ofSeconds(5));
                throw new LocalServiceException("The " + config.name()
                        + (late
                                ? " was not ready after " + config.startLimit().toSeconds() + " s"
                                : " ended at its start")
                        + "; the end of " + log + ":\n" + String.join("\n", LocalProcess.tail(log, LOG_LINES)));
            }
            TimeUnit.MILLISECONDS.sleep(100);
        }
        return new LocalProgram(process, log);
    }

    /** The program that runs for this folder under this name, if it does. */
    public static Optional<LocalProgram> attach(Path runDir, String name) {
        return LocalProcess.attach(pidFile(runDir, name)).map(process -> new LocalProgram(process, log(runDir, name)));
    }

    public long pid() {
        return process.pid();
    }

    public Path log() {
        return log;
    }

    /** What {@link Config#facts} held under this name. */
    public Optional<String> fact(String name) {
        return process.fact(name);
    }

    /** Ends the process: SIGTERM, and SIGKILL after 20 s. Idempotent. */
    public void stop() {
        process.stop(LocalProcess.STOP_LIMIT);
    }

    /** The same as {@link #stop}. */
    @Override
    public void close() {
        stop();
    }

    private static Path pidFile(Path runDir, String name) {
        return runDir.resolve(name + ".pid");
    }

    private static Path log(Path runDir, String name) {
        return runDir.resolve(name + ".log");
    }
}
