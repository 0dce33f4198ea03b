package lenstream.search.alert;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import lenstream.core.config.Secret;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WebhookSignatureTest {
    /** Computed apart, with Python's hmac module, from the specification's example key, id, time and body. */
    @Test
    void theSignatureIsThatOfTheSpecification() {
        byte[] body = "{\"test\": 2432232314}".getBytes(StandardCharsets.UTF_8);
        var headers = WebhookSignature.headers(
                new Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
                "msg_p5jXN8AQM9LWM0D4loKWxJek",
                1_614_265_330,
                body);
        assertThat(headers)
                .containsEntry("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek")
                .containsEntry("webhook-timestamp", "1614265330")
                .containsEntry("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    @Test
    void aNewKeyIsOneAndNoOtherIsLikeIt() {
        Secret secret = WebhookSignature.secret();
        assertThat(WebhookSignature.isSecret(secret.value())).isTrue();
        assertThat(WebhookSignature.secret()).isNotEqualTo(secret);
        assertThat(secret.toString()).isEqualTo("***");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "whsec_", "whsec_c2hvcnQ=", "whsec_???", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})
    void aShortKeyOrNoneIsRefused(String text) {
        assertThat(WebhookSignature.isSecret(text)).isFalse();
    }

    @Test
    void waitsGrowFourfoldUpToTheLongestAndSpread() {
        var config = new AlertConfig(10, Duration.ofSeconds(5), Duration.ofHours(6), Duration.ofDays(30));
        assertThat(config.delayMillis(1, 1)).isEqualTo(5_000);
        assertThat(config.delayMillis(1, 0)).isEqualTo(2_500);
        assertThat(config.delayMillis(3, 1)).isEqualTo(80_000);
        assertThat(config.delayMillis(9, 1)).isEqualTo(Duration.ofHours(6).toMillis());
        assertThat(config.delayMillis(99, 1)).isEqualTo(Duration.ofHours(6).toMillis());
    }
}
