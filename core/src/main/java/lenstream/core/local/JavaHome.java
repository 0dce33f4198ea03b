package lenstream.core.local;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;

/** Checks of the JDK that a service is to run on. */
final class JavaHome {
    private JavaHome() {}

    /** The {@code java} program of a JDK of at least {@code minimum}, or the sentence that says what is missing. */
    static Path java(Path home, int minimum, String service) {
        Path java = home.resolve("bin/java");
        if (!Files.isExecutable(java)) {
            throw new LocalServiceException("There is no Java at " + home + ": set JAVA_HOME to a JDK " + minimum
                    + " or newer, which " + service + " needs.");
        }
        int feature = feature(home);
        if (feature < minimum) {
            throw new LocalServiceException(service + " needs a JDK " + minimum + " or newer, but " + home
                    + " is a JDK " + feature + ": set JAVA_HOME to a newer one.");
        }
        return java;
    }

    /** Feature version by the JDK's own {@code release} file; a home without that file is believed to be new. */
    static int feature(Path home) {
        var release = new Properties();
        try (var reader = Files.newBufferedReader(home.resolve("release"))) {
            release.load(reader);
        } catch (IOException absent) {
            return Integer.MAX_VALUE;
        }
        String version = release.getProperty("JAVA_VERSION", "").replace("\"", "");
        String[] parts = version.split("[.+-]", -1);
        int at = parts[0].equals("1") && parts.length > 1 ? 1 : 0; // 1.8.0 is 8
        return parts[at].matches("[0-9]{1,4}") ? Integer.parseInt(parts[at]) : Integer.MAX_VALUE;
    }
}
