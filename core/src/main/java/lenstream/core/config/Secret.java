package lenstream.core.config;

import java.io.Serializable;

/**
 * A password or token. Printed as {@code ***}, so that no log, message or dump shows it; {@link #value()} alone reveals
 * it.
 */
public record Secret(String value) implements Serializable {
    @Override
    public String toString() {
        return "***";
    }
}
