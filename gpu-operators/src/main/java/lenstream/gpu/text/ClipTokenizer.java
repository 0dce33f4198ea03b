package lenstream.gpu.text;

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.text.Normalizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.GZIPInputStream;

/**
 * The byte-pair encoding of CLIP: lower case, white space cleaned, bytes as printable characters, merges by rank. The
 * vocabulary follows from the merges: 256 bytes, 256 bytes that end a word, the merges, start, end. With OpenAI's 48,894
 * merges start is 49406 and end 49407.
 *
 * <p>Source: {@code simple_tokenizer.py} of OpenAI CLIP. The file is its merges, plain or gzipped; a first line with
 * {@code #version} is skipped. Immutable.
 */
final class ClipTokenizer implements Tokenizer {
    private static final int MAX_MERGES = 49_152 - 256 - 2;
    private static final String END_OF_WORD = "</w>";
    private static final Pattern WORDS = Pattern.compile(
            "<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|\\p{L}+|\\p{N}|[^\\s\\p{L}\\p{N}]+",
            Pattern.CASE_INSENSITIVE | Pattern.UNICODE_CHARACTER_CLASS);

    private final Map<String, Integer> ids = new HashMap<>();
    private final Map<List<String>, Integer> ranks = new HashMap<>();
    private final String[] byteCharacters = byteCharacters();
    private final int start;
    private final int end;

    ClipTokenizer(byte[] merges) throws IOException {
        var vocabulary = new ArrayList<String>();
        List<String> characters = orderedCharacters(byteCharacters);
        vocabulary.addAll(characters);
        characters.forEach(c -> vocabulary.add(c + END_OF_WORD));
        for (String line : lines(merges)) {
            String[] pair = line.split(" ");
            if (pair.length != 2) {
                throw new IOException("a merge must be two tokens with a space between, not \"" + line + "\"");
            }
            ranks.putIfAbsent(List.of(pair[0], pair[1]), ranks.size());
            vocabulary.add(pair[0] + pair[1]);
        }
        for (int id = 0; id < vocabulary.size(); id++) {
            ids.put(vocabulary.get(id), id);
        }
        start = vocabulary.size();
        end = start + 1;
    }

    private static List<String> lines(byte[] merges) throws IOException {
        InputStream bytes = new ByteArrayInputStream(merges);
        boolean gzip = merges.length > 2 && (merges[0] & 0xFF) == 0x1F && (merges[1] & 0xFF) == 0x8B;
        var lines = new ArrayList<String>();
        try (var reader = new BufferedReader(
                new InputStreamReader(gzip ? new GZIPInputStream(bytes) : bytes, StandardCharsets.UTF_8))) {
            String line = reader.readLine();
            if (line != null && line.contains("#version")) {
                line = reader.readLine();
            }
            while (line != null && lines.size() < MAX_MERGES) {
                if (!line.isBlank()) {
                    lines.add(line.strip());
                }
                line = reader.readLine();
            }
        }
        return lines;
    }

    /** Printable Latin-1 bytes stand for themselves, the others for characters from 256 on. */
    private static String[] byteCharacters() {
        var characters = new String[256];
        int next = 256;
        for (int b = 0; b < 256; b++) {
            boolean printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
            characters[b] = String.valueOf((char) (printable ? b : next++));
        }
        return characters;
    }

    /** The order of the vocabulary: printable bytes first, then the others. */
    private static List<String> orderedCharacters(String[] characters) {
        var ordered = new ArrayList<>(Arrays.asList(characters));
        ordered.sort((a, b) -> Integer.compare(a.charAt(0), b.charAt(0)));
        return ordered;
    }

    @Override
    public long[] ids(String text, int maxTokens) {
        String clean = Normalizer.normalize(text, Normalizer.Form.NFC)
                .strip()
                .replaceAll("(?U)\\s+", " ")
                .toLowerCase(Locale.ROOT);
        var out = new long[maxTokens];
        int count = 0;
        out[count++] = start;
        Matcher words = WORDS.matcher(clean);
        while (words.find() && count < maxTokens - 1) {
            for (String token : merge(words.group())) {
                if (count == maxTokens - 1) {
                    break;
                }
                Integer id = ids.get(token);
                if (id != null) {
                    out[count++] = id;
                }
            }
        }
        out[count++] = end;
        return Arrays.copyOf(out, count);
    }

    private List<String> merge(String word) {
        var parts = new ArrayList<String>();
        for (byte b : word.getBytes(StandardCharsets.UTF_8)) {
            parts.add(byteCharacters[b & 0xFF]);
        }
        parts.set(parts.size() - 1, parts.get(parts.size() - 1) + END_OF_WORD);
        while (parts.size() > 1) {
            int best = Integer.MAX_VALUE;
            List<String> pair = List.of();
            for (int i = 0; i + 1 < parts.size(); i++) {
                List<String> candidate = List.of(parts.get(i), parts.get(i + 1));
                int rank = ranks.getOrDefault(candidate, Integer.MAX_VALUE);
                if (rank < best) {
                    best = rank;
                    pair = candidate;
                }
            }
            if (best == Integer.MAX_VALUE) {
                break;
            }
            var merged = new ArrayList<String>(parts.size());
            for (int i = 0; i < parts.size(); i++) {
                boolean match = i + 1 < parts.size()
                        && parts.get(i).equals(pair.get(0))
                        && parts.get(i + 1).equals(pair.get(1));
                merged.add(match ? parts.get(i) + parts.get(i + 1) : parts.get(i));
                if (match) {
                    i++;
                }
            }
            parts = merged;
        }
        return parts;
    }

    @Override
    public void close() {}
}
