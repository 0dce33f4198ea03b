package lenstream.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.Callable;
import lenstream.core.image.ImageId;
import lenstream.core.image.PixelRules;
import lenstream.core.index.Field;
import lenstream.core.index.IndexAnswer;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexSetup;
import lenstream.core.model.Fingerprint;
import lenstream.core.model.ModelBundle;
import lenstream.core.takedown.ReceiptKey;
import lenstream.core.takedown.TakedownRegister;
import lenstream.core.takedown.TakedownSubject;
import lenstream.gpu.decode.DecodeLimits;
import lenstream.gpu.pipeline.EmbeddingPipeline;
import lenstream.gpu.pipeline.ImageRejectedException;
import lenstream.gpu.pipeline.PipelineConfig;
import lenstream.gpu.pipeline.PixelCopy;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lenstream takedown}: removes now, and keeps it out. */
@Command(
        name = "takedown",
        mixinStandardHelpOptions = true,
        description = {
            "Removes images from the index now and keeps them out: later crawls, replays and another encoder do not bring"
                    + " them back.",
            "Running jobs obey within seconds; a job that does not run obeys when it starts. Each take-down leaves a signed"
                    + " receipt."
        },
        footer = {
            "",
            "Examples:",
            "  ./lenstream takedown https://example.org/a.jpg",
            "  ./lenstream takedown 'https://example.org/album/*' --reason \"asked by its owner\"",
            "  ./lenstream takedown example.org",
            "  ./lenstream takedown --similar-to photo.jpg --threshold 0.97",
            "  ./lenstream takedown --list",
            "  ./lenstream takedown --revoke takedown-0123456789abcdef0123456789abcdef",
            "  ./lenstream takedown --verify receipt.txt"
        })
final class TakedownCommand implements Callable<Integer> {
    @Mixin
    private Workspace workspace;

    @Spec
    private CommandSpec spec;

    @Parameters(
            arity = "0..1",
            paramLabel = "URL|PREFIX/*|HOST",
            description = "an image, all images below an address, or all of a host")
    private @Nullable String subject;

    @Option(
            names = "--similar-to",
            paramLabel = "ID|FILE",
            description = "what looks like this image of the index, or like this file")
    private @Nullable String similarTo;

    @Option(
            names = "--threshold",
            paramLabel = "COSINE",
            defaultValue = "0.95",
            description = "least cosine that counts as similar (default: ${DEFAULT-VALUE})")
    private double threshold;

    @Option(names = "--reason", paramLabel = "TEXT", description = "goes into the receipt")
    private @Nullable String reason;

    @Option(names = "--list", description = "every take-down, the newest first")
    private boolean list;

    @Option(names = "--show", paramLabel = "ID", description = "one take-down with its receipts")
    private @Nullable String show;

    @Option(names = "--revoke", paramLabel = "ID", description = "the take-down holds no more; a crawl may bring back")
    private @Nullable String revoke;

    @Option(names = "--verify", paramLabel = "FILE", description = "whether this installation signed a receipt")
    private @Nullable Path verify;

    @Option(names = "--json", description = "the register's entries as JSON")
    private boolean json;

    @Override
    public Integer call() {
        long asked =
                List.of(subject != null, similarTo != null, list, show != null, revoke != null, verify != null).stream()
                        .filter(given -> given)
                        .count();
        if (asked != 1) {
            throw new ParameterException(
                    spec.commandLine(),
                    "Name one of URL, PREFIX/*, HOST, --similar-to, --list, --show, --revoke and --verify.");
        }
        ReceiptKey key = ReceiptKey.at(workspace.receiptKey());
        if (verify != null) {
            return verify(key, verify);
        }
        TakedownSubject written = subject == null ? null : parsed(subject);
        try (OpenSearchLease openSearch = OpenSearchLease.acquire(workspace);
                IndexClient client = IndexClient.open(workspace.openSearchAt(openSearch.url()))) {
            var register = new TakedownRegister(client, workspace.layout(), key);
            if (list) {
                List<ObjectNode> all = register.all();
                all.forEach(this::print);
                if (all.isEmpty() && !json) {
                    spec.commandLine().getOut().println("no take-downs");
                }
                return 0;
            }
            if (show != null) {
                print(register.get(show).orElseThrow(() -> none(String.valueOf(show))));
            } else if (revoke != null) {
                print(register.revoke(revoke, user()).orElseThrow(() -> none(String.valueOf(revoke))));
            } else {
                print(register.takeDown(written == null ? similar(client) : written, user(), reason));
            }
            return 0;
        }
    }

    private static TakedownSubject parsed(String text) {
        try {
            return TakedownSubject.parse(text);
        } catch (IllegalArgumentException e) {
            throw new CliException(String.valueOf(e.getMessage()), e);
        }
    }

    private TakedownSubject similar(IndexClient client) {
        String wanted = String.valueOf(similarTo);
        try {
            if (Files.isRegularFile(Path.of(wanted))) {
                byte[] image = Files.readAllBytes(Path.of(wanted));
                try (EmbeddingPipeline pipeline = EmbeddingPipeline.open(PipelineConfig.defaults(workspace.model()))) {
                    return TakedownSubject.similar(
                                    ImageId.sha256(image),
                                    pipeline.bundle().fingerprint().value(),
                                    pipeline.embedQuery(image).embedding(),
                                    threshold)
                            .withPicture(new PixelCopy(PixelRules.recognisable(), DecodeLimits.defaults())
                                    .of(image)
                                    .orElse(null));
                }
            }
            Fingerprint fingerprint = ModelBundle.load(workspace.model()).fingerprint();
            return TakedownSubject.similar(wanted, fingerprint.value(), vector(client, fingerprint, wanted), threshold)
                    .withPicture(thumbnail(client, wanted));
        } catch (ImageRejectedException e) {
            throw new CliException(wanted + " is no image that can be read: " + e.detail(), e);
        } catch (IOException e) {
            throw new CliException(wanted + " cannot be read: " + e.getMessage(), e);
        } catch (IllegalArgumentException e) {
            throw new CliException(String.valueOf(e.getMessage()), e);
        }
    }

    private byte @Nullable [] thumbnail(IndexClient client, String id) {
        IndexAnswer answer = client.send("GET", "/" + workspace.layout().thumbnailIndex() + "/_doc/" + id, null);
        String jpeg = answer.status() == 404
                ? ""
                : client.required(answer).at("/_source/" + Field.JPEG).asText("");
        return jpeg.isEmpty() ? null : Base64.getDecoder().decode(jpeg);
    }

    private float[] vector(IndexClient client, Fingerprint fingerprint, String id) {
        if (!id.matches("[0-9a-f]{32}")) {
            throw new CliException(id + " is neither a file nor the id of an image");
        }
        String index = workspace.layout().imageIndex(fingerprint);
        IndexAnswer answer = client.send("GET", "/" + index + "/_doc/" + id, null);
        JsonNode values = answer.status() == 404 ? null : answer.json().at("/_source/" + Field.EMBEDDING);
        if (values == null || values.isEmpty()) {
            throw new CliException("there is no image " + id + " in the index of " + fingerprint);
        }
        return IndexSetup.quantisation(client, index).read(values);
    }

    private Integer verify(ReceiptKey key, Path file) {
        PrintWriter out = spec.commandLine().getOut();
        try {
            var said = key.verified(Files.readString(file));
            if (said.isEmpty()) {
                throw new CliException(file + " is no receipt of this installation, or it was changed");
            }
            out.println(said.get().toPrettyString());
            out.flush();
            return 0;
        } catch (IOException e) {
            throw new CliException(file + " cannot be read: " + e.getMessage(), e);
        }
    }

    private void print(ObjectNode entry) {
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            out.println(entry.toPrettyString());
        } else {
            JsonNode removed = entry.path("removed");
            out.printf(
                    "%s  %-8s  %-7s  %s%n",
                    entry.path("id").asText(),
                    entry.path("state").asText(),
                    entry.path("scope").asText(),
                    entry.path("subject").asText());
            out.printf(
                    "  %s by %s: removed %d images, %d thumbnails, %d dead letters%n",
                    entry.path("issued").asText(),
                    entry.path("by").asText(),
                    removed.path("images").asLong(),
                    removed.path("thumbnails").asLong(),
                    removed.path("dead_letters").asLong());
            if (!list) {
                JsonNode receipts = entry.path("receipts");
                out.printf("receipt%n%s%n", receipts.path(receipts.size() - 1).asText());
            }
        }
        out.flush();
    }

    private static CliException none(String id) {
        return new CliException("there is no take-down " + id + "; see --list");
    }

    private static String user() {
        return System.getProperty("user.name", "someone");
    }
}
