package lenstream.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointsTest {
    @TempDir
    Path root;

    @Test
    void theNewestCompleteOneIsFoundWhateverWroteIt() throws IOException {
        complete("4f/chk-3", 1_000);
        complete("savepoint-1", 3_000);
        complete("9a/chk-1", 2_000);
        Files.createDirectories(root.resolve("9a/chk-2/no-metadata-yet"));
        assertThat(new Checkpoints(root).newest()).contains(root.resolve("savepoint-1"));
    }

    @Test
    void whereNothingIsCompleteTheJobStartsAfresh() throws IOException {
        Files.createDirectories(root.resolve("4f/chk-1"));
        assertThat(new Checkpoints(root).newest()).isEmpty();
        assertThat(new Checkpoints(root.resolve("absent")).newest()).isEmpty();
    }

    @Test
    void onlySavepointsAreTidiedAwayForCheckpointsAreFlinks() throws IOException {
        complete("4f/chk-3", 1_000);
        complete("savepoint-1", 2_000);
        complete("savepoint-2", 3_000);
        new Checkpoints(root).keepOnly(root.resolve("savepoint-2"));
        assertThat(root.resolve("savepoint-1")).doesNotExist();
        assertThat(root.resolve("savepoint-2/_metadata")).exists();
        assertThat(root.resolve("4f/chk-3/_metadata")).exists();
    }

    private void complete(String folder, long writtenMillis) throws IOException {
        Path metadata = Files.createDirectories(root.resolve(folder)).resolve("_metadata");
        Files.writeString(metadata, "state");
        Files.setLastModifiedTime(metadata, FileTime.fromMillis(writtenMillis));
    }
}
