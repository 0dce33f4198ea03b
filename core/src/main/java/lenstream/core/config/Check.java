package lenstream.core.config;

import java.time.Duration;

/** Range checks for the compact constructors of configuration records. The message names the key and the remedy. */
public final class Check {
    private Check() {}

    public static void positive(String key, Duration value) {
        if (value.isZero() || value.isNegative()) {
            throw new IllegalArgumentException(key + " must be longer than nothing, not " + value);
        }
    }

    public static void notNegative(String key, Duration value) {
        if (value.isNegative()) {
            throw new IllegalArgumentException(key + " must not be negative, not " + value);
        }
    }

    public static void positive(String key, long value) {
        if (value <= 0) {
            throw new IllegalArgumentException(key + " must be positive, not " + value);
        }
    }

    public static void range(String key, long value, long lowest, long highest) {
        if (value < lowest || value > highest) {
            throw new IllegalArgumentException(key + " must be from " + lowest + " to " + highest + ", not " + value);
        }
    }

    public static void notBlank(String key, String value) {
        if (value.isBlank()) {
            throw new IllegalArgumentException(key + " must not be blank");
        }
    }
}
