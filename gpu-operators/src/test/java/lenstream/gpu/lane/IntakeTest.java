package lenstream.gpu.lane;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How lanes get their images; needs no device. */
@Timeout(30)
final class IntakeTest {
    private final Job job = new Job(100, () -> {});
    private final Intake intake = new Intake();
    private final List<Item> taken = new ArrayList<>();

    private Item item(int index) {
        return new Item(new byte[0], job, index, false);
    }

    @Test
    void whatWasDecodedOnTheCpuGoesBeforeWhatCameLater() throws InterruptedException {
        Item first = item(0);
        Item second = item(1);
        Item third = item(2);
        intake.add(List.of(second, third));
        intake.addFirst(first);
        intake.take(taken, 2, () -> false);
        assertThat(taken).containsExactly(first, second);
        intake.giveBack(List.of(first, second));
        taken.clear();
        intake.take(taken, 8, () -> false);
        assertThat(taken).containsExactly(first, second, third);
    }

    @Test
    void oneImageAloneDoesNotWait() throws InterruptedException {
        intake.add(List.of(item(0)));
        var asked = new AtomicInteger();
        intake.take(taken, 128, () -> {
            asked.incrementAndGet();
            return false;
        });
        assertThat(taken).hasSize(1);
        assertThat(asked).hasValue(1);
    }

    @Test
    void fewImagesWaitForThoseThatAreBeingDecoded() throws InterruptedException {
        intake.add(List.of(item(0)));
        var asked = new AtomicInteger();
        intake.take(taken, 4, () -> {
            if (asked.incrementAndGet() == 1) {
                intake.addFirst(item(1));
            }
            return true;
        });
        assertThat(taken).hasSize(2);
    }

    @Test
    void theWaitEndsAlthoughNothingComes() throws InterruptedException {
        intake.add(List.of(item(0)));
        long start = System.nanoTime();
        intake.take(taken, 128, () -> true);
        assertThat(taken).hasSize(1);
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isBetween(Duration.ofMillis(4), Duration.ofSeconds(10));
    }
}
