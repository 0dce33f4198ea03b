package lenstream.connector.source;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import lenstream.core.local.LocalProgram;
import lenstream.core.local.LoopbackPorts;

/** A server that other people wrote, as a process on loopback, from {@code infra/testing}. Closing it ends the process. */
public record TestServer(LocalProgram program, int port) implements AutoCloseable {
    private static final Path ROOT = Path.of(System.getProperty("lenstream.root", ".."));
    private static final String QUIET =
            "<configuration><appender name=\"E\" class=\"ch.qos.logback.core.ConsoleAppender\"><encoder><pattern>%d %-5level"
                    + " %logger{20} %msg%n</pattern></encoder></appender><root level=\"WARN\"><appender-ref"
                    + " ref=\"E\"/></root></configuration>";

    /** Flink's S3 file system, as a folder of plugins. */
    public static final Path PLUGINS = ROOT.resolve("infra/testing/target/plugins");

    /** S3Proxy in front of memory; it takes requests with and without a signature. */
    public static TestServer s3() throws Exception {
        int port = LoopbackPorts.free();
        Path folder = folder("s3-" + port);
        Files.write(
                folder.resolve("s3proxy.conf"),
                List.of(
                        "s3proxy.authorization=none",
                        "s3proxy.endpoint=http://127.0.0.1:" + port,
                        "s3proxy.ignore-unknown-headers=true",
                        "jclouds.provider=transient-nio2",
                        "jclouds.identity=none",
                        "jclouds.credential=none"));
        return start(folder, port, "org.gaul.s3proxy.Main", "--properties", "s3proxy.conf");
    }

    /** A Kafka broker that is its own controller. */
    public static TestServer kafka() throws Exception {
        int port = LoopbackPorts.free();
        int controller = LoopbackPorts.free();
        Path folder = folder("kafka-" + port);
        Files.write(
                folder.resolve("server.properties"),
                List.of(
                        "process.roles=broker,controller",
                        "node.id=1",
                        "controller.quorum.voters=1@127.0.0.1:" + controller,
                        "listeners=PLAINTEXT://127.0.0.1:" + port + ",CONTROLLER://127.0.0.1:" + controller,
                        "advertised.listeners=PLAINTEXT://127.0.0.1:" + port,
                        "controller.listener.names=CONTROLLER",
                        "log.dirs=" + folder.resolve("log").toAbsolutePath(),
                        "offsets.topic.replication.factor=1",
                        "offsets.topic.num.partitions=1",
                        "transaction.state.log.replication.factor=1",
                        "transaction.state.log.min.isr=1",
                        "group.initial.rebalance.delay.ms=0"));
        var format = new ProcessBuilder(command(
                        folder,
                        "kafka.tools.StorageTool",
                        "format",
                        "-t",
                        "MkU3OEVBNTcwNTJENDM2Qk",
                        "-c",
                        "server.properties"))
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("format.log").toFile())
                .start();
        if (format.waitFor() != 0) {
            throw new IOException("see " + folder.resolve("format.log"));
        }
        return start(folder, port, "kafka.Kafka", "server.properties");
    }

    /** Where it is reached, as {@code 127.0.0.1:PORT}. */
    public String address() {
        return "127.0.0.1:" + port;
    }

    private static TestServer start(Path folder, int port, String... main) throws Exception {
        return new TestServer(
                LocalProgram.start(
                        new LocalProgram.Config(
                                "server", command(folder, main), folder, Map.of(), Duration.ofSeconds(60), false),
                        () -> !LoopbackPorts.isFree(port)),
                port);
    }

    private static List<String> command(Path folder, String... main) throws IOException {
        Path log = folder.resolve("logback.xml");
        Files.writeString(log, QUIET);
        var command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin/java").toString(),
                "-Xmx256m",
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-Dlogback.configurationFile=" + log.toAbsolutePath(),
                "-cp",
                Files.readString(ROOT.resolve("infra/testing/target/classpath")).strip()));
        command.addAll(List.of(main));
        return command;
    }

    private static Path folder(String name) throws IOException {
        return Files.createDirectories(Path.of("target/it").resolve(name)).toAbsolutePath();
    }

    @Override
    public void close() {
        program.close();
    }
}
