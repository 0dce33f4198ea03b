package lenstream.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JobLockTest {
    @TempDir
    Path folder;

    @Test
    void aSecondRunIsToldWhoHoldsTheDirectory() {
        Path directory = folder.resolve("jobs/crawl");
        try (JobLock first = JobLock.take(directory)) {
            assertThatThrownBy(() -> take(directory))
                    .isInstanceOf(JobFailedException.class)
                    .hasMessageContaining("process " + ProcessHandle.current().pid())
                    .hasMessageContaining("name another folder with --data");
        }
    }

    @Test
    void theNextRunGetsIt() {
        try (JobLock first = JobLock.take(folder)) {
            assertThat(folder.resolve("lock")).exists();
        }
        try (JobLock second = JobLock.take(folder)) {
            assertThat(folder.resolve("lock"))
                    .hasContent(Long.toString(ProcessHandle.current().pid()));
        }
    }

    private static void take(Path directory) {
        try (JobLock lock = JobLock.take(directory)) {
            assertThat(lock).isNotNull();
        }
    }
}
