package lenstream.core.web;

import java.net.IDN;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Canonical form of image and page URLs, so that one image has one document. The rules, in order:
 *
 * <ol>
 *   <li>surrounding white space and control characters are dropped; inside, tabs and line breaks are dropped and spaces
 *       become {@code %20};
 *   <li>only {@code http} and {@code https}; a URL with user name or password is refused;
 *   <li>scheme and host in lower case, the host in ASCII (IDNA 2003), without a trailing dot; a host with one of the
 *       characters that IDNA 2008 reads as another name (ß, ς, joiners) is refused; the default port is dropped;
 *   <li>the fragment is dropped;
 *   <li>{@code .} and {@code ..} are resolved, backslashes in the path count as slashes, an empty path is {@code /};
 *   <li>percent-encoding: unreserved characters are decoded, hex digits are upper case, what may not stand bare is
 *       encoded as UTF-8;
 *   <li>known tracking parameters ({@code utm_*, gclid, fbclid, msclkid, mc_eid, igshid}) are dropped, the others keep
 *       their order; an empty query is dropped.
 * </ol>
 *
 * <p>Source: RFC 3986 §6.2 (syntax- and scheme-based normalisation) and the URL standard's treatment of white space and
 * backslashes. At most 8,191 characters, longer ones are refused. Immutable.
 *
 * @param value the canonical URL
 * @param scheme {@code http} or {@code https}
 * @param host in ASCII; an IPv6 address in brackets and in the form of RFC 5952
 * @param port explicit or default
 * @param path begins with a slash
 * @param query without the question mark; empty if there is none
 */
public record CanonicalUrl(String value, String scheme, String host, int port, String path, String query) {
    private static final String UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    private static final String PATH_SAFE = UNRESERVED + "!$&'()*+,;=:@/";
    private static final String QUERY_SAFE = PATH_SAFE + "?";
    private static final List<String> TRACKING = List.of("gclid", "fbclid", "msclkid", "mc_eid", "igshid");
    // sharp s small and capital, final sigma, zero-width joiners
    private static final String DEVIATIONS = "\u00df\u1e9e\u03c2\u200c\u200d";
    private static final int LONGEST = 8191; // what the index keeps of a URL

    /** The canonical form, or empty if this is no URL that can be fetched. */
    public static Optional<CanonicalUrl> of(String url) {
        String cleaned = clean(url);
        int colon = cleaned.indexOf(':');
        if (colon <= 0 || cleaned.length() > LONGEST) {
            return Optional.empty();
        }
        String scheme = cleaned.substring(0, colon).toLowerCase(Locale.ROOT);
        if (!scheme.equals("http") && !scheme.equals("https")) {
            return Optional.empty();
        }
        String rest = slashed(cleaned.substring(colon + 1));
        if (!rest.startsWith("//")) {
            return Optional.empty();
        }
        rest = rest.substring(2);
        int end = firstOf(rest, "/?#");
        return authority(scheme, rest.substring(0, end), rest.substring(end));
    }

    /** Resolves a reference as found in this document, such as {@code ../a.jpg} or {@code //cdn.example/a.jpg}. */
    public Optional<CanonicalUrl> resolve(String reference) {
        String cleaned = clean(reference);
        if (cleaned.isEmpty() || cleaned.startsWith("#")) {
            return cleaned.isEmpty() ? Optional.empty() : Optional.of(this);
        }
        int colon = cleaned.indexOf(':');
        int special = firstOf(cleaned, "/?#\\");
        if (colon > 0 && colon < special && cleaned.substring(0, colon).chars().allMatch(CanonicalUrl::schemeChar)) {
            return of(cleaned);
        }
        String slashed = slashed(cleaned);
        if (slashed.startsWith("//")) {
            return of(scheme + ":" + slashed);
        }
        if (slashed.startsWith("/")) {
            return of(origin() + slashed);
        }
        if (slashed.startsWith("?")) {
            return of(origin() + path + slashed);
        }
        return of(origin() + path.substring(0, path.lastIndexOf('/') + 1) + slashed);
    }

    /** Scheme, host and port as they stand in front of a path; what a robots.txt is valid for. */
    public String origin() {
        return scheme + "://" + hostAndPort();
    }

    /** Host, with the port unless it is the scheme's default; the politeness key. */
    public String hostAndPort() {
        return port == defaultPort(scheme) ? host : host + ":" + port;
    }

    /** Path and query as they are asked for and matched by robots rules. */
    public String pathAndQuery() {
        return query.isEmpty() ? path : path + "?" + query;
    }

    @Override
    public String toString() {
        return value;
    }

    private static Optional<CanonicalUrl> authority(String scheme, String authority, String tail) {
        if (authority.isEmpty() || authority.indexOf('@') >= 0) {
            return Optional.empty();
        }
        int portAt =
                authority.startsWith("[") ? authority.indexOf(':', authority.indexOf(']') + 1) : authority.indexOf(':');
        String host = portAt < 0 ? authority : authority.substring(0, portAt);
        int port = defaultPort(scheme);
        if (portAt >= 0 && portAt + 1 < authority.length()) {
            String digits = authority.substring(portAt + 1);
            if (!digits.chars().allMatch(c -> c >= '0' && c <= '9')) {
                return Optional.empty();
            }
            try {
                port = Integer.parseInt(digits);
            } catch (NumberFormatException e) {
                return Optional.empty();
            }
            if (port < 1 || port > 65_535) {
                return Optional.empty();
            }
        }
        String ascii = asciiHost(host);
        if (ascii.isEmpty()) {
            return Optional.empty();
        }
        int fragment = tail.indexOf('#');
        String withoutFragment = fragment < 0 ? tail : tail.substring(0, fragment);
        int question = withoutFragment.indexOf('?');
        String path = question < 0 ? withoutFragment : withoutFragment.substring(0, question);
        String query = question < 0 ? "" : withoutTracking(withoutFragment.substring(question + 1));
        String canonicalPath = withoutDots(escape(path.isEmpty() ? "/" : path, PATH_SAFE));
        String canonicalQuery = escape(query, QUERY_SAFE);
        String hostAndPort = port == defaultPort(scheme) ? ascii : ascii + ":" + port;
        String value =
                scheme + "://" + hostAndPort + canonicalPath + (canonicalQuery.isEmpty() ? "" : "?" + canonicalQuery);
        if (value.length() > LONGEST) { // encoding makes up to nine characters of one
            return Optional.empty();
        }
        return Optional.of(new CanonicalUrl(value, scheme, ascii, port, canonicalPath, canonicalQuery));
    }

    private static String asciiHost(String host) {
        if (host.startsWith("[")) {
            return host.endsWith("]") ? ipv6(host.substring(1, host.length() - 1)) : "";
        }
        if (firstOf(host, DEVIATIONS) < host.length()) {
            return "";
        }
        try {
            String ascii = IDN.toASCII(host, IDN.ALLOW_UNASSIGNED).toLowerCase(Locale.ROOT);
            String bare = ascii.endsWith(".") ? ascii.substring(0, ascii.length() - 1) : ascii;
            boolean plain = !bare.isEmpty()
                    && bare.length() <= 253
                    && bare.chars().allMatch(c -> c > ' ' && c < 127 && "<>\"`{}|\\^%[]/?#@:".indexOf(c) < 0);
            return plain ? bare : "";
        } catch (IllegalArgumentException e) {
            return "";
        }
    }

    /** With slashes for backslashes, which a query may hold. */
    private static String slashed(String text) {
        int end = firstOf(text, "?#");
        return text.substring(0, end).replace('\\', '/') + text.substring(end);
    }

    /** An IPv6 address in its one form (RFC 5952), in brackets; empty if it is none. */
    private static String ipv6(String literal) {
        if (literal.indexOf(':') < 0 || !literal.chars().allMatch(c -> "0123456789abcdefABCDEF:.".indexOf(c) >= 0)) {
            return "";
        }
        byte[] address;
        try {
            address = InetAddress.getByName("[" + literal + "]").getAddress(); // a literal: no name is looked up
        } catch (UnknownHostException e) {
            return "";
        }
        int[] groups = new int[8];
        if (address.length == 4) { // Java gives ::ffff:a.b.c.d as IPv4
            groups[5] = 0xffff;
        }
        for (int i = 0; i < address.length; i++) {
            groups[8 - address.length / 2 + i / 2] |= (address[i] & 0xff) << (i % 2 == 0 ? 8 : 0);
        }
        int zerosAt = -1;
        int zeros = 1; // a single group of zeros is not shortened
        for (int from = 0; from < 8; from++) {
            int to = from;
            while (to < 8 && groups[to] == 0) {
                to++;
            }
            if (to - from > zeros) {
                zerosAt = from;
                zeros = to - from;
            }
        }
        var out = new StringBuilder("[");
        for (int i = 0; i < 8; i++) {
            if (i == zerosAt) {
                out.append("::");
                i += zeros - 1;
            } else {
                boolean first = i == 0 || out.charAt(out.length() - 1) == ':';
                out.append(first ? "" : ":").append(Integer.toHexString(groups[i]));
            }
        }
        return out.append(']').toString();
    }

    private static String withoutTracking(String query) {
        var kept = new ArrayList<String>();
        for (String parameter : query.split("&", -1)) {
            int equals = parameter.indexOf('=');
            String name = (equals < 0 ? parameter : parameter.substring(0, equals)).toLowerCase(Locale.ROOT);
            if (!name.startsWith("utm_") && !TRACKING.contains(name)) {
                kept.add(parameter);
            }
        }
        return String.join("&", kept);
    }

    private static String withoutDots(String path) {
        var segments = new ArrayDeque<String>();
        String[] parts = path.split("/", -1);
        for (int i = 1; i < parts.length; i++) {
            boolean last = i == parts.length - 1;
            switch (parts[i]) {
                case "." -> {
                    if (last) {
                        segments.addLast("");
                    }
                }
                case ".." -> {
                    segments.pollLast();
                    if (last) {
                        segments.addLast("");
                    }
                }
                default -> segments.addLast(parts[i]);
            }
        }
        return "/" + String.join("/", segments);
    }

    private static String escape(String text, String safe) {
        var out = new StringBuilder(text.length() + 16);
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        for (int i = 0; i < utf8.length; i++) {
            char c = (char) (utf8[i] & 0xff);
            if (c == '%'
                    && i + 2 < utf8.length
                    && HexFormat.isHexDigit(utf8[i + 1])
                    && HexFormat.isHexDigit(utf8[i + 2])) {
                char decoded = (char) (HexFormat.fromHexDigit(utf8[i + 1]) << 4 | HexFormat.fromHexDigit(utf8[i + 2]));
                i += 2;
                if (UNRESERVED.indexOf(decoded) >= 0) {
                    out.append(decoded);
                } else {
                    percent(out, decoded);
                }
            } else if (safe.indexOf(c) >= 0) {
                out.append(c);
            } else {
                percent(out, c);
            }
        }
        return out.toString();
    }

    private static void percent(StringBuilder out, char octet) {
        out.append('%').append(HexFormat.of().withUpperCase().toHexDigits((byte) octet));
    }

    private static String clean(String url) {
        var out = new StringBuilder(url.length());
        url.strip().chars().filter(c -> c >= ' ' && c != 127).forEach(c -> out.append((char) c));
        return out.toString().strip();
    }

    private static boolean schemeChar(int c) {
        return c == '+' || c == '-' || c == '.' || Character.isLetterOrDigit(c);
    }

    private static int firstOf(String text, String stops) {
        for (int i = 0; i < text.length(); i++) {
            if (stops.indexOf(text.charAt(i)) >= 0) {
                return i;
            }
        }
        return text.length();
    }

    private static int defaultPort(String scheme) {
        return scheme.equals("https") ? 443 : 80;
    }
}
