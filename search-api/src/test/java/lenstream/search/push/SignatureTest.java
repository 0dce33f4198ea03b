package lenstream.search.push;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SignatureTest {
    /** Test case 2 of RFC 2202 (SHA-1) and RFC 4231 (SHA-2). */
    @ParameterizedTest
    @CsvSource({
        "sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79, true",
        "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843, true",
        "sha256=5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843, true",
        "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3844, false",
        "sha1=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843, false",
        "md5=750c783e6ab0b503eaa86e310a5db738, false",
        "sha256=xyz, false",
        "'', false"
    })
    void holdsWhatWasSigned(String header, boolean holds) {
        assertThat(Signature.isOf(header, "what do ya want for nothing?".getBytes(UTF_8), "Jefe"))
                .isEqualTo(holds);
    }
}
