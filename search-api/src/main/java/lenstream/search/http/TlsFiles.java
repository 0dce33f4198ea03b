package lenstream.search.http;

import io.helidon.common.configurable.Resource;
import io.helidon.common.pki.Keys;
import io.helidon.common.tls.Tls;
import io.helidon.common.tls.TlsClientAuth;
import io.helidon.common.tls.TlsConfig;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * PEM files for TLS. Immutable.
 *
 * @param certificate the server's certificate and those that lead to its authority
 * @param key its private key, PKCS#8, not encrypted
 * @param clientAuthority certificates of the authorities whose clients are let in, and no others; null for any client
 */
public record TlsFiles(Path certificate, Path key, @Nullable Path clientAuthority) {
    public TlsFiles {
        requireFile("certificate", certificate);
        requireFile("key", key);
        if (clientAuthority != null) {
            requireFile("client_authority", clientAuthority);
        }
    }

    /** TLS 1.2 and 1.3 with the JDK's own choice of ciphers. */
    public Tls tls() {
        TlsConfig.Builder builder = TlsConfig.builder()
                .addEnabledProtocol("TLSv1.3")
                .addEnabledProtocol("TLSv1.2")
                .privateKey(keys().privateKey().orElseThrow())
                .privateKeyCertChain(keys().certChain());
        if (clientAuthority != null) {
            builder.clientAuth(TlsClientAuth.REQUIRED)
                    .trust(Keys.builder()
                            .pem(pem -> pem.certificates(Resource.create(clientAuthority)))
                            .build()
                            .certs());
        }
        return Tls.create(builder.buildPrototype());
    }

    private Keys keys() {
        return Keys.builder()
                .pem(pem -> pem.key(Resource.create(key)).certChain(Resource.create(certificate)))
                .build();
    }

    private static void requireFile(String name, Path file) {
        if (!Files.isReadable(file)) {
            throw new IllegalArgumentException(name + ": there is no readable file " + file);
        }
    }
}
