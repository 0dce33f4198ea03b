package lenstream.cli;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import lenstream.core.index.IndexClient;
import lenstream.core.ledger.Explanation;
import lenstream.core.ledger.Ledger;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lenstream explain}: why an image is, or is not, in the index. */
@Command(
        name = "explain",
        mixinStandardHelpOptions = true,
        description =
                "Says why an image is, or is not, in the index: where it was found, what robots.txt said, what came of"
                        + " each visit, and when the next one is.",
        footer = {
            "",
            "Examples:",
            "  ./lenstream explain https://example.org/images/a.jpg",
            "  ./lenstream explain ~/Pictures/a.jpg --json"
        })
final class ExplainCommand implements Callable<Integer> {
    @Mixin
    private IndexPlace place;

    @Parameters(paramLabel = "URL|FILE", description = "the image's address")
    private String image;

    @Option(names = "--json", description = "as JSON")
    private boolean json;

    @Override
    public Integer call() {
        if (OpenSearchLease.running(place).isEmpty() && !Files.isDirectory(place.openSearchRun())) {
            throw new CliException("nothing was indexed in " + place.data()
                    + " yet: name another folder with --data, or a cluster with --opensearch");
        }
        try (OpenSearchLease openSearch = OpenSearchLease.acquire(place);
                IndexClient client = IndexClient.open(place.openSearchAt(openSearch.url()))) {
            Explanation explanation = new Ledger(client, place.layout()).explain(address(image));
            System.out.print(json ? explanation.json().toPrettyString() + "\n" : explanation.text());
            return 0;
        } catch (IllegalArgumentException e) {
            throw new CliException(String.valueOf(e.getMessage()), e);
        }
    }

    /** A file may be named by its path. */
    static String address(String image) {
        if (image.contains(":/")) {
            return image;
        }
        Path file = file(image);
        return file == null ? image : file.toUri().toString();
    }

    private static @Nullable Path file(String image) {
        try {
            Path file = Path.of(image).toAbsolutePath().normalize();
            return Files.exists(file) ? file : null;
        } catch (InvalidPathException e) {
            return null;
        }
    }
}
