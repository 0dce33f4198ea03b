package lenstream.search.push;

import java.nio.charset.StandardCharsets;
import java.security.InvalidKeyException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** {@code X-Hub-Signature} of a WebSub delivery: {@code method=hex}, an HMAC of the body. */
final class Signature {
    private static final Map<String, String> METHODS =
            Map.of("sha1", "HmacSHA1", "sha256", "HmacSHA256", "sha384", "HmacSHA384", "sha512", "HmacSHA512");

    private Signature() {}

    /** Whether the header signs this body with the secret; takes the same time wherever it differs. */
    static boolean isOf(String header, byte[] body, String secret) {
        int equals = header.indexOf('=');
        String method = equals < 0 ? null : METHODS.get(header.substring(0, equals));
        if (method == null) {
            return false;
        }
        byte[] sent;
        try {
            sent = HexFormat.of().parseHex(header.substring(equals + 1).strip());
        } catch (IllegalArgumentException e) {
            return false;
        }
        return MessageDigest.isEqual(sent, hmac(method, body, secret));
    }

    private static byte[] hmac(String method, byte[] body, String secret) {
        try {
            Mac mac = Mac.getInstance(method);
            mac.init(new SecretKeySpec(secret.getBytes(StandardCharsets.UTF_8), method));
            return mac.doFinal(body);
        } catch (NoSuchAlgorithmException | InvalidKeyException e) {
            throw new IllegalStateException("every JDK has " + method, e);
        }
    }
}
