package lenstream.cli;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import lenstream.core.local.LocalProgram;
import lenstream.core.local.LoopbackPorts;

/** S3Proxy in front of memory, as a process on loopback, from {@code infra/testing}. Closing it ends the process. */
record S3Server(LocalProgram program, URI uri) implements AutoCloseable {
    private static final Path TESTING = LauncherProcess.ROOT.resolve("infra/testing/target");

    static S3Server start(Path folder) throws IOException, InterruptedException {
        Files.createDirectories(folder);
        int port = LoopbackPorts.free();
        Path settings = Files.write(
                folder.resolve("s3proxy.conf"),
                List.of(
                        "s3proxy.authorization=none",
                        "s3proxy.endpoint=http://127.0.0.1:" + port,
                        "s3proxy.ignore-unknown-headers=true",
                        "jclouds.provider=transient-nio2",
                        "jclouds.identity=none",
                        "jclouds.credential=none"));
        List<String> command = List.of(
                Path.of(System.getProperty("java.home"), "bin/java").toString(),
                "-Xmx256m",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                Files.readString(TESTING.resolve("classpath")).strip(),
                "org.gaul.s3proxy.Main",
                "--properties",
                settings.toString());
        var config = new LocalProgram.Config("s3", command, folder, Map.of(), Duration.ofSeconds(60), false);
        return new S3Server(
                LocalProgram.start(config, () -> !LoopbackPorts.isFree(port)), URI.create("http://127.0.0.1:" + port));
    }

    /** What a command needs to come to it. */
    Map<String, String> environment() {
        return Map.of(
                "FLINK_PLUGINS_DIR",
                TESTING.resolve("plugins").toString(),
                "AWS_ACCESS_KEY_ID",
                "user",
                "AWS_SECRET_ACCESS_KEY",
                "secret",
                "AWS_REGION",
                "us-east-1",
                "AWS_ENDPOINT_URL_S3",
                uri.toString());
    }

    /** Makes a bucket, or an object in one. */
    void put(String path, byte[] body) throws IOException, InterruptedException {
        try (HttpClient client = HttpClient.newHttpClient()) {
            var request = HttpRequest.newBuilder(uri.resolve(path)).PUT(BodyPublishers.ofByteArray(body));
            int status = client.send(request.build(), BodyHandlers.discarding()).statusCode();
            if (status != 200) {
                throw new IOException("PUT " + path + ": " + status);
            }
        }
    }

    @Override
    public void close() {
        program.close();
    }
}
