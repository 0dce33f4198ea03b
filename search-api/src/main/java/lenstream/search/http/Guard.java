package lenstream.search.http;

import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import java.net.InetAddress;
import java.util.List;
import java.util.Locale;

/**
 * Decides who may use a route. Thread-safe.
 *
 * <ul>
 *   <li>Reads are open until a token is configured whose scopes name {@code read}; then they need a token.
 *   <li>Writes need a token with that scope where one is configured. Where none is, they answer only on loopback, and
 *       there only to programs and to pages of this server: not through a proxy, not to another site's page in a browser on
 *       this machine ({@code Origin}), not under another name for this machine ({@code Host}, DNS rebinding).
 * </ul>
 */
final class Guard {
    private static final String SCHEME = "bearer ";
    static final String LOOPBACK = "loopback";
    static final String ANYONE = "anyone";
    private static final List<HeaderName> PROXIED = List.of(
            HeaderNames.FORWARDED, HeaderNames.X_FORWARDED_FOR, HeaderNames.create("X-Real-IP"), HeaderNames.VIA);

    private final List<AccessToken> tokens;
    private final boolean readsGuarded;

    Guard(List<AccessToken> tokens) {
        this.tokens = List.copyOf(tokens);
        this.readsGuarded = tokens.stream().anyMatch(token -> token.scopes().contains(Scope.READ));
    }

    /**
     * Lets a request pass.
     *
     * @return the name of who asks: of the token, {@code loopback} or {@code anyone}
     * @throws ProblemException if it may not
     */
    String admit(Exchange exchange, Scope wanted) {
        String caller = admit(exchange.header(HeaderNames.AUTHORIZATION).orElse(""), wanted);
        if (caller.equals(ANYONE) && wanted != Scope.READ) {
            requireThisMachine(exchange);
            return LOOPBACK;
        }
        return caller;
    }

    /**
     * What a token alone decides.
     *
     * @param sent the value of {@code Authorization}; empty if there was none
     * @return the name of the token, or {@code anyone} where none is needed
     */
    String admit(String sent, Scope wanted) {
        boolean guarded = wanted == Scope.READ ? readsGuarded : tokens.stream().anyMatch(token -> token.allows(wanted));
        boolean bearer = sent.regionMatches(true, 0, SCHEME, 0, SCHEME.length());
        if (bearer) {
            byte[] digest = AccessToken.digest(sent.substring(SCHEME.length()).strip());
            AccessToken known = null;
            for (AccessToken token : tokens) { // all of them, so that the time tells nothing
                known = token.is(digest) ? token : known;
            }
            if (known != null && known.allows(wanted)) {
                return known.name();
            }
            if (guarded) {
                throw known == null
                        ? ProblemException.unauthorized(
                                "The bearer token is not known here.", "error=\"invalid_token\"")
                        : ProblemException.forbidden(
                                "The bearer token lacks the scope " + lower(wanted) + ".",
                                "error=\"insufficient_scope\", scope=\"" + lower(wanted) + "\"");
            }
        }
        if (guarded) {
            throw ProblemException.unauthorized(
                    "This address needs a bearer token with the scope " + lower(wanted)
                            + ": send it as Authorization: Bearer TOKEN.",
                    "scope=\"" + lower(wanted) + "\"");
        }
        return ANYONE;
    }

    private static void requireThisMachine(Exchange exchange) {
        String host = exchange.header(HeaderNames.HOST).orElse("");
        String origin = exchange.header(HeaderNames.ORIGIN).orElse("");
        InetAddress peer = exchange.peer();
        boolean here = peer != null
                && peer.isLoopbackAddress()
                && PROXIED.stream().noneMatch(name -> exchange.header(name).isPresent())
                && isLoopbackName(host)
                && (origin.isEmpty() || origin.endsWith("://" + host));
        if (!here) {
            throw ProblemException.forbidden(
                    "Without a configured token this address answers only on the server's own machine:"
                            + " configure one (tokens in the server's file) or call from there.",
                    "");
        }
    }

    private static boolean isLoopbackName(String authority) {
        int colon = authority.lastIndexOf(':');
        String name = colon > authority.lastIndexOf(']') ? authority.substring(0, colon) : authority;
        return name.equalsIgnoreCase("localhost") || name.equals("[::1]") || name.matches("127(\\.[0-9]{1,3}){3}");
    }

    private static String lower(Scope scope) {
        return scope.name().toLowerCase(Locale.ROOT);
    }
}
