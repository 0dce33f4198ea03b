package lenstream.cli;

import java.net.URI;
import java.util.List;
import lenstream.core.config.Secret;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.OpenSearchConfig;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of the commands that read or write an index: where it is. Confined to one command. */
sealed class IndexPlace extends DataFolder permits Workspace {
    @Option(
            names = "--opensearch",
            paramLabel = "URL",
            description = "use this cluster instead of a local one; user and password come from the environment:"
                    + " LENSTREAM_OPENSEARCH_USER, LENSTREAM_OPENSEARCH_PASSWORD")
    @Nullable
    URI openSearch;

    @Option(
            names = "--prefix",
            paramLabel = "NAME",
            defaultValue = "lenstream",
            description = "first part of every index name (default: ${DEFAULT-VALUE})")
    String prefix;

    /** @throws CliException if the prefix cannot begin the name of an index */
    IndexLayout layout() {
        return CliException.unless("--prefix", () -> IndexLayout.withPrefix(prefix));
    }

    /** @throws CliException if that is no address of a server */
    OpenSearchConfig openSearchAt(String url) {
        String user = System.getenv("LENSTREAM_OPENSEARCH_USER");
        String password = System.getenv("LENSTREAM_OPENSEARCH_PASSWORD");
        OpenSearchConfig plain = CliException.unless("--opensearch", () -> OpenSearchConfig.at(url));
        return user == null
                ? plain
                : new OpenSearchConfig(
                        List.of(url),
                        user,
                        new Secret(password == null ? "" : password),
                        plain.connectTimeout(),
                        plain.requestTimeout(),
                        plain.gzip());
    }
}
