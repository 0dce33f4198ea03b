package lenstream.cli;

import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import lenstream.search.push.PushConfig;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Who may push pages to the search API; the options of the commands that start it. Confined to one command. */
final class PushOptions {
    @Option(
            names = "--indexnow",
            description = "answer /indexnow: whoever holds a host by a key file may have its pages visited")
    boolean indexnow;

    @Option(
            names = "--public-url",
            paramLabel = "URL",
            description = "where WebSub hubs reach this server, e.g. https://images.example; switches WebSub on")
    @Nullable
    URI publicUrl;

    PushConfig config() {
        return new PushConfig(indexnow, PushConfig.defaults().perMinute(), publicUrl);
    }

    /** The same options for another process. */
    List<String> arguments() {
        var words = new ArrayList<String>();
        if (indexnow) {
            words.add("--indexnow");
        }
        if (publicUrl != null) {
            words.addAll(List.of("--public-url", publicUrl.toString()));
        }
        return words;
    }
}
