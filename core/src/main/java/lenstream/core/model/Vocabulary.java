package lenstream.core.model;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * English texts that encoders are measured with: words for things that can be seen, and texts that no picture fits. The
 * lists are resources beside this class; what is put together or made up here depends on a seed alone. Stateless.
 */
public final class Vocabulary {
    private static final List<String> KINDS =
            List.of("red", "blue", "green", "yellow", "black", "white", "brown", "old", "small", "big", "wooden");
    private static final List<String> PLACES = List.of(
            "on a table",
            "in the street",
            "on the beach",
            "in a garden",
            "at night",
            "in the snow",
            "in front of a house",
            "on a white background",
            "in a forest",
            "in the sky",
            "by the sea",
            "on the grass");
    private static final List<String> DEEDS =
            List.of("running", "sleeping", "jumping", "eating", "standing still", "playing", "swimming", "working");
    private static final List<String> ONSETS = List.of(
            "b", "bl", "br", "cr", "d", "dr", "f", "fl", "fr", "g", "gl", "gr", "j", "k", "kl", "l", "m", "n", "p",
            "pl", "qu", "r", "s", "sk", "sn", "sp", "st", "t", "tr", "v", "w", "z", "zw");
    private static final List<String> CODAS = List.of(
            "", "b", "ck", "d", "ff", "g", "l", "lm", "lt", "m", "mp", "n", "nd", "ng", "nk", "p", "r", "rk", "rt",
            "sh", "st", "t", "x", "zz");
    private static final List<String> KEYBOARD = List.of("qwertyuiop", "asdfghjkl", "zxcvbnm");

    private Vocabulary() {}

    /** Words for everyday things that can be seen, each once. */
    public static List<String> things() {
        return lines("things.txt");
    }

    /** Phrases that no picture shows: offices, errors, feelings, little words. */
    public static List<String> unpictured() {
        return lines("unpictured.txt");
    }

    /** A thing as people ask for one: {@code an owl}. */
    public static String one(String thing) {
        return ("aeiou".indexOf(thing.charAt(0)) >= 0 ? "an " : "a ") + thing;
    }

    /** Every thing bare, with its article, and in one longer phrase. */
    public static List<String> descriptions(long seed) {
        var random = new Random(seed);
        List<String> things = things();
        var texts = new ArrayList<String>(3 * things.size());
        for (String thing : things) {
            texts.add(thing);
            texts.add(one(thing));
            texts.add(
                    switch (random.nextInt(5)) {
                        case 0 -> "a photo of " + one(thing);
                        case 1 -> any(KINDS, random) + " " + thing;
                        case 2 -> one(any(KINDS, random) + " " + thing) + " " + any(PLACES, random);
                        case 3 -> one(thing) + " " + any(DEEDS, random) + " " + any(PLACES, random);
                        default -> thing + " and " + any(things, random);
                    });
        }
        return List.copyOf(texts);
    }

    /** Words that are none: some can be spoken, some are letters by chance, some are what fingers find on a keyboard. */
    public static List<String> nonsense(int count, long seed) {
        var random = new Random(seed);
        var texts = new ArrayList<String>(count);
        for (int i = 0; i < count; i++) {
            texts.add(
                    switch (i % 5) {
                        case 0 -> spoken(random);
                        case 1 -> spoken(random) + " " + spoken(random);
                        case 2 -> letters(random);
                        case 3 -> "a " + spoken(random);
                        default -> typed(random);
                    });
        }
        return List.copyOf(texts);
    }

    private static String spoken(Random random) {
        var word = new StringBuilder();
        int syllables = random.nextInt(4);
        for (int i = 0; i < Math.max(1, syllables); i++) {
            word.append(any(ONSETS, random))
                    .append("aeiou".charAt(random.nextInt(5)))
                    .append(any(CODAS, random));
        }
        return word.toString();
    }

    private static String letters(Random random) {
        var word = new StringBuilder();
        for (int left = 4 + random.nextInt(9); left > 0; left--) {
            word.append((char) ('a' + random.nextInt(26)));
        }
        return word.toString();
    }

    private static String typed(Random random) {
        String row = any(KEYBOARD, random);
        int from = random.nextInt(4);
        return row.substring(from, Math.min(row.length(), from + 4 + random.nextInt(4)))
                .repeat(1 + random.nextInt(3) / 2);
    }

    private static String any(List<String> list, Random random) {
        return list.get(random.nextInt(list.size()));
    }

    private static List<String> lines(String name) {
        try (InputStream resource = Vocabulary.class.getResourceAsStream(name)) {
            if (resource == null) {
                throw new IllegalStateException("the resource " + name + " is missing");
            }
            return new String(resource.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.isBlank())
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
