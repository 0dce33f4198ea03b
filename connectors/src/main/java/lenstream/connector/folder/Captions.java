package lenstream.connector.folder;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
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

    /** What is wrong with the file, a line each; empty if it can be used. */
    static List<String> problems(Path tsv) {
        List<String> lines;
        try {
            lines = Files.readAllLines(tsv);
        } catch (CharacterCodingException e) {
            return List.of(tsv + " is not in UTF-8");
        } catch (IOException e) {
            return List.of(tsv + " cannot be read: " + e.getMessage());
        }
        var problems = new ArrayList<String>();
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i);
            if (!saysNothing(line) && !isCaption(line)) {
                problems.add(tsv + " line " + (i + 1) + ": write file<TAB>caption");
            }
        }
        return problems;
    }

    private static boolean saysNothing(String line) {
        return line.isBlank() || line.startsWith("#");
    }

    private static boolean isCaption(String line) {
        return line.indexOf('\t') > 0 && line.indexOf('\0') < 0; // no file name holds a zero
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
            if (saysNothing(line)) {
                continue;
            }
            if (!isCaption(line)) {
                throw new IOException(tsv + " line " + number + ": write file<TAB>caption");
            }
            int tab = line.indexOf('\t');
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
