package lenstream.core.alert;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.file.Path;
import java.util.Base64;
import lenstream.core.config.Secret;
import lenstream.core.takedown.ReceiptKey;
import lenstream.core.takedown.Sealing;
import org.jspecify.annotations.Nullable;

/**
 * Makes secrets unreadable where they are kept, so that who reads the index, a snapshot or a backup of it cannot sign in
 * this installation's name: {@link Sealing} under a key that lies outside of the index. A sealed text is {@code sealed1:}
 * and the base64 of what is sealed; it can be opened only for whom it was sealed. Every process that shares an index needs the
 * same key file. Thread-safe.
 */
public final class SecretSeal {
    private static final String PREFIX = "sealed1:";
    private static final String PURPOSE = "lenstream webhook secrets";

    private final Path keyFile;
    private @Nullable Sealing sealing; // under this

    /** @param receiptKey its file; made, if there is none, when the first secret is sealed or opened */
    public SecretSeal(Path receiptKey) {
        this.keyFile = receiptKey;
    }

    /**
     * Seals a secret.
     *
     * @param owner for whom; needed again to open it
     * @throws java.io.UncheckedIOException if the key file can be neither read nor made
     */
    public Secret seal(Secret secret, String owner) {
        byte[] hidden = sealing().seal(secret.value().getBytes(UTF_8), owner);
        return new Secret(PREFIX + Base64.getEncoder().encodeToString(hidden));
    }

    /** Whether this is what {@link #seal} makes; else it is in clear. */
    public static boolean isSealed(Secret secret) {
        return secret.value().startsWith(PREFIX);
    }

    /**
     * Opens a secret. One that was never sealed, as versions before this kept them, is returned as it is.
     *
     * @param owner for whom it was sealed
     * @throws IllegalArgumentException if it was sealed with another key or for somebody else, or was changed since
     * @throws java.io.UncheckedIOException if the key file can be neither read nor made
     */
    public Secret open(Secret sealed, String owner) {
        if (!isSealed(sealed)) {
            return sealed;
        }
        try {
            byte[] hidden = Base64.getDecoder().decode(sealed.value().substring(PREFIX.length()));
            return new Secret(new String(sealing().open(hidden, owner), UTF_8));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(
                    "its secret was sealed with another key than " + keyFile
                            + ": put the key file of this installation back, or make anew what the secret belongs to",
                    e);
        }
    }

    private synchronized Sealing sealing() {
        Sealing known = sealing;
        if (known == null) {
            known = new Sealing(ReceiptKey.at(keyFile), PURPOSE);
            sealing = known;
        }
        return known;
    }
}
