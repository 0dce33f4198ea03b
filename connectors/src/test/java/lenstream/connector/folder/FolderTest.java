package lenstream.connector.folder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import lenstream.core.config.ConfigException;
import lenstream.core.image.CrawlTarget;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.runtime.testutils.MiniClusterResourceConfiguration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.test.junit5.MiniClusterExtension;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class FolderTest {
    @RegisterExtension
    static final MiniClusterExtension FLINK = new MiniClusterExtension(new MiniClusterResourceConfiguration.Builder()
            .setNumberTaskManagers(1)
            .setNumberSlotsPerTaskManager(2)
            .build());

    @TempDir
    Path root;

    @BeforeEach
    void fill() throws IOException {
        write("b.jpg");
        write("a.PNG");
        write("notes.txt");
        write("sub/c.webp");
        write("sub/deep/d.gif");
        write(".hidden/e.jpg");
        write("sub/.f.jpg");
        Files.write(root.resolve("unnamed"), new byte[] {(byte) 0xff, (byte) 0xd8, (byte) 0xff, (byte) 0xe0});
    }

    @Test
    void everyImageIsFoundInOrder() throws Exception {
        assertThat(walk("")).containsExactly("a.PNG", "b.jpg", "sub/c.webp", "sub/deep/d.gif", "unnamed");
    }

    @Test
    void aWalkGoesOnBehindAnyFile() throws Exception {
        List<String> all = walk("");
        for (int i = 0; i < all.size(); i++) {
            assertThat(walk(all.get(i))).isEqualTo(all.subList(i + 1, all.size()));
        }
    }

    @Test
    void linksThatLeadBackUpDoNotCatchTheWalk() throws Exception {
        Files.createSymbolicLink(root.resolve("sub/loop"), root);
        Files.createSymbolicLink(root.resolve("gone"), root.resolve("nowhere"));
        assertThat(walk("")).hasSize(5);
    }

    @Test
    void captionsBelongToTheirFiles() throws Exception {
        Path tsv = Files.writeString(
                root.resolve("captions.tsv"), "# comment\nsub/c.webp\tA cat\n" + root.resolve("b.jpg") + "\tA bee\n");
        Captions captions = Captions.read(tsv, root);
        assertThat(captions.of(root.resolve("sub/c.webp"))).contains("A cat");
        assertThat(captions.of(root.resolve("b.jpg"))).contains("A bee");
        assertThat(captions.of(root.resolve("a.PNG"))).isEmpty();
        Files.writeString(tsv, "no tab\n");
        assertThatThrownBy(() -> Captions.read(tsv, root)).hasMessageContaining("line 1");
    }

    @Test
    void whatIsNoFolderIsNamedAtOnce() {
        assertThatThrownBy(() -> FolderSource.of(List.of(root.resolve("x"), root.resolve("y"))))
                .isInstanceOfSatisfying(
                        ConfigException.class, e -> assertThat(e.problems()).hasSize(2));
    }

    @Test
    void everyWrongLineOfTheCaptionsIsNamedBeforeAnythingStarts() throws Exception {
        FolderSource source = FolderSource.of(List.of(root));
        Path tsv = Files.writeString(root.resolve("captions.tsv"), "# comment\nno tab\n\nb.jpg\tA bee\n\tno name\n");
        assertThatThrownBy(() -> source.withCaptions(tsv))
                .isInstanceOfSatisfying(
                        ConfigException.class,
                        e -> assertThat(e.problems())
                                .containsExactly(
                                        tsv + " line 2: write file<TAB>caption",
                                        tsv + " line 5: write file<TAB>caption"));
        Files.write(tsv, new byte[] {'a', '\t', (byte) 0xe9, '\n'});
        assertThatThrownBy(() -> source.withCaptions(tsv))
                .isInstanceOfSatisfying(
                        ConfigException.class,
                        e -> assertThat(e.problems()).singleElement().asString().contains("UTF-8"));
        Files.writeString(tsv, "b\u0000.jpg\tA bee\n");
        assertThatThrownBy(() -> source.withCaptions(tsv))
                .isInstanceOfSatisfying(
                        ConfigException.class,
                        e -> assertThat(e.problems()).singleElement().asString().contains("line 1"));
    }

    @Test
    void theSourceGivesFileTargetsWithCaptions() throws Exception {
        Path tsv = Files.writeString(root.resolve("captions.tsv"), "b.jpg\tA bee\n");
        var env = StreamExecutionEnvironment.getExecutionEnvironment();
        env.setParallelism(2);
        var targets = env.fromSource(
                FolderSource.of(List.of(root)).withCaptions(tsv),
                WatermarkStrategy.noWatermarks(),
                "folder",
                TypeInformation.of(CrawlTarget.class));
        List<CrawlTarget> found = targets.executeAndCollect(5);
        assertThat(found)
                .extracting(CrawlTarget::url)
                .containsExactlyInAnyOrderElementsOf(walk("").stream()
                        .map(name -> root.resolve(name).toUri().toString())
                        .toList());
        assertThat(found).filteredOn(target -> target.url().endsWith("b.jpg")).allSatisfy(target -> {
            assertThat(target.caption()).isEqualTo("A bee");
            assertThat(target.host()).isEqualTo("file");
            assertThat(target.via()).isEqualTo("folder");
        });
    }

    @Test
    void aFollowedFolderTellsOfNewFilesAndOfItselfAfterAFault() throws Exception {
        var env = StreamExecutionEnvironment.getExecutionEnvironment();
        env.setParallelism(1);
        Path late = Files.createDirectory(root.resolve("late"));
        var targets = env.fromSource(
                FolderSource.of(List.of(late)).following(Duration.ofMillis(50)),
                WatermarkStrategy.noWatermarks(),
                "folder",
                TypeInformation.of(CrawlTarget.class));
        try (var found = targets.executeAndCollect()) {
            write("late/one.jpg");
            assertThat(found.next().url()).endsWith("one.jpg");
            Files.delete(late.resolve("one.jpg"));
            Files.delete(late);
            Thread.sleep(200); // a look fails
            Files.createDirectory(late);
            write("late/two.jpg");
            CrawlTarget next = found.next();
            while (next.url().endsWith("one.jpg")) {
                next = found.next();
            }
            assertThat(next.url()).endsWith("two.jpg");
            assertThat(next.mark())
                    .isEqualTo("1-"
                            + Files.getLastModifiedTime(late.resolve("two.jpg")).toMillis());
        }
    }

    @Test
    void aFollowedFolderTellsTwiceOfAFileThatIsThereNoMore() throws Exception {
        var env = StreamExecutionEnvironment.getExecutionEnvironment();
        env.setParallelism(1);
        Path late = Files.createDirectories(root.resolve("late/deep"));
        write("late/deep/a \u00e9.jpg");
        write("late/stays.jpg");
        var targets = env.fromSource(
                FolderSource.of(List.of(root.resolve("late"))).following(Duration.ofMillis(50)),
                WatermarkStrategy.noWatermarks(),
                "folder",
                TypeInformation.of(CrawlTarget.class));
        try (var found = targets.executeAndCollect()) {
            String url = found.next().url();
            assertThat(found.next().url()).endsWith("stays.jpg");
            Files.delete(late.resolve("a \u00e9.jpg"));
            int missed = 0;
            int rounds = 0;
            while (rounds < 5) {
                CrawlTarget target = found.next();
                if (target.url().endsWith("stays.jpg")) {
                    rounds += missed > 0 ? 1 : 0;
                    assertThat(target.mark()).isNotNull();
                } else if (target.mark() == null) {
                    missed++;
                    assertThat(target.url()).isEqualTo(url);
                    assertThat(target.title()).isEqualTo("a \u00e9.jpg");
                }
            }
            assertThat(missed).isEqualTo(2);
        }
    }

    @Test
    void aFollowedFolderThatIsEmptyAllAtOnceTakesNothingWithIt() throws Exception {
        var env = StreamExecutionEnvironment.getExecutionEnvironment();
        env.setParallelism(1);
        Path mounted = Files.createDirectories(root.resolve("mounted"));
        write("mounted/one.jpg");
        write("mounted/two.jpg");
        var targets = env.fromSource(
                FolderSource.of(List.of(mounted)).following(Duration.ofMillis(50)),
                WatermarkStrategy.noWatermarks(),
                "folder",
                TypeInformation.of(CrawlTarget.class));
        try (var found = targets.executeAndCollect()) {
            assertThat(found.next().url()).endsWith("one.jpg");
            assertThat(found.next().url()).endsWith("two.jpg");
            Path away = Files.move(mounted, root.resolve("away"));
            Files.createDirectory(mounted);
            Thread.sleep(500); // several looks at what is left of the mount
            write("mounted/a.jpg"); // the first in its look
            CrawlTarget target = found.next();
            while (!target.url().endsWith("a.jpg")) {
                assertThat(target.mark()).isNotNull(); // of a look before
                target = found.next();
            }
            assertThat(away).isDirectory();
            int missed = 0;
            while (missed < 4) { // two files, two looks each
                missed += found.next().mark() == null ? 1 : 0;
            }
        }
    }

    @Test
    void whatIsMissingIsWhatTheLookBeforeHadAndThisOneHasNot() throws Exception {
        var random = new Random(1);
        var known = new Listing();
        var expected = new HashMap<String, Integer>(); // how often each was missed so far
        for (int look = 0; look < 20; look++) {
            Path folder = root.resolve("look" + look);
            for (int i = 0; i < 200; i++) {
                if (random.nextInt(3) > 0) {
                    write("look" + look + "/" + (i % 7) + "-dir/" + (i % 3 == 0 ? "deep.jpg/" : "") + "\u00e9" + i
                            + ".jpg");
                }
            }
            List<String> there = walk(folder, "");
            var missing = new MissingFiles(known);
            var told = new ArrayList<String>();
            for (String position : there) {
                for (String gone = missing.before(position); gone != null; gone = missing.before(position)) {
                    told.add(gone);
                }
                missing.found(position);
            }
            for (String gone = missing.before(null); gone != null; gone = missing.before(null)) {
                told.add(gone);
            }
            there.forEach(expected::remove);
            expected.values().removeIf(times -> times == 2);
            assertThat(told).as("look %d", look).containsExactlyInAnyOrderElementsOf(expected.keySet());
            expected.replaceAll((position, times) -> times + 1);
            there.forEach(position -> expected.put(position, 0));
            known = missing.listing();
        }
        assertThat(known.size()).isLessThan(200 * 20);
    }

    @Test
    void splitsComeBackAsTheyWere() throws Exception {
        var split = new FolderSplit("/a", "run", "b/c.jpg", false);
        var serializer = new FolderSplitSerializer();
        assertThat(serializer.deserialize(1, serializer.serialize(split))).isEqualTo(split);
        assertThat(split.in("other")).isEqualTo(new FolderSplit("/a", "other", "b/c.jpg", false));
        assertThat(new FolderSplit("/a", "run", "b", true).in("other"))
                .isEqualTo(new FolderSplit("/a", "other", "", false));
    }

    private List<String> walk(String after) throws IOException {
        return walk(root, after);
    }

    private static List<String> walk(Path folder, String after) throws IOException {
        var walk = new FolderWalk(new DiskTree(folder), after);
        var found = new ArrayList<String>();
        for (Optional<FolderWalk.Found> file = walk.next(); file.isPresent(); file = walk.next()) {
            found.add(file.get().position());
        }
        return found;
    }

    private void write(String name) throws IOException {
        Path file = root.resolve(name);
        Files.createDirectories(file.getParent());
        Files.writeString(file, "x");
    }
}
