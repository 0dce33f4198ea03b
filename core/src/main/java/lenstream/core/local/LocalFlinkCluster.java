package lenstream.core.local;

import io.soabase.recordbuilder.core.RecordBuilder;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A standalone Flink cluster of this machine, run from the distribution that {@code infra/flink} lays out: one
 * JobManager and any number of TaskManagers, each its own process on loopback ports, and a ZooKeeper where jobs must
 * outlive the JobManager. Thread-safe.
 *
 * <p>The run folder holds the cluster's {@code conf} (usable as {@code FLINK_CONF_DIR}), logs, pid files, checkpoints and
 * savepoints. {@code infra/flink/src/dist/conf/config.yaml} holds the settings that all such clusters share.
 */
public final class LocalFlinkCluster implements AutoCloseable {
    private static final String SERVICE = "Flink";
    private static final int MINIMUM_JDK = 17;
    private static final int LOG_LINES = 15;
    private static final Pattern TASK_MANAGERS = Pattern.compile("\"taskmanagers\":(\\d+)");

    /** What Flink 2.3's own configuration opens of the JDK ({@code env.java.opts.all}), and JNI for RocksDB and Arrow. */
    private static final List<String> JVM_FLAGS = List.of(
            "--add-exports=java.rmi/sun.rmi.registry=ALL-UNNAMED",
            "--add-exports=jdk.compiler/com.sun.tools.javac.api=ALL-UNNAMED",
            "--add-exports=jdk.compiler/com.sun.tools.javac.file=ALL-UNNAMED",
            "--add-exports=jdk.compiler/com.sun.tools.javac.parser=ALL-UNNAMED",
            "--add-exports=jdk.compiler/com.sun.tools.javac.tree=ALL-UNNAMED",
            "--add-exports=jdk.compiler/com.sun.tools.javac.util=ALL-UNNAMED",
            "--add-exports=java.security.jgss/sun.security.krb5=ALL-UNNAMED",
            "--add-opens=java.base/java.lang=ALL-UNNAMED",
            "--add-opens=java.base/java.net=ALL-UNNAMED",
            "--add-opens=java.base/java.io=ALL-UNNAMED",
            "--add-opens=java.base/java.nio=ALL-UNNAMED",
            "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
            "--add-opens=java.base/java.lang.reflect=ALL-UNNAMED",
            "--add-opens=java.base/java.text=ALL-UNNAMED",
            "--add-opens=java.base/java.time=ALL-UNNAMED",
            "--add-opens=java.base/java.util=ALL-UNNAMED",
            "--add-opens=java.base/java.util.concurrent=ALL-UNNAMED",
            "--add-opens=java.base/java.util.concurrent.atomic=ALL-UNNAMED",
            "--add-opens=java.base/java.util.concurrent.locks=ALL-UNNAMED",
            "--enable-native-access=ALL-UNNAMED",
            "-Dorg.bytedeco.javacpp.noPointerGC=true",
            "-XX:+ExitOnOutOfMemoryError");

    /**
     * How to start.
     *
     * @param distribution the folder {@code infra/flink/target/flink}
     * @param javaHome a JDK 17 or newer (our job's classes need 21)
     * @param runDir conf, logs, pid files, checkpoints; made if absent
     * @param taskManagers number of TaskManager processes, at least 1
     * @param taskHeapMib heap of a TaskManager for operators, in MiB, beside Flink's own 128
     * @param taskOffHeapMib direct memory of a TaskManager for operators (Arrow batches, pinned copies), in MiB
     * @param restPort port of 127.0.0.1 for dashboard and REST, or 0 for a free one
     * @param prometheus whether each process reports metrics to Prometheus on a free port, named in its log
     * @param detached whether the processes outlive this JVM; {@link #attach} finds them again
     * @param startLimit how long all of it may take until every TaskManager is registered
     * @param highlyAvailable whether jobs outlive the JobManager: a ZooKeeper of its own remembers them, and {@link
     *     #replaceJobManager} goes on with each from its last checkpoint
     * @param settings of Flink beside this start's own, such as where an object store is found; no secrets, as they lie
     *     in a file
     * @param environment variables of all processes beside their own three, such as credentials
     */
    @RecordBuilder
    public record Config(
            Path distribution,
            Path javaHome,
            Path runDir,
            int taskManagers,
            int taskHeapMib,
            int taskOffHeapMib,
            int restPort,
            boolean prometheus,
            boolean detached,
            Duration startLimit,
            boolean highlyAvailable,
            Map<String, String> settings,
            Map<String, String> environment)
            implements LocalFlinkClusterConfigBuilder.With {
        public Config {
            if (taskManagers < 1 || taskManagers > 64) {
                throw new IllegalArgumentException("taskManagers: " + taskManagers + " is not in 1..64");
            }
            if (taskHeapMib < 64 || taskOffHeapMib < 0) {
                throw new IllegalArgumentException("taskHeapMib: " + taskHeapMib + " (64 at least), taskOffHeapMib: "
                        + taskOffHeapMib + " (0 at least)");
            }
            if (restPort < 0 || restPort > 65_535) {
                throw new IllegalArgumentException("restPort: " + restPort + " is not in 0..65535");
            }
            settings = Map.copyOf(settings);
            environment = Map.copyOf(environment);
        }

        /** One TaskManager, 512 MiB of task heap, 256 MiB direct, free ports, this JVM's JDK, attached, two minutes. */
        public static Config of(Path distribution, Path runDir) {
            return new Config(
                    distribution.toAbsolutePath().normalize(),
                    Path.of(System.getProperty("java.home")),
                    runDir.toAbsolutePath().normalize(),
                    1,
                    512,
                    256,
                    0,
                    false,
                    false,
                    Duration.ofMinutes(2),
                    false,
                    Map.of(),
                    Map.of());
        }
    }

    /**
     * The parts of a TaskManager's memory in MiB. Flink's shell script computes them from a total; without the script
     * each must be given, else the TaskManager ends with a bare IllegalArgumentException. The shares follow Flink's
     * defaults, except managed memory (RocksDB): the visit operator's state is small, so 128 instead of 40 percent.
     */
    private record Memory(int taskHeap, int taskOffHeap) {
        private static final int FRAMEWORK_HEAP = 128;
        private static final int FRAMEWORK_OFF_HEAP = 128;
        private static final int MANAGED = 128;
        private static final int NETWORK = 64;
        private static final int METASPACE = 256;
        private static final int OVERHEAD = 192;

        List<String> jvmFlags() {
            int heap = FRAMEWORK_HEAP + taskHeap;
            return List.of(
                    "-Xms" + heap + "m",
                    "-Xmx" + heap + "m",
                    "-XX:MaxDirectMemorySize=" + (FRAMEWORK_OFF_HEAP + taskOffHeap + NETWORK) + "m",
                    "-XX:MaxMetaspaceSize=" + METASPACE + "m");
        }

        List<String> settings() {
            var settings = new ArrayList<String>();
            Map.of(
                            "framework.heap.size", FRAMEWORK_HEAP,
                            "task.heap.size", taskHeap,
                            "framework.off-heap.size", FRAMEWORK_OFF_HEAP,
                            "task.off-heap.size", taskOffHeap,
                            "managed.size", MANAGED,
                            "network.min", NETWORK,
                            "network.max", NETWORK,
                            "jvm-metaspace.size", METASPACE,
                            "jvm-overhead.min", OVERHEAD,
                            "jvm-overhead.max", OVERHEAD)
                    .forEach((part, mib) -> {
                        settings.add("-D");
                        settings.add("taskmanager.memory." + part + "=" + mib + "m");
                    });
            return settings;
        }
    }

    private static final int JOB_MANAGER_HEAP_MIB = 384;
    private static final String COORDINATION = "zookeeper";
    /** After this a JobManager that says nothing counts as dead, and another may take its place. */
    private static final String SESSION_TIMEOUT = "6 s";

    private static final int TICK_MILLIS = 1_000;

    private final List<LocalProcess> taskManagers;
    private final @Nullable LocalProcess coordination;
    private final int restPort;
    private final Path runDir;
    private final boolean detached;
    /** Null where another JVM started the cluster. */
    private final @Nullable Launch launch;

    private LocalProcess jobManager;
    private int started;

    private LocalFlinkCluster(
            LocalProcess jobManager,
            List<LocalProcess> taskManagers,
            @Nullable LocalProcess coordination,
            int restPort,
            Path runDir,
            boolean detached,
            @Nullable Launch launch) {
        this.jobManager = jobManager;
        this.taskManagers = taskManagers;
        this.coordination = coordination;
        this.restPort = restPort;
        this.runDir = runDir;
        this.detached = detached;
        this.launch = launch;
    }

    /**
     * Starts all processes and waits until every TaskManager is registered. Blocking, 5 to 20 s.
     *
     * @param progress gets one short line now and then, for people
     * @throws LocalServiceException with one sentence that says what to do; no process is left then
     */
    public static LocalFlinkCluster start(Config config, Consumer<String> progress) {
        Path java = JavaHome.java(config.javaHome(), MINIMUM_JDK, SERVICE);
        if (!Files.isDirectory(config.distribution().resolve("lib"))) {
            throw new LocalServiceException("There is no Flink distribution at " + config.distribution()
                    + ": run \"mvn -pl infra/flink package\" in the checkout to lay it out.");
        }
        attach(config.runDir()).ifPresent(running -> {
            throw new LocalServiceException("Flink already runs for " + config.runDir() + " (process "
                    + running.jobManagerPid() + ", port " + running.restPort()
                    + "): use that one, or stop it before another start.");
        });
        if (config.restPort() != 0) {
            LoopbackPorts.requireFree(SERVICE, config.restPort());
        }
        int restPort = config.restPort() == 0 ? LoopbackPorts.free() : config.restPort();
        int coordinationPort = config.highlyAvailable() ? LoopbackPorts.free() : 0;
        Path conf = configure(config, restPort, LoopbackPorts.free(), coordinationPort);
        var launch = new Launch(config, java, conf, restPort);
        LocalProcess coordination = config.highlyAvailable() ? launch.coordination() : null;
        LocalProcess jobManager = launch.jobManager();
        var cluster = new LocalFlinkCluster(
                jobManager, new ArrayList<>(), coordination, restPort, config.runDir(), config.detached(), launch);
        try {
            for (int number = 1; number <= config.taskManagers(); number++) {
                cluster.startTaskManager(launch);
            }
            cluster.awaitTaskManagers(config, config.taskManagers(), progress);
            return cluster;
        } catch (RuntimeException failure) {
            cluster.stop();
            throw failure;
        }
    }

    private synchronized void startTaskManager(Launch with) {
        started++;
        taskManagers.add(with.taskManager(started));
    }

    /**
     * Starts one more TaskManager process and waits until the JobManager knows it beside those that are alive.
     *
     * @throws IllegalStateException if another JVM started the cluster
     * @throws LocalServiceException if it does not come up
     */
    public void addTaskManager(Consumer<String> progress) {
        Launch with = ownLaunch();
        synchronized (this) {
            taskManagers.removeIf(taskManager -> !taskManager.isAlive());
        }
        startTaskManager(with);
        awaitTaskManagers(with.config(), taskManagerPids().size(), progress);
    }

    /**
     * Starts the JobManager again after its process has died, and waits until the TaskManagers have found it. What it ran
     * goes on if the cluster is highly available, and is forgotten if not.
     *
     * @throws IllegalStateException if it still runs, or if another JVM started the cluster
     * @throws LocalServiceException if it does not come up
     */
    public void replaceJobManager(Consumer<String> progress) {
        Launch with = ownLaunch();
        synchronized (this) {
            if (jobManager.isAlive()) {
                throw new IllegalStateException("the JobManager runs, process " + jobManager.pid());
            }
            jobManager = with.jobManager();
        }
        awaitTaskManagers(with.config(), taskManagerPids().size(), progress);
    }

    private Launch ownLaunch() {
        if (launch == null) {
            throw new IllegalStateException("the cluster in " + runDir + " was started by another process");
        }
        return launch;
    }

    /** The cluster that runs for this folder, if its JobManager does. Closing it does not stop it; {@link #stop} does. */
    public static Optional<LocalFlinkCluster> attach(Path runDir) {
        Path run = runDir.toAbsolutePath().normalize();
        return LocalProcess.attach(run.resolve("jobmanager.pid")).map(jobManager -> {
            var taskManagers = new ArrayList<LocalProcess>();
            try (var files = Files.newDirectoryStream(run, "taskmanager-*.pid")) {
                for (Path file : files) {
                    LocalProcess.attach(file).ifPresent(taskManagers::add);
                }
            } catch (IOException failure) {
                throw new LocalServiceException("Cannot read " + run + ": make it readable.", failure);
            }
            int port = Integer.parseInt(jobManager.fact("rest.port").orElse("0"));
            LocalProcess coordination =
                    LocalProcess.attach(run.resolve(COORDINATION + ".pid")).orElse(null);
            return new LocalFlinkCluster(jobManager, taskManagers, coordination, port, run, true, null);
        });
    }

    public int restPort() {
        return restPort;
    }

    public URI uri() {
        return URI.create("http://127.0.0.1:" + restPort);
    }

    /** The configuration folder for Flink's clients ({@code FLINK_CONF_DIR}). */
    public Path configurationDirectory() {
        return runDir.resolve("conf");
    }

    public synchronized long jobManagerPid() {
        return jobManager.pid();
    }

    /** Of those that were not found dead. */
    public synchronized List<Long> taskManagerPids() {
        return taskManagers.stream().map(LocalProcess::pid).toList();
    }

    /** TaskManagers that the JobManager knows now; empty while it does not answer. */
    public Optional<Integer> registeredTaskManagers() {
        return LoopbackPorts.get(restPort, "/overview").flatMap(body -> {
            Matcher found = TASK_MANAGERS.matcher(body);
            return found.find() ? Optional.of(Integer.valueOf(found.group(1))) : Optional.empty();
        });
    }

    public synchronized boolean isRunning() {
        return jobManager.isAlive();
    }

    /** Ends all processes, detached or not: SIGTERM, and SIGKILL after 20 s. Idempotent. */
    public synchronized void stop() {
        taskManagers.forEach(taskManager -> taskManager.stop(LocalProcess.STOP_LIMIT));
        jobManager.stop(LocalProcess.STOP_LIMIT);
        if (coordination != null) {
            coordination.stop(LocalProcess.STOP_LIMIT);
        }
    }

    /** Ends all processes unless they were started detached, or by another JVM. Idempotent. */
    @Override
    public void close() {
        if (!detached) {
            stop();
        }
    }

    /** Writes the run folder's {@code conf}: the distribution's, with this start's ports and folders appended. */
    private static Path configure(Config config, int restPort, int rpcPort, int coordinationPort) {
        Path run = config.runDir();
        try {
            for (String folder : List.of("conf", "tmp", "checkpoints", "savepoints", "uploads")) {
                Files.createDirectories(run.resolve(folder));
            }
            Path conf = run.resolve("conf");
            Path shared = config.distribution().resolve("conf");
            Files.copy(
                    shared.resolve("log4j2.properties"),
                    conf.resolve("log4j2.properties"),
                    StandardCopyOption.REPLACE_EXISTING);
            var text = new StringBuilder(Files.readString(shared.resolve("config.yaml"), StandardCharsets.UTF_8));
            text.append("# from here on: this start's own\n");
            var own = new HashMap<>(config.settings());
            own.put("rest.port", Integer.toString(restPort));
            own.put("jobmanager.rpc.port", Integer.toString(rpcPort));
            own.put("io.tmp.dirs", run.resolve("tmp").toString());
            own.put(
                    "execution.checkpointing.dir",
                    run.resolve("checkpoints").toUri().toString());
            own.put(
                    "execution.checkpointing.savepoint-dir",
                    run.resolve("savepoints").toUri().toString());
            own.put("web.upload.dir", run.resolve("uploads").toString());
            own.put(
                    "taskmanager.load-balance.mode",
                    "SLOTS"); // a job's subtasks over all TaskManagers, not on the first
            if (config.highlyAvailable()) {
                Files.createDirectories(run.resolve("ha"));
                own.put("high-availability.type", "zookeeper");
                own.put("high-availability.zookeeper.quorum", "127.0.0.1:" + coordinationPort);
                own.put("high-availability.zookeeper.client.session-timeout", SESSION_TIMEOUT);
                own.put("high-availability.cluster-id", "/lenstream");
                own.put(
                        "high-availability.storageDir",
                        run.resolve("ha").toUri().toString());
                Files.writeString(
                        conf.resolve("zoo.cfg"),
                        "tickTime=%d\ndataDir=%s\nclientPort=%d\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\n"
                                .formatted(TICK_MILLIS, run.resolve("zookeeper"), coordinationPort),
                        StandardCharsets.UTF_8);
            }
            if (config.prometheus()) {
                own.put("metrics.reporters", "prometheus");
                own.put(
                        "metrics.reporter.prometheus.factory.class",
                        "org.apache.flink.metrics.prometheus.PrometheusReporterFactory");
                // a range: each process takes the first free port of it
                own.put("metrics.reporter.prometheus.port", "9249-9349");
            }
            own.entrySet().stream()
                    .sorted(Map.Entry.comparingByKey())
                    .forEach(setting -> text.append(setting.getKey())
                            .append(": \"")
                            .append(setting.getValue())
                            .append("\"\n"));
            Files.writeString(conf.resolve("config.yaml"), text, StandardCharsets.UTF_8);
            return conf;
        } catch (IOException failure) {
            throw new LocalServiceException(
                    "Cannot prepare " + run + " for Flink (" + failure
                            + "): make the folder writable, or choose another data folder.",
                    failure);
        }
    }

    private void awaitTaskManagers(Config config, int expected, Consumer<String> progress) {
        long start = System.nanoTime();
        long nextReport = 3;
        while (registeredTaskManagers().orElse(0) < expected) {
            double seconds = (System.nanoTime() - start) / 1e9;
            if (!isRunning()) {
                throw ended("JobManager", "jobmanager.log");
            }
            for (LocalProcess taskManager : List.copyOf(taskManagers)) {
                if (!taskManager.isAlive()) {
                    throw ended("TaskManager", taskManager.fact("log").orElse("taskmanager-1.log"));
                }
            }
            if (seconds > config.startLimit().toSeconds()) {
                throw new LocalServiceException("Flink was not ready after "
                        + config.startLimit().toSeconds() + " s: free the machine of other work or allow more time."
                        + logEnd("jobmanager.log"));
            }
            if (seconds >= nextReport) {
                progress.accept("Flink is starting: %d s".formatted(nextReport));
                nextReport += 3;
            }
            try {
                Thread.sleep(100);
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
                throw new LocalServiceException("The start of Flink was interrupted: start it again.", interrupted);
            }
        }
        progress.accept("Flink is ready on %s with %d TaskManager(s) after %.1f s"
                .formatted(uri(), expected, (System.nanoTime() - start) / 1e9));
    }

    private LocalServiceException ended(String process, String log) {
        String text = String.join("\n", LocalProcess.tail(runDir.resolve(log), 400));
        String sentence;
        if (text.contains("insufficient memory")
                || text.contains("Could not reserve enough space")
                || text.contains("OutOfMemoryError")) {
            sentence = "There is not enough memory for Flink's " + process
                    + ": stop other programs, or give it a smaller heap.";
        } else if (text.contains("BindException")) {
            sentence = "A port of Flink's " + process
                    + " was taken by another program between choice and use: start again.";
        } else {
            sentence = "Flink's " + process + " ended while starting: see the lines below.";
        }
        return new LocalServiceException(sentence + logEnd(log));
    }

    private String logEnd(String log) {
        Path file = runDir.resolve(log);
        return "\nLast lines of " + file + ":\n  " + String.join("\n  ", LocalProcess.tail(file, LOG_LINES));
    }

    /** The kinds of processes of one start. */
    private record Launch(Config config, Path java, Path conf, int restPort) {
        LocalProcess jobManager() {
            return start(
                    "jobmanager",
                    List.of("-Xms64m", "-Xmx" + JOB_MANAGER_HEAP_MIB + "m", "-XX:MaxMetaspaceSize=256m"),
                    "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint",
                    List.of());
        }

        /** The ZooKeeper that Flink brings for such clusters, alone. */
        LocalProcess coordination() {
            var flags = List.of("-Xms16m", "-Xmx64m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC");
            var main = "org.apache.flink.shaded.zookeeper3.org.apache.zookeeper.server.ZooKeeperServerMain";
            return start(COORDINATION, flags, main, conf.resolve("zoo.cfg").toString());
        }

        LocalProcess taskManager(int number) {
            var memory = new Memory(config.taskHeapMib(), config.taskOffHeapMib());
            var settings = new ArrayList<>(memory.settings());
            settings.add("-D");
            settings.add("taskmanager.cpu.cores=" + Runtime.getRuntime().availableProcessors() + ".0");
            settings.add("-D");
            settings.add("taskmanager.resource-id=taskmanager-" + number);
            return start(
                    "taskmanager-" + number,
                    memory.jvmFlags(),
                    "org.apache.flink.runtime.taskexecutor.TaskManagerRunner",
                    settings);
        }

        private LocalProcess start(String name, List<String> jvmFlags, String main, List<String> settings) {
            var arguments = new ArrayList<>(List.of("--configDir", conf.toString()));
            arguments.addAll(settings);
            return start(name, jvmFlags, main, arguments.toArray(String[]::new));
        }

        private LocalProcess start(String name, List<String> jvmFlags, String main, String... arguments) {
            var command = new ArrayList<String>();
            command.add(java.toString());
            command.addAll(jvmFlags);
            command.addAll(JVM_FLAGS);
            command.add("-Dlog4j.configurationFile=" + conf.resolve("log4j2.properties"));
            command.add("-Djava.io.tmpdir=" + config.runDir().resolve("tmp"));
            command.add("-cp");
            command.add(config.distribution().resolve("lib") + "/*");
            command.add(main);
            command.addAll(List.of(arguments));
            var environment = new HashMap<>(config.environment());
            environment.putAll(Map.of("PATH", "/usr/bin:/bin", "LANG", "C.UTF-8", "FLINK_CONF_DIR", conf.toString()));
            return LocalProcess.start(new LocalProcess.Spec(
                    command,
                    environment,
                    config.runDir(),
                    config.runDir().resolve(name + ".log"),
                    config.runDir().resolve(name + ".pid"),
                    Map.of("rest.port", Integer.toString(restPort), "log", name + ".log"),
                    -1,
                    config.detached()));
        }
    }
}
