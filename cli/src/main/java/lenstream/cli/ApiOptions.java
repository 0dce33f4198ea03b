package lenstream.cli;

import java.net.URI;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Help;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options of the commands that ask the search API: where it is, and how its answer is told. Confined to one command. */
final class ApiOptions {
    static final String TOKEN = "bearer token, where the API has tokens (default: LENSTREAM_TOKEN of the environment,"
            + " which no list of processes shows)";

    @Mixin
    private DataFolder folder;

    @Option(names = "--api", paramLabel = "URL", description = "the search API (default: the one that runs here)")
    private @Nullable URI api;

    @Option(
            names = "--token",
            paramLabel = "TOKEN",
            defaultValue = "${env:LENSTREAM_TOKEN:-}",
            showDefaultValue = Help.Visibility.NEVER,
            description = TOKEN)
    private String token = "";

    @Option(names = "--json", description = "the API's answer as JSON")
    boolean json;

    ApiClient open() {
        return new ApiClient(api == null ? LocalServices.apiUri(folder) : api, token);
    }
}
