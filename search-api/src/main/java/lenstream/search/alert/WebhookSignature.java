package lenstream.search.alert;

import java.nio.charset.StandardCharsets;
import java.security.InvalidKeyException;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import lenstream.core.config.Secret;

/**
 * The signature of Standard Webhooks: {@code webhook-signature: v1,} and the base64 of the HMAC-SHA256 of id, timestamp and
 * body, joined by dots. Source: https://www.standardwebhooks.com, specification 1.0.
 */
public final class WebhookSignature {
    private static final String PREFIX = "whsec_";
    private static final String METHOD = "HmacSHA256";
    /** The specification asks for 24 to 64 bytes. */
    private static final int LEAST = 24;

    private static final int MOST = 64;
    private static final int NEW = 32;
    private static final SecureRandom RANDOM = new SecureRandom();

    private WebhookSignature() {}

    /** A new key. */
    public static Secret secret() {
        var key = new byte[NEW];
        RANDOM.nextBytes(key);
        return new Secret(PREFIX + Base64.getEncoder().encodeToString(key));
    }

    /** Whether a text is a key: {@code whsec_} and the base64 of 24 to 64 bytes. */
    public static boolean isSecret(String text) {
        if (!text.startsWith(PREFIX)) {
            return false;
        }
        try {
            int length = Base64.getDecoder().decode(text.substring(PREFIX.length())).length;
            return length >= LEAST && length <= MOST;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    /**
     * The headers that prove who sent a body.
     *
     * @param id of the message; the same however often it is sent
     * @param seconds when it is sent, epoch seconds
     */
    static Map<String, String> headers(Secret secret, String id, long seconds, byte[] body) {
        var headers = new LinkedHashMap<String, String>();
        headers.put("webhook-id", id);
        headers.put("webhook-timestamp", Long.toString(seconds));
        headers.put("webhook-signature", "v1," + sign(secret, id, seconds, body));
        return headers;
    }

    private static String sign(Secret secret, String id, long seconds, byte[] body) {
        byte[] key = Base64.getDecoder().decode(secret.value().substring(PREFIX.length()));
        try {
            Mac mac = Mac.getInstance(METHOD);
            mac.init(new SecretKeySpec(key, METHOD));
            mac.update((id + "." + seconds + ".").getBytes(StandardCharsets.UTF_8));
            return Base64.getEncoder().encodeToString(mac.doFinal(body));
        } catch (NoSuchAlgorithmException | InvalidKeyException e) {
            throw new IllegalStateException("every JDK has " + METHOD, e);
        }
    }
}
