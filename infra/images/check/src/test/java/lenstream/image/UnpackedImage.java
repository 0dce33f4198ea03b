package lenstream.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.StreamSupport;

/**
 * A docker archive whose layers were unpacked into a folder, and programs that run inside it as a container's would: the
 * image's entry point, user, environment and working directory, with {@code /proc} and {@code /dev} of this machine. The
 * network is this machine's too. Confined to one thread.
 *
 * @param root the unpacked root folder
 * @param settings the image's configuration
 * @param bytes size of the archive
 */
record UnpackedImage(Path root, JsonNode settings, long bytes) {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final boolean ROOT = System.getProperty("user.name").equals("root");

    /** Mounts what a container engine mounts, then becomes the image's user and program: one process, no children. */
    private static final String ENTER = """
            root=$1 user=$2 folder=$3
            shift 3
            mount --rbind /proc "$root/proc" && mount --rbind /dev "$root/dev" || exit 97
            if [ "$user" = - ]; then exec chroot "$root" /bin/sh -c "$folder" - "$@"; fi
            exec chroot --userspec="$user" "$root" /bin/sh -c "$folder" - "$@"
            """;

    /** Skips the test where images are not built or cannot be entered; in CI that fails instead. */
    static void require(Path archive) throws IOException, InterruptedException {
        requireOrSkip(
                Files.isRegularFile(archive),
                "no image at " + archive + ": images are built where /usr/bin/dpkg-deb is");
        var enter = new ArrayList<>(namespace());
        enter.addAll(List.of("mount", "--rbind", "/proc", "/proc"));
        Process probe = new ProcessBuilder(enter).redirectErrorStream(true).start();
        String said = new String(probe.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        requireOrSkip(probe.waitFor() == 0, "this machine does not allow mount namespaces: " + said.strip());
    }

    private static void requireOrSkip(boolean holds, String otherwise) {
        if ("true".equals(System.getenv("CI"))) {
            assertThat(holds).as(otherwise).isTrue();
        }
        assumeTrue(holds, "SKIPPED: " + otherwise);
    }

    /** Unpacks with tar, which keeps owners for root and makes everything this user's for others. */
    static UnpackedImage unpack(Path archive, Path folder) throws IOException, InterruptedException {
        Path parts = Files.createDirectories(folder.resolve("archive"));
        Path root = Files.createDirectories(folder.resolve("root"));
        tar(archive, parts);
        JsonNode image = JSON.readTree(parts.resolve("manifest.json").toFile()).get(0);
        for (JsonNode layer : image.get("Layers")) {
            tar(parts.resolve(layer.asText()), root);
            Files.delete(parts.resolve(layer.asText()));
        }
        JsonNode settings =
                JSON.readTree(parts.resolve(image.get("Config").asText()).toFile());
        // what a container engine writes: a container can look up its own name
        String host = Files.readString(Path.of("/proc/sys/kernel/hostname")).strip();
        Files.writeString(root.resolve("etc/hosts"), "127.0.0.1 localhost " + host + "\n");
        Files.writeString(root.resolve("etc/resolv.conf"), "");
        return new UnpackedImage(root, settings, Files.size(archive));
    }

    private static void tar(Path archive, Path into) throws IOException, InterruptedException {
        Process tar = new ProcessBuilder(
                        "tar",
                        "-x",
                        "--numeric-owner",
                        "--warning=no-unknown-keyword",
                        "-f",
                        archive.toString(),
                        "-C",
                        into.toString())
                .redirectErrorStream(true)
                .start();
        String said = new String(tar.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(tar.waitFor()).as("tar %s: %s", archive, said).isZero();
    }

    /** The value of {@code config.<name>}, such as {@code User}. */
    String setting(String name) {
        return settings.path("config").path(name).asText();
    }

    List<String> words(String name) {
        return StreamSupport.stream(settings.path("config").path(name).spliterator(), false)
                .map(JsonNode::asText)
                .toList();
    }

    String label(String name) {
        return settings.path("config").path("Labels").path(name).asText();
    }

    /** Starts the entry point with these arguments instead of the image's own; output goes to {@code log}. */
    Process start(Path log, Map<String, String> environment, List<String> arguments) throws IOException {
        var command = new ArrayList<>(namespace());
        command.addAll(List.of(
                "/bin/sh",
                "-c",
                ENTER,
                "enter",
                root.toString(),
                ROOT ? setting("User") : "-",
                "cd '" + setting("WorkingDir") + "' && exec \"$@\""));
        command.addAll(words("Entrypoint"));
        command.addAll(arguments);
        var builder = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
        builder.environment().clear();
        for (String variable : words("Env")) {
            int equals = variable.indexOf('=');
            builder.environment().put(variable.substring(0, equals), variable.substring(equals + 1));
        }
        // the outer programs (unshare, mount, chroot) are found by the outer path, which the image's need not hold
        builder.environment().merge("PATH", ":/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", String::concat);
        builder.environment().putAll(environment);
        return builder.start();
    }

    /** Runs to the end and gives what was printed. */
    String run(Path log, Map<String, String> environment, List<String> arguments, int status)
            throws IOException, InterruptedException {
        Process process = start(log, environment, arguments);
        boolean ended = process.waitFor(60, TimeUnit.SECONDS);
        process.destroyForcibly();
        String said = Files.readString(log);
        assertThat(ended).as("ended within a minute: %s", said).isTrue();
        assertThat(process.exitValue()).as(said).isEqualTo(status);
        return said;
    }

    private static List<String> namespace() {
        return ROOT
                ? List.of("unshare", "--mount", "--")
                : List.of("unshare", "--user", "--map-root-user", "--mount", "--");
    }
}
