package lenstream.websim;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.net.spi.InetAddressResolver;
import java.net.spi.InetAddressResolverProvider;
import java.util.stream.Stream;

/**
 * Leads the names of simulated hosts to loopback, in every JVM that has this module on its class path; every other name is
 * resolved as usual. {@code .test} is reserved for this (RFC 6761).
 */
public final class SimNames extends InetAddressResolverProvider {
    private static final String SUFFIX = ".websim.test";

    /** The name of a host. */
    static String of(int host) {
        return "h" + host + SUFFIX;
    }

    @Override
    public InetAddressResolver get(Configuration configuration) {
        InetAddressResolver usual = configuration.builtinResolver();
        return new InetAddressResolver() {
            @Override
            public Stream<InetAddress> lookupByName(String host, LookupPolicy policy) throws UnknownHostException {
                return host.endsWith(SUFFIX)
                        ? Stream.of(InetAddress.getByAddress(host, new byte[] {127, 0, 0, 1}))
                        : usual.lookupByName(host, policy);
            }

            @Override
            public String lookupByAddress(byte[] address) throws UnknownHostException {
                return usual.lookupByAddress(address);
            }
        };
    }

    @Override
    public String name() {
        return "websim";
    }
}
