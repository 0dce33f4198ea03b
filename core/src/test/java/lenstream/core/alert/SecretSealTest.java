package lenstream.core.alert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import lenstream.core.config.Secret;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SecretSealTest {
    private static final Secret SECRET = new Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");

    @TempDir
    Path folder;

    private SecretSeal seal() {
        return new SecretSeal(folder.resolve("receipt-key"));
    }

    @Test
    void whatIsSealedIsOpenedByAnotherProcessWithTheSameFileAlone() throws Exception {
        Secret sealed = seal().seal(SECRET, "a");
        assertThat(sealed.value()).startsWith("sealed1:").doesNotContain("whsec_", "MfKQ9r8GKYqr");
        assertThat(seal().open(sealed, "a")).isEqualTo(SECRET);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.resolve("receipt-key"))))
                .isEqualTo("rw-------");

        var other = new SecretSeal(folder.resolve("another"));
        assertThatThrownBy(() -> other.open(sealed, "a"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("another")
                .hasMessageContaining("put the key file of this installation back, or make anew")
                .hasMessageNotContaining(sealed.value());
    }

    @Test
    void aSealIsForOneOwnerAndNeverTwiceTheSame() {
        SecretSeal seal = seal();
        Secret first = seal.seal(SECRET, "a");
        assertThat(seal.seal(SECRET, "a")).isNotEqualTo(first);
        assertThatThrownBy(() -> seal.open(first, "b")).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void whatWasChangedOrCutIsRefused() {
        SecretSeal seal = seal();
        String sealed = seal.seal(SECRET, "a").value();
        char last = sealed.charAt(20);
        String changed = sealed.substring(0, 20) + (last == 'A' ? 'B' : 'A') + sealed.substring(21);
        assertThatThrownBy(() -> seal.open(new Secret(changed), "a")).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> seal.open(new Secret("sealed1:AAAA"), "a"))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> seal.open(new Secret("sealed1:%"), "a")).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aSecretOfAnEarlierVersionStandsInClear() {
        assertThat(seal().open(SECRET, "a")).isEqualTo(SECRET);
    }
}
