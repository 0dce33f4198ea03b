package lenstream.core.config;

import java.util.List;

/** A configuration that cannot be used, with every problem found in it. The message lists one problem a line. */
public final class ConfigException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final transient List<String> problems;

    public ConfigException(String source, List<String> problems) {
        super(source + ": " + (problems.size() == 1 ? "" : problems.size() + " problems\n  ")
                + String.join("\n  ", problems));
        this.problems = List.copyOf(problems);
    }

    /** Every problem, each naming its key. */
    public List<String> problems() {
        return problems;
    }
}
