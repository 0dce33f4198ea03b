package lenstream.core.web;

import java.io.Serializable;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Decides which addresses may be connected to, so that no URL from the web can reach the inside of a network. Refused
 * unless allowed by name: this host, private, shared (RFC 6598), link-local (with the cloud metadata addresses),
 * multicast, benchmark, documentation and reserved ranges, local-use NAT64 and IPv4-translated addresses, and every IPv6
 * form that embeds such an IPv4 address (mapped, compatible, NAT64, 6to4, Teredo). Allowed addresses outside an explicit
 * network only on ports 80 and 443.
 *
 * <p>Source: the IANA special-purpose address registries (RFC 6890). Immutable, thread-safe.
 */
public final class AddressGuard implements Serializable {
    private static final long serialVersionUID = 1;

    private static final List<Network> SPECIAL = Network.all(List.of(
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
            "::/127",
            "::ffff:0:0:0/96",
            "64:ff9b:1::/48",
            "100::/64",
            "2001:2::/48",
            "2001:10::/28",
            "2001:db8::/32",
            "3fff::/20",
            "5f00::/16",
            "fc00::/7",
            "fe80::/10",
            "fec0::/10",
            "ff00::/8"));

    private final List<Network> allowed;

    private AddressGuard(List<Network> allowed) {
        this.allowed = allowed;
    }

    /**
     * @param allowPrivate networks in CIDR notation that may be reached although they are special, on any port
     * @throws IllegalArgumentException if one is no network
     */
    public static AddressGuard allowing(List<String> allowPrivate) {
        return new AddressGuard(Network.all(allowPrivate));
    }

    /** Whether a connection to this address and port may be opened. */
    public boolean allows(InetAddress address, int port) {
        if (isListed(address)) {
            return true;
        }
        return (port == 80 || port == 443) && !isSpecial(address);
    }

    /** Whether the address lies in a network that the person listed. */
    public boolean isListed(InetAddress address) {
        return allowed.stream().anyMatch(network -> network.contains(address.getAddress()));
    }

    private static boolean isSpecial(InetAddress address) {
        byte[] bytes = address.getAddress();
        if (SPECIAL.stream().anyMatch(network -> network.contains(bytes))) {
            return true;
        }
        return address instanceof Inet6Address && embedded(bytes).stream().anyMatch(AddressGuard::isSpecial);
    }

    /** The IPv4 addresses that an IPv6 address may lead to. */
    private static List<InetAddress> embedded(byte[] b) {
        var found = new ArrayList<InetAddress>();
        boolean zeros = true;
        for (int i = 0; i < 10; i++) {
            zeros &= b[i] == 0;
        }
        if (zeros && (b[10] == b[11]) && (b[10] == 0 || b[10] == -1)) { // ::a.b.c.d and ::ffff:a.b.c.d
            found.add(v4(b, 12, 0));
        }
        if (b[0] == 0 && b[1] == 0x64 && b[2] == (byte) 0xff && b[3] == (byte) 0x9b) { // 64:ff9b::/96
            found.add(v4(b, 12, 0));
        }
        if (b[0] == 0x20 && b[1] == 0x02) { // 2002:a.b.c.d::/48
            found.add(v4(b, 2, 0));
        }
        if (b[0] == 0x20 && b[1] == 0x01 && b[2] == 0 && b[3] == 0) { // 2001::/32, client address inverted
            found.add(v4(b, 4, 0));
            found.add(v4(b, 12, 0xff));
        }
        return found;
    }

    private static InetAddress v4(byte[] bytes, int from, int mask) {
        byte[] v4 = Arrays.copyOfRange(bytes, from, from + 4);
        for (int i = 0; i < 4; i++) {
            v4[i] = (byte) (v4[i] ^ mask);
        }
        try {
            return InetAddress.getByAddress(v4);
        } catch (UnknownHostException e) {
            throw new IllegalStateException("four bytes are an address", e);
        }
    }

    private record Network(byte[] base, int bits) implements Serializable {
        static List<Network> all(List<String> texts) {
            return texts.stream().map(Network::parse).toList();
        }

        static Network parse(String text) {
            int slash = text.indexOf('/');
            String address = slash < 0 ? text : text.substring(0, slash);
            boolean numeric =
                    !address.isEmpty() && address.chars().allMatch(c -> "0123456789abcdefABCDEF:.".indexOf(c) >= 0);
            try {
                if (numeric
                        && (address.indexOf(':') >= 0
                                || address.chars().filter(c -> c == '.').count() == 3)) {
                    byte[] base = InetAddress.getByName(address).getAddress();
                    int bits = slash < 0 ? base.length * 8 : Integer.parseInt(text.substring(slash + 1));
                    if (bits >= 0 && bits <= base.length * 8) {
                        return new Network(base, bits);
                    }
                }
            } catch (UnknownHostException | NumberFormatException e) {
                throw new IllegalArgumentException("\"" + text + "\" is no network; write for example 127.0.0.0/8", e);
            }
            throw new IllegalArgumentException("\"" + text + "\" is no network; write for example 127.0.0.0/8");
        }

        boolean contains(byte[] address) {
            if (address.length != base.length) {
                return false;
            }
            for (int bit = 0; bit < bits; bit++) {
                int mask = 0x80 >> (bit & 7);
                if ((address[bit >> 3] & mask) != (base[bit >> 3] & mask)) {
                    return false;
                }
            }
            return true;
        }
    }
}
