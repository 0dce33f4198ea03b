package lenstream.connector.folder;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Captions from a file of lines {@code file<TAB>caption} in UTF-8. A file is named absolutely, relative to the captions'
 * own folder or relative to the folder that is read. Empty lines and lines that begin with {@code #} say nothing. Holds
 * the whole file. Immutable.
 */
final class Captions {
    static final Captions NONE = new Captions(Map.of());

    private final Map<Path, String> byFile;

    private Captions(Map<Path, String> byFile) {
        this.byFile = byFile;
    }

    /**
     * @param root the folder that is read
     * @throws IOException naming the first line without a tab
     */
    static Captions read(Path tsv, Path root) throws IOException {
        var byFile = new HashMap<Path, String>();
        int number = 0;
        for (String line : Files.readAllLines(tsv)) {
            number++;
            if (line.isBlank() || line.startsWith("#")) {
                continue;
            }
            int tab = line.indexOf('\t');
            if (tab <= 0) {
                throw new IOException(tsv + " line " + number + ": write file<TAB>caption");
            }
            Path file = Path.of(line.substring(0, tab).strip());
            String caption = line.substring(tab + 1).strip();
            Path folder = tsv.toAbsolutePath().getParent();
            byFile.put(root.resolve(file).normalize(), caption);
            if (folder != null) {
                byFile.putIfAbsent(folder.resolve(file).normalize(), caption);
            }
        }
        return new Captions(byFile);
    }

    Optional<String> of(Path file) {
        return Optional.ofNullable(byFile.get(file));
    }
}
