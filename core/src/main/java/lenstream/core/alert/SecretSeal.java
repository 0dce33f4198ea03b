package lenstream.core.alert;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Base64;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import lenstream.core.config.Secret;
import lenstream.core.takedown.ReceiptKey;
import org.jspecify.annotations.Nullable;

/**
 * Makes secrets unreadable where they are kept, so that who reads the index, a snapshot or a backup of it cannot sign in
 * this installation's name: AES-256-GCM (NIST SP 800-38D) under a key that is derived from the installation's
 * {@link ReceiptKey} and lies outside of the index. A sealed text is {@code sealed1:} and the base64 of nonce (96 bits),
 * ciphertext and tag (128 bits); it can be opened only for whom it was sealed. Every process that shares an index needs
 * the same key file. Thread-safe.
 */
public final class SecretSeal {
    private static final String PREFIX = "sealed1:";
    private static final String PURPOSE = "lenstream webhook secrets";
    private static final String METHOD = "AES/GCM/NoPadding";
    private static final int NONCE_BYTES = 12;
    private static final int TAG_BITS = 128;

    private final Path keyFile;
    private final SecureRandom random = new SecureRandom();
    private @Nullable SecretKeySpec key; // under this

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
        var nonce = new byte[NONCE_BYTES];
        random.nextBytes(nonce);
        try {
            byte[] hidden = cipher(Cipher.ENCRYPT_MODE, nonce, owner)
                    .doFinal(secret.value().getBytes(UTF_8));
            byte[] all = ByteBuffer.allocate(nonce.length + hidden.length)
                    .put(nonce)
                    .put(hidden)
                    .array();
            return new Secret(PREFIX + Base64.getEncoder().encodeToString(all));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has " + METHOD, e);
        }
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
            ByteBuffer all =
                    ByteBuffer.wrap(Base64.getDecoder().decode(sealed.value().substring(PREFIX.length())));
            var nonce = new byte[NONCE_BYTES];
            all.get(nonce);
            var hidden = new byte[all.remaining()];
            all.get(hidden);
            return new Secret(
                    new String(cipher(Cipher.DECRYPT_MODE, nonce, owner).doFinal(hidden), UTF_8));
        } catch (GeneralSecurityException | IllegalArgumentException | java.nio.BufferUnderflowException e) {
            throw new IllegalArgumentException(
                    "its secret was sealed with another key than " + keyFile
                            + ": put the key file of this installation back, or make anew what the secret belongs to",
                    e);
        }
    }

    private Cipher cipher(int mode, byte[] nonce, String owner) throws GeneralSecurityException {
        Cipher cipher = Cipher.getInstance(METHOD);
        cipher.init(mode, key(), new GCMParameterSpec(TAG_BITS, nonce));
        cipher.updateAAD(owner.getBytes(UTF_8));
        return cipher;
    }

    private synchronized SecretKeySpec key() {
        SecretKeySpec known = key;
        if (known == null) {
            known = new SecretKeySpec(ReceiptKey.at(keyFile).derived(PURPOSE), "AES");
            key = known;
        }
        return known;
    }
}
