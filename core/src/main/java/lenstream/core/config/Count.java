package lenstream.core.config;

import java.io.Serializable;
import java.math.BigDecimal;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * A large number, written as {@code 500}, {@code 20k}, {@code 200M} or {@code 1.5G} (powers of 1000).
 *
 * @param value ≥ 0
 */
public record Count(long value) implements Serializable {
    private static final Pattern FORM = Pattern.compile("\\s*([0-9]+(?:\\.[0-9]+)?)\\s*([kKmMgG]?)\\s*");

    public Count {
        if (value < 0) {
            throw new IllegalArgumentException("a count must not be negative: " + value);
        }
    }

    /** @throws IllegalArgumentException if {@code text} is not a count */
    public static Count parse(String text) {
        var matcher = FORM.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException("\"" + text + "\" is no count; write for example 20k or 200M");
        }
        long unit = switch (matcher.group(2).toLowerCase(Locale.ROOT)) {
            case "k" -> 1_000;
            case "m" -> 1_000_000;
            case "g" -> 1_000_000_000;
            default -> 1;
        };
        return new Count(new BigDecimal(matcher.group(1))
                .multiply(BigDecimal.valueOf(unit))
                .longValue());
    }
}
