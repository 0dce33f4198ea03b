package lenstream.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.StringJoiner;
import lenstream.core.alert.SealedSecrets;
import lenstream.core.alert.SecretSeal;
import lenstream.core.takedown.ReceiptKey;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The key that signs receipts and seals secrets, which no backup holds: where it is, and what does not open without it. */
final class InstallationKey {
    @Option(
            names = "--receipt-key",
            paramLabel = "FILE",
            description = "the key that signs receipts and seals secrets, which is never part of a backup"
                    + " (default: receipt-key in the data folder)")
    private @Nullable Path named;

    Path file(DataFolder folder) {
        return named == null ? folder.receiptKey() : named.toAbsolutePath().normalize();
    }

    /** Names the key; empty if there is none. Makes none. */
    String id(DataFolder folder) {
        Path file = file(folder);
        return Files.exists(file) ? ReceiptKey.at(file).id() : "";
    }

    /** What the key here does not open: without one, everything. */
    SealedSecrets closed(DataFolder folder, SealedSecrets sealed) {
        return id(folder).isEmpty() ? sealed : sealed.closedTo(new SecretSeal(file(folder)));
    }

    /** For example "2 webhooks of alerts and 1 WebSub subscription". */
    static String words(SealedSecrets sealed) {
        var words = new StringJoiner(" and ");
        if (!sealed.webhooks().isEmpty()) {
            words.add(count(sealed.webhooks().size(), "webhook") + " of alerts");
        }
        if (!sealed.subscriptions().isEmpty()) {
            words.add(count(sealed.subscriptions().size(), "WebSub subscription"));
        }
        return words.toString();
    }

    private static String count(int number, String what) {
        return String.format(Locale.ROOT, "%,d %s%s", number, what, number == 1 ? "" : "s");
    }
}
