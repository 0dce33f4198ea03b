package lenstream.core.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AddressGuardTest {
    private static final AddressGuard NOTHING_PRIVATE = AddressGuard.allowing(List.of());

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0.0.0.0",
                "10.1.2.3",
                "100.64.0.1",
                "100.100.100.200",
                "127.0.0.1",
                "127.255.255.254",
                "169.254.169.254",
                "172.16.0.1",
                "172.31.255.255",
                "192.0.0.1",
                "192.0.2.1",
                "192.168.1.1",
                "198.18.0.1",
                "198.51.100.1",
                "203.0.113.1",
                "224.0.0.1",
                "239.255.255.255",
                "240.0.0.1",
                "255.255.255.255",
                "::",
                "::1",
                "fc00::1",
                "fd12::1",
                "fe80::1",
                "fec0::1",
                "ff02::1",
                "2001:db8::1",
                "::ffff:127.0.0.1",
                "::ffff:10.0.0.1",
                "::127.0.0.1",
                "64:ff9b::7f00:1",
                "64:ff9b::a9fe:a9fe",
                "2002:7f00:1::",
                "2002:c0a8:101::1",
                "2001:0:7f00:1::",
                "2001:0:808:808:0:0:80ff:fffe",
                "64:ff9b:1:7f00:0:100:808:808",
                "::ffff:0:7f00:1",
                "::ffff:0:808:808",
                "2001:2::1",
                "2001:10::1",
                "2001:1f:ffff::1",
                "3fff::1",
                "5f00::1"
            })
    void addressesInsideAreRefused(String address) throws Exception {
        assertThat(NOTHING_PRIVATE.allows(InetAddress.getByName(address), 80)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "8.8.8.8",
                "1.1.1.1",
                "172.32.0.1",
                "100.128.0.1",
                "192.0.1.1",
                "198.20.0.1",
                "223.255.255.255",
                "2606:4700::1111",
                "2001:3::1",
                "2001:20::1",
                "64:ff9b::808:808",
                "2002:808:808::1",
                "::ffff:8.8.8.8"
            })
    void addressesOutsideAreAllowedOnTheWebsPorts(String address) throws Exception {
        InetAddress outside = InetAddress.getByName(address);
        assertThat(NOTHING_PRIVATE.allows(outside, 80)).isTrue();
        assertThat(NOTHING_PRIVATE.allows(outside, 443)).isTrue();
        assertThat(NOTHING_PRIVATE.allows(outside, 22)).isFalse();
        assertThat(NOTHING_PRIVATE.allows(outside, 9200)).isFalse();
    }

    @Test
    void aListedNetworkIsAllowedOnEveryPortAndNoOther() throws Exception {
        var guard = AddressGuard.allowing(List.of("127.0.0.0/8", "fd00::/8"));
        assertThat(guard.allows(InetAddress.getByName("127.0.0.1"), 8080)).isTrue();
        assertThat(guard.allows(InetAddress.getByName("fd00::1"), 8080)).isTrue();
        assertThat(guard.allows(InetAddress.getByName("10.0.0.1"), 80)).isFalse();
        assertThat(guard.allows(InetAddress.getByName("::1"), 80)).isFalse();
        assertThat(guard.isListed(InetAddress.getByName("8.8.8.8"))).isFalse();
    }

    @Test
    void aSingleAddressIsANetworkToo() throws Exception {
        var guard = AddressGuard.allowing(List.of("10.0.0.7", "10.1.0.0/31"));
        assertThat(guard.allows(InetAddress.getByName("10.0.0.7"), 1)).isTrue();
        assertThat(guard.allows(InetAddress.getByName("10.0.0.8"), 80)).isFalse();
        assertThat(guard.allows(InetAddress.getByName("10.1.0.1"), 80)).isTrue();
        assertThat(guard.allows(InetAddress.getByName("10.1.0.2"), 80)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"localhost", "127.0.0.0/33", "127.0.0.0/-1", "127.1/8", "", "10.0.0.0/x", "fc00::/129", "1:2"})
    void whatIsNoNetworkIsRefused(String text) {
        assertThatThrownBy(() -> AddressGuard.allowing(List.of(text)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("127.0.0.0/8");
    }
}
