package lenstream.connector.source;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.CoreOptions;
import org.apache.flink.core.fs.FileSystem;
import org.apache.flink.core.fs.UnsupportedFileSystemSchemeException;
import org.apache.flink.core.plugin.DefaultPluginManager;
import org.apache.flink.core.plugin.DirectoryBasedPluginFinder;
import org.jspecify.annotations.Nullable;

/**
 * Flink's file systems in a JVM that is no Flink process: a cluster loads its own plugins, with its own configuration. For
 * the whole JVM; thread-safe.
 */
public final class FileSystems {
    private static final Map<String, String> EXTRAS = Map.of(
            "s3", "s3", "s3a", "s3", "gs", "gs", "abfs", "azure", "abfss", "azure", "wasb", "azure", "wasbs", "azure");

    /** The variable by which Flink finds its plugins. */
    public static final String PLUGINS = "FLINK_PLUGINS_DIR";

    private static final Pattern CREDENTIALS = Pattern.compile("(AWS|GOOGLE|AZURE)_.*|HOME");

    /** The clients of object stores name every place where they looked for credentials, in kilobytes. */
    private static final int LONGEST_REASON = 100;

    private FileSystems() {}

    /**
     * Loads the file systems in a folder of plugins, each a folder of jars. Where S3 is found and whose it is, comes from the
     * variables that Amazon's own tools read ({@code AWS_ACCESS_KEY_ID}, {@code AWS_REGION}, {@code AWS_ENDPOINT_URL_S3}, ...).
     *
     * @param plugins need not exist
     * @param environment variables by name
     * @throws IOException if a plugin cannot be read
     */
    public static synchronized void load(Path plugins, Map<String, String> environment) throws IOException {
        if (!Files.isDirectory(plugins)) {
            return;
        }
        Configuration conf = Configuration.fromMap(places(environment));
        set(conf, "s3.access-key", environment.get("AWS_ACCESS_KEY_ID"));
        set(conf, "s3.secret-key", environment.get("AWS_SECRET_ACCESS_KEY"));
        if (environment.containsKey(
                "AWS_SESSION_TOKEN")) { // then the keys alone are not enough; Amazon's own search finds all
            conf.removeKey("s3.access-key");
            conf.removeKey("s3.secret-key");
        }
        FileSystem.initialize(
                conf,
                new DefaultPluginManager(
                        new DirectoryBasedPluginFinder(plugins).findPlugins(),
                        CoreOptions.getPluginParentFirstLoaderPatterns(conf)));
    }

    /**
     * The variables of an environment by which a Flink process of this machine comes to the same file systems: the folder of
     * plugins, and what the stores' own tools read to know who asks.
     *
     * @param plugins need not exist
     */
    public static Map<String, String> forwarded(Path plugins, Map<String, String> environment) {
        var forwarded = new HashMap<String, String>();
        environment.forEach((name, value) -> {
            if (CREDENTIALS.matcher(name).matches()) {
                forwarded.put(name, value);
            }
        });
        if (Files.isDirectory(plugins)) {
            forwarded.put(PLUGINS, plugins.toAbsolutePath().toString());
        }
        return forwarded;
    }

    /** Flink's own settings for where the stores of an environment are found; no secrets. */
    public static Map<String, String> places(Map<String, String> environment) {
        var conf = new Configuration();
        set(conf, "s3.region", environment.getOrDefault("AWS_REGION", environment.get("AWS_DEFAULT_REGION")));
        set(conf, "s3.endpoint", environment.getOrDefault("AWS_ENDPOINT_URL_S3", environment.get("AWS_ENDPOINT_URL")));
        return conf.toMap();
    }

    private static void set(Configuration conf, String key, @Nullable String value) {
        if (value != null && !value.isBlank()) {
            conf.setString(key, value);
        }
    }

    /** What went wrong: a file system's clients say it in the cause of the cause. */
    public static String reason(Throwable failure) {
        Throwable deepest = failure;
        while (deepest.getCause() != null) {
            deepest = deepest.getCause();
        }
        String said = String.valueOf(failure.getMessage());
        String cause = String.valueOf(deepest.getMessage());
        return said.contains(cause) ? said : said + ": " + cause;
    }

    /** Why a look at a URL failed, and what a person can do about it, as far as that is known. */
    public static String explain(String url, Throwable failure) {
        String reason = reason(failure);
        return remedy(url, failure)
                .map(remedy -> remedy + " (" + reason.substring(0, Math.min(reason.length(), LONGEST_REASON)) + "...)")
                .orElse(reason);
    }

    private static Optional<String> remedy(String url, Throwable failure) {
        int end = url.indexOf("://");
        String scheme = end < 0 ? "" : url.substring(0, end).toLowerCase(Locale.ROOT);
        var text = new StringBuilder();
        boolean unknown = false;
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            text.append(cause.getMessage()).append('\n');
            unknown |= cause instanceof UnsupportedFileSystemSchemeException;
        }
        String extra = EXTRAS.get(scheme);
        if (unknown) {
            return Optional.of(
                    extra == null
                            ? "Flink has no file system for " + scheme
                                    + ":// here; put its plugin into the plugins folder"
                            : "fetch Flink's file system for " + scheme + ":// with: ./lenstream add " + extra);
        }
        String said = text.toString();
        if (scheme.startsWith("s3")
                && (said.contains("credentials") || said.contains("403") || said.contains("Access Denied"))) {
            return Optional.of(
                    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_ENDPOINT_URL_S3 for a store that is"
                            + " not Amazon's), or AWS_PROFILE");
        }
        if (scheme.startsWith("s3") && said.contains("region")) {
            return Optional.of("set AWS_REGION");
        }
        return Optional.empty();
    }
}
