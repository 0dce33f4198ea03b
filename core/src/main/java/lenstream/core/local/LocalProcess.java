package lenstream.core.local;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * One process on this machine with a pid file that says which process is meant: a pid alone may belong to somebody else
 * after a reboot, so the file also holds the process's start time. Thread-safe.
 *
 * <p>Attached (the default), the process ends with this JVM: by a shutdown hook, and where {@code setpriv} exists also
 * when the JVM is killed outright, by the kernel's parent-death signal. That signal is tied to the <em>thread</em> that
 * forked, so a thread of its own starts the process and waits for its end. Detached, the process gets its own session
 * ({@code setsid}) and stays.
 */
final class LocalProcess {
    /** How long a process may take to end by itself before it is killed. */
    static final Duration STOP_LIMIT = Duration.ofSeconds(20);

    /** How long the work of this JVM may take to finish before its processes are stopped nevertheless. */
    private static final Duration FINISH_LIMIT = Duration.ofSeconds(60);

    /** Start times are read from the kernel in ticks and boot seconds: two readings may differ by a rounding. */
    private static final Duration START_TOLERANCE = Duration.ofSeconds(3);

    private final ProcessHandle handle;
    private final Path pidFile;
    private final Properties facts;
    private final AtomicBoolean stopped = new AtomicBoolean();
    private final @Nullable Thread hook;

    /**
     * What to start.
     *
     * @param command program and arguments
     * @param environment the whole environment; nothing is inherited
     * @param directory working directory
     * @param log file that takes standard output and error, emptied first
     * @param pidFile where the pid, the start time and {@code facts} are written
     * @param facts what {@link #attach} is to find again, for instance ports
     * @param uid user and group to run as, or -1 for the present one; only root may change it
     * @param detached whether the process outlives this JVM
     */
    record Spec(
            List<String> command,
            Map<String, String> environment,
            Path directory,
            Path log,
            Path pidFile,
            Map<String, String> facts,
            int uid,
            boolean detached) {}

    private LocalProcess(ProcessHandle handle, Path pidFile, Properties facts, boolean endsWithParent) {
        this.handle = handle;
        this.pidFile = pidFile;
        this.facts = facts;
        if (endsWithParent) {
            hook = new Thread(
                    () -> {
                        ShutdownOrder.await(FINISH_LIMIT);
                        end(STOP_LIMIT);
                    },
                    "stop-" + handle.pid());
            Runtime.getRuntime().addShutdownHook(hook);
        } else {
            hook = null;
        }
    }

    static LocalProcess start(Spec spec) {
        var builder = new ProcessBuilder(wrapped(spec));
        builder.directory(spec.directory().toFile());
        builder.environment().clear();
        builder.environment().putAll(spec.environment());
        builder.redirectErrorStream(true);
        builder.redirectOutput(spec.log().toFile());
        builder.redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
        Process process;
        try {
            process = forkOnOwnThread(builder);
        } catch (IOException failure) {
            throw new LocalServiceException(
                    "Cannot start " + spec.command().getFirst() + ": " + failure.getMessage() + ".", failure);
        }
        var facts = new Properties();
        facts.putAll(spec.facts());
        facts.setProperty("pid", Long.toString(process.pid()));
        process.info().startInstant().ifPresent(at -> facts.setProperty("started", at.toString()));
        var started = new LocalProcess(process.toHandle(), spec.pidFile(), facts, !spec.detached());
        try {
            write(spec.pidFile(), facts);
        } catch (IOException failure) {
            started.stop(Duration.ZERO);
            throw new LocalServiceException("Cannot write " + spec.pidFile() + ": make its folder writable.", failure);
        }
        return started;
    }

    /** The process of a pid file, if it still runs and is the one that the file was written for. */
    static Optional<LocalProcess> attach(Path pidFile) {
        var facts = new Properties();
        try (var reader = Files.newBufferedReader(pidFile, StandardCharsets.UTF_8)) {
            facts.load(reader);
        } catch (NoSuchFileException absent) {
            return Optional.empty();
        } catch (IOException failure) {
            throw new UncheckedIOException(failure);
        }
        String pid = facts.getProperty("pid", "");
        String started = facts.getProperty("started");
        if (!pid.matches("[0-9]{1,18}") || started == null) {
            return Optional.empty();
        }
        return ProcessHandle.of(Long.parseLong(pid))
                .filter(ProcessHandle::isAlive)
                .filter(process -> startedAt(process, Instant.parse(started)))
                .map(process -> new LocalProcess(process, pidFile, facts, false));
    }

    private static boolean startedAt(ProcessHandle process, Instant expected) {
        return process.info()
                .startInstant()
                .map(at -> Duration.between(at, expected).abs().compareTo(START_TOLERANCE) <= 0)
                .orElse(false);
    }

    long pid() {
        return handle.pid();
    }

    boolean isAlive() {
        return handle.isAlive();
    }

    /** What {@link Spec#facts} held under this name when the process was started. */
    Optional<String> fact(String name) {
        return Optional.ofNullable(facts.getProperty(name));
    }

    /** Asks the process to end, kills it after {@code limit}, and removes the pid file. Does nothing the second time. */
    void stop(Duration limit) {
        end(limit);
        if (hook != null) {
            try {
                Runtime.getRuntime().removeShutdownHook(hook);
            } catch (IllegalStateException shuttingDown) {
                // the hook runs already and finds the process stopped
            }
        }
    }

    private void end(Duration limit) {
        if (!stopped.compareAndSet(false, true)) {
            return;
        }
        handle.destroy();
        if (!awaitEnd(limit)) {
            handle.destroyForcibly();
            awaitEnd(STOP_LIMIT);
        }
        try {
            Files.deleteIfExists(pidFile);
        } catch (IOException stale) {
            // a pid file of a dead process is recognised as stale by its start time
        }
    }

    private boolean awaitEnd(Duration limit) {
        try {
            handle.onExit().get(limit.toMillis(), TimeUnit.MILLISECONDS);
            return true;
        } catch (TimeoutException late) {
            return false;
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            return false;
        } catch (java.util.concurrent.ExecutionException impossible) {
            return !handle.isAlive();
        }
    }

    /** The last {@code lines} lines of a log; empty when there is none. */
    static List<String> tail(Path log, int lines) {
        try {
            List<String> all = Arrays.asList(new String(Files.readAllBytes(log), StandardCharsets.UTF_8).split("\\R"));
            return all.subList(Math.max(0, all.size() - lines), all.size());
        } catch (IOException unreadable) {
            return List.of();
        }
    }

    /** Whether this JVM runs as the super-user. */
    static boolean isRoot() {
        try {
            return Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0);
        } catch (IOException | UnsupportedOperationException | IllegalArgumentException notLinux) {
            return "root".equals(System.getProperty("user.name"));
        }
    }

    /** Full path of a program on the usual path, if it exists. */
    static Optional<String> program(String name) {
        for (String folder : List.of("/usr/bin", "/bin", "/usr/sbin", "/sbin")) {
            Path file = Path.of(folder, name);
            if (Files.isExecutable(file)) {
                return Optional.of(file.toString());
            }
        }
        return Optional.empty();
    }

    private static List<String> wrapped(Spec spec) {
        var command = new ArrayList<String>();
        // its own session also keeps the terminal's Ctrl-C away: the parent decides the order of the stops
        program("setsid").ifPresent(command::add);
        Optional<String> setpriv = program("setpriv");
        if (spec.uid() >= 0) {
            command.add(setpriv.orElseThrow(() -> new LocalServiceException(
                    "Running as root needs the program setpriv to drop the privileges: install util-linux,"
                            + " or run as an ordinary user.")));
            command.add("--reuid=" + spec.uid());
            command.add("--regid=" + spec.uid());
            command.add("--clear-groups");
        }
        if (!spec.detached() && setpriv.isPresent()) {
            if (spec.uid() < 0) {
                command.add(setpriv.get());
            }
            command.add("--pdeathsig=TERM");
        }
        command.addAll(spec.command());
        return command;
    }

    private static Process forkOnOwnThread(ProcessBuilder builder) throws IOException {
        var forked = new CompletableFuture<Process>();
        Thread.ofPlatform().daemon().name("local-process").start(() -> {
            try {
                Process process = builder.start();
                forked.complete(process);
                process.waitFor();
            } catch (IOException failure) {
                forked.completeExceptionally(failure);
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
            }
        });
        try {
            return forked.join();
        } catch (CompletionException failure) {
            if (failure.getCause() instanceof IOException cause) {
                throw cause;
            }
            throw failure;
        }
    }

    private static void write(Path pidFile, Properties facts) throws IOException {
        try (var writer = Files.newBufferedWriter(pidFile, StandardCharsets.UTF_8)) {
            facts.store(writer, null);
        }
    }
}
