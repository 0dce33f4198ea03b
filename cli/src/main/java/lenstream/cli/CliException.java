package lenstream.cli;

import java.util.function.Supplier;

/** Something that the person can mend; the message is one sentence that says how. */
final class CliException extends RuntimeException {
    private static final long serialVersionUID = 1;

    CliException(String message) {
        super(message);
    }

    CliException(String message, Throwable cause) {
        super(message, cause);
    }

    /**
     * What is made from an option's value, unless the value cannot be used.
     *
     * @param option the option's name, for the sentence
     * @param made throws an {@link IllegalArgumentException} that says what is wrong with the value
     */
    static <T> T unless(String option, Supplier<T> made) {
        try {
            return made.get();
        } catch (IllegalArgumentException e) {
            throw new CliException(option + ": " + e.getMessage(), e);
        }
    }
}
