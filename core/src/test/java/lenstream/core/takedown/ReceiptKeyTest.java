package lenstream.core.takedown;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReceiptKeyTest {
    private static final ObjectNode SAID = JsonNodeFactory.instance.objectNode().put("subject", "e.example");

    @TempDir
    Path folder;

    @Test
    void theSameFileVerifiesWhatItSignedAndNothingElse() {
        String receipt = ReceiptKey.at(folder.resolve("a")).sign(SAID);
        assertThat(ReceiptKey.at(folder.resolve("a")).verified(receipt)).contains(SAID);
        assertThat(ReceiptKey.at(folder.resolve("b")).verified(receipt)).isEmpty();
    }

    @Test
    void aChangedReceiptIsNone() {
        ReceiptKey key = ReceiptKey.at(folder.resolve("a"));
        String[] parts = key.sign(SAID).split("\\.");
        String[] other = key.sign(SAID.deepCopy().put("subject", "f.example")).split("\\.");
        assertThat(key.verified(parts[0] + "." + other[1] + "." + parts[2])).isEmpty();
        assertThat(key.verified("no receipt")).isEmpty();
    }

    @Test
    void theKeyIsItsOwnersAlone() throws IOException {
        Path file = folder.resolve("a");
        assertThat(ReceiptKey.at(file).publicKey().path("crv").asText()).isEqualTo("Ed25519");
        assertThat(Files.getPosixFilePermissions(file)).isEqualTo(PosixFilePermissions.fromString("rw-------"));
    }
}
