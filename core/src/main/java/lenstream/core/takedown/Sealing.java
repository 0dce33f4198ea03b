package lenstream.core.takedown;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * Makes bytes unreadable where they are kept: AES-256-GCM (NIST SP 800-38D) under a key that is derived from the
 * installation's {@link ReceiptKey}. What is sealed is nonce (96 bits), ciphertext and tag (128 bits), and can be opened for
 * whom it was sealed alone. Thread-safe.
 */
public final class Sealing {
    private static final String METHOD = "AES/GCM/NoPadding";
    private static final int NONCE_BYTES = 12;
    private static final int TAG_BITS = 128;

    private final SecretKeySpec key;
    private final SecureRandom random = new SecureRandom();

    /** @param purpose what is sealed; another purpose has another key */
    public Sealing(ReceiptKey installation, String purpose) {
        this.key = new SecretKeySpec(installation.derived(purpose), "AES");
    }

    /** @param owner for whom; needed again to open it */
    public byte[] seal(byte[] clear, String owner) {
        var nonce = new byte[NONCE_BYTES];
        random.nextBytes(nonce);
        try {
            byte[] hidden = cipher(Cipher.ENCRYPT_MODE, nonce, owner).doFinal(clear);
            return ByteBuffer.allocate(nonce.length + hidden.length)
                    .put(nonce)
                    .put(hidden)
                    .array();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has " + METHOD, e);
        }
    }

    /**
     * @param owner for whom it was sealed
     * @throws IllegalArgumentException if it was sealed with another key or for somebody else, or was changed since
     */
    public byte[] open(byte[] sealed, String owner) {
        try {
            ByteBuffer all = ByteBuffer.wrap(sealed);
            var nonce = new byte[NONCE_BYTES];
            all.get(nonce);
            var hidden = new byte[all.remaining()];
            all.get(hidden);
            return cipher(Cipher.DECRYPT_MODE, nonce, owner).doFinal(hidden);
        } catch (GeneralSecurityException | BufferUnderflowException e) {
            throw new IllegalArgumentException("it was sealed with another key", e);
        }
    }

    private Cipher cipher(int mode, byte[] nonce, String owner) throws GeneralSecurityException {
        Cipher cipher = Cipher.getInstance(METHOD);
        cipher.init(mode, key, new GCMParameterSpec(TAG_BITS, nonce));
        cipher.updateAAD(owner.getBytes(UTF_8));
        return cipher;
    }
}
