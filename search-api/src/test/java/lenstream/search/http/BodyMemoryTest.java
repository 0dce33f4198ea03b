package lenstream.search.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class BodyMemoryTest {
    @Test
    void whatHasNoRoomIsRefusedAndTakesNoneFromOthers() {
        var memory = new BodyMemory(100);
        memory.take(60);
        assertThatThrownBy(() -> memory.take(41))
                .isInstanceOfSatisfying(
                        ProblemException.class, e -> assertThat(e.status()).isEqualTo(429));
        memory.take(40);
        memory.give(60);
        memory.take(60);
        assertThat(memory.held()).isEqualTo(100);
    }

    @Test
    void theLargestBodyFitsWhateverTheHeap() {
        long largest = Runtime.getRuntime().maxMemory();
        var memory = BodyMemory.ofHeap(largest);
        memory.take(largest);
        assertThat(memory.held()).isEqualTo(largest);
    }
}
