package lenstream.core.takedown;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Signs receipts with Ed25519 as JSON Web Signatures (RFC 7515, RFC 8037), which any JOSE library verifies with the public
 * key. The key pair lies in a file that only its owner reads and is made at the first use. Immutable.
 */
public final class ReceiptKey {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Base64.Encoder TEXT = Base64.getUrlEncoder().withoutPadding();
    private static final Base64.Decoder BYTES = Base64.getUrlDecoder();
    private static final String ALGORITHM = "Ed25519";
    /** Bytes of a raw public key, the last ones of its X.509 form (RFC 8410). */
    private static final int RAW = 32;

    private final PrivateKey secret;
    private final PublicKey open;

    private ReceiptKey(PrivateKey secret, PublicKey open) {
        this.secret = secret;
        this.open = open;
    }

    /**
     * The key in this file, made where there is none.
     *
     * @throws UncheckedIOException if the file can be neither read nor made, or holds no such key
     */
    public static ReceiptKey at(Path file) {
        try {
            if (!Files.exists(file)) {
                make(file);
            }
            List<String> lines = Files.readAllLines(file);
            if (lines.size() != 2) {
                throw new IOException(file + " is no key of receipts");
            }
            KeyFactory keys = KeyFactory.getInstance(ALGORITHM);
            return new ReceiptKey(
                    keys.generatePrivate(new PKCS8EncodedKeySpec(BYTES.decode(lines.get(0)))),
                    keys.generatePublic(new X509EncodedKeySpec(BYTES.decode(lines.get(1)))));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (GeneralSecurityException | IllegalArgumentException e) {
            throw new UncheckedIOException(new IOException(file + " is no key of receipts", e));
        }
    }

    private static void make(Path file) throws IOException, GeneralSecurityException {
        KeyPair pair = KeyPairGenerator.getInstance(ALGORITHM).generateKeyPair();
        String text = TEXT.encodeToString(pair.getPrivate().getEncoded()) + "\n"
                + TEXT.encodeToString(pair.getPublic().getEncoded()) + "\n";
        Path folder = file.toAbsolutePath().getParent();
        Files.createDirectories(folder);
        Path half = Files.createTempFile( // for the owner alone from its first byte on
                folder,
                ".receipt-key",
                "",
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        try {
            Files.writeString(half, text);
            Files.createLink(file, half); // of two programs that begin together, one makes the key
        } catch (FileAlreadyExistsException e) {
            // the other one did
        } catch (UnsupportedOperationException e) {
            Files.move(half, file, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(half);
        }
    }

    /** A compact JSON Web Signature of this payload. */
    public String sign(ObjectNode payload) {
        ObjectNode header =
                JsonNodeFactory.instance.objectNode().put("alg", "EdDSA").put("kid", id());
        String signed = TEXT.encodeToString(header.toString().getBytes(UTF_8)) + "."
                + TEXT.encodeToString(payload.toString().getBytes(UTF_8));
        try {
            Signature signature = Signature.getInstance(ALGORITHM);
            signature.initSign(secret);
            signature.update(signed.getBytes(UTF_8));
            return signed + "." + TEXT.encodeToString(signature.sign());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has " + ALGORITHM, e);
        }
    }

    /** What a receipt says; empty if it was not signed with this key, or was changed since. */
    public Optional<JsonNode> verified(String receipt) {
        String[] parts = receipt.strip().split("\\.", -1);
        if (parts.length != 3) {
            return Optional.empty();
        }
        try {
            Signature signature = Signature.getInstance(ALGORITHM);
            signature.initVerify(open);
            signature.update((parts[0] + "." + parts[1]).getBytes(UTF_8));
            return signature.verify(BYTES.decode(parts[2]))
                    ? Optional.of(JSON.readTree(BYTES.decode(parts[1])))
                    : Optional.empty();
        } catch (GeneralSecurityException | IllegalArgumentException | IOException e) {
            return Optional.empty();
        }
    }

    /**
     * 32 bytes that only who has the private key can make: the key for another purpose (HMAC-SHA256 of the purpose under the
     * private key, as in the expansion of RFC 5869).
     */
    public byte[] derived(String purpose) {
        try {
            Mac mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(secret.getEncoded(), "HmacSHA256"));
            return mac.doFinal(purpose.getBytes(UTF_8));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has HmacSHA256", e);
        }
    }

    /** The public key as a JSON Web Key. */
    public ObjectNode publicKey() {
        byte[] encoded = open.getEncoded();
        return JsonNodeFactory.instance
                .objectNode()
                .put("kty", "OKP")
                .put("crv", ALGORITHM)
                .put("alg", "EdDSA")
                .put("use", "sig")
                .put("kid", id())
                .put("x", TEXT.encodeToString(Arrays.copyOfRange(encoded, encoded.length - RAW, encoded.length)));
    }

    /** Names the key without telling it: base64url of the first 96 bits of the public key's SHA-256. */
    public String id() {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(open.getEncoded());
            return TEXT.encodeToString(Arrays.copyOf(digest, 12));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
