package lenstream.search.quality;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LabelledFolderTest {
    @TempDir
    Path folder;

    @BeforeEach
    void images() throws IOException {
        for (String file : List.of("red_fox/1.jpg", "red_fox/2.PNG", "owl/deep/3.webp", "owl/notes.txt", "top.jpg")) {
            Files.createDirectories(folder.resolve(file).getParent());
            Files.createFile(folder.resolve(file));
        }
    }

    @Test
    void withoutAListAnImagesOwnFolderNamesIt() {
        assertThat(LabelledFolder.read(folder, null))
                .extracting(image -> folder.relativize(image.file()) + ":" + image.labels())
                .containsExactly("owl/deep/3.webp:[deep]", "red_fox/1.jpg:[red fox]", "red_fox/2.PNG:[red fox]");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
                    labels.csv   | file,label~red_fox/1.jpg,"a fox, red"~red_fox/1.jpg,a fox
                    labels.tsv   | id\tfile\tcaption~7\tred_fox/1.jpg\ta fox, red~8\tred_fox/1.jpg\ta fox
                    labels.jsonl | {"file":"red_fox/1.jpg","label":"a fox, red"}~{"file":"red_fox/1.jpg","caption":"a fox"}
                    """)
    void aListNamesThemInEveryForm(String name, String lines) throws IOException {
        Files.writeString(folder.resolve(name), lines.replace('~', '\n') + "\n\n");
        List<LabelledImage> images = LabelledFolder.read(folder, null);
        assertThat(images).hasSize(1);
        assertThat(images.get(0).labels()).containsExactly("a fox, red", "a fox");
    }

    @Test
    void everyProblemOfAListIsNamedAtOnce() throws IOException {
        Path list = Files.writeString(folder.resolve("other.csv"), "file,label\nred_fox/1.jpg,\nnone.jpg,a cat\n");
        assertThatThrownBy(() -> LabelledFolder.read(folder, list))
                .hasMessageContaining("row 1 needs a file and a label")
                .hasMessageContaining("row 2: there is no")
                .hasMessageContaining("none.jpg");
    }

    @Test
    void aFolderWithoutLabelsSaysWhatToDo() throws IOException {
        Path bare = Files.createDirectories(folder.resolve("red_fox"));
        assertThatThrownBy(() -> LabelledFolder.read(bare, null)).hasMessageContaining("add a labels.csv");
        assertThatThrownBy(() -> LabelledFolder.read(folder.resolve("nowhere"), null))
                .hasMessageContaining("is no folder");
    }
}
