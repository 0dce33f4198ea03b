package lenstream.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The search API as operators run it: {@code SearchProgram} in a JVM of its own, with this JVM's class path. */
final class ApiProcess implements AutoCloseable {
    private static final String STARTED = "search API on ";

    private final Process process;
    private final URI uri;

    private ApiProcess(Process process, URI uri) {
        this.process = process;
        this.uri = uri;
    }

    /**
     * @param yaml keys of its file besides {@code port}
     * @param heap as in {@code -Xmx}
     */
    static ApiProcess start(String yaml, String heap) throws IOException {
        Path config = Files.createTempFile("lenstream-search", ".yaml");
        Files.writeString(config, yaml + "\nport: 0\n");
        var command = new ArrayList<String>();
        command.add(Path.of(System.getProperty("java.home"), "bin/java").toString());
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(flag -> !flag.startsWith("-Xm"))
                .forEach(command::add);
        command.addAll(List.of(
                "-Xmx" + heap,
                "-cp",
                System.getProperty("java.class.path"),
                "lenstream.search.SearchProgram",
                "--config",
                config.toString()));
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectInput(ProcessBuilder.Redirect.PIPE)
                .start();
        var lines = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        var said = new StringBuilder();
        String line;
        while ((line = lines.readLine()) != null) {
            said.append(line).append('\n');
            if (line.startsWith(STARTED)) {
                Thread.ofPlatform().daemon().name("api-log").start(() -> drain(lines));
                return new ApiProcess(process, URI.create(line.substring(STARTED.length())));
            }
        }
        throw new IOException("the API did not start: " + said);
    }

    URI uri() {
        return uri;
    }

    long pid() {
        return process.pid();
    }

    /** Resident memory in MiB, as the kernel counts it. */
    long residentMib() throws IOException {
        for (String line : Files.readAllLines(Path.of("/proc/" + process.pid() + "/status"))) {
            if (line.startsWith("VmRSS:")) {
                return Long.parseLong(line.replaceAll("[^0-9]", "")) / 1024;
            }
        }
        throw new IOException("the API has ended");
    }

    private static void drain(BufferedReader lines) {
        try {
            while (lines.readLine() != null) {
                // its log; a full pipe would stop it
            }
        } catch (IOException e) {
            // it ended
        }
    }

    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(20, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            process.destroyForcibly();
        }
    }
}
