package lenstream.search.http;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Pattern;
import lenstream.core.config.Check;
import lenstream.core.config.Secret;
import org.jspecify.annotations.Nullable;

/**
 * A bearer token and what it allows. Only its SHA-256 is kept. Immutable.
 *
 * @param name by which logs and receipts call its holder
 * @param token the token itself, which is forgotten once its hash is taken; null if the file holds the hash
 * @param tokenSha256 64 hexadecimal digits
 * @param scopes at least one
 */
public record AccessToken(
        String name, @Nullable Secret token, @Nullable String tokenSha256, List<Scope> scopes) {
    /** A token is a key, not a word that can be guessed: 16 random characters are 80 bits and more. */
    private static final int SHORTEST = 16;

    private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

    public AccessToken {
        Check.notBlank("name", name);
        if (name.equals(Guard.ANYONE) || name.equals(Guard.LOOPBACK)) {
            throw new IllegalArgumentException("name must not be \"" + name + "\", which means one without a token");
        }
        if ((token == null) == (tokenSha256 == null)) {
            throw new IllegalArgumentException("needs either token or token_sha256");
        }
        if (scopes.isEmpty()) {
            throw new IllegalArgumentException("scopes must name at least one of read, write, admin");
        }
        scopes = List.copyOf(scopes);
        if (token != null) {
            if (token.value().length() < SHORTEST) {
                throw new IllegalArgumentException("token must have at least " + SHORTEST + " characters");
            }
            tokenSha256 = HexFormat.of().formatHex(digest(token.value()));
            token = null;
        } else if (!SHA256.matcher(tokenSha256).matches()) {
            throw new IllegalArgumentException("token_sha256 must have 64 digits of 0-9 and a-f");
        }
    }

    /** A token that is known in clear. */
    public static AccessToken of(String name, Secret token, Scope... scopes) {
        return new AccessToken(name, token, null, List.of(scopes));
    }

    boolean allows(Scope wanted) {
        return scopes.stream().anyMatch(scope -> scope.compareTo(wanted) >= 0);
    }

    /** @param digest of a token that was sent */
    boolean is(byte[] digest) {
        return MessageDigest.isEqual(HexFormat.of().parseHex(String.valueOf(tokenSha256)), digest);
    }

    static byte[] digest(String token) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(token.getBytes(StandardCharsets.UTF_8));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
