package lenstream.cli;

import java.io.PrintStream;
import java.util.concurrent.TimeUnit;

/**
 * Live progress on standard error: one line that is rewritten in place on a terminal, a line every few seconds
 * elsewhere. Thread-safe.
 */
final class ProgressLine implements AutoCloseable {
    private static final long QUIET_NANOS = TimeUnit.SECONDS.toNanos(3);

    private final PrintStream out;
    private final boolean terminal;
    private String shown = "";
    private long printedNanos = System.nanoTime() - QUIET_NANOS;

    ProgressLine(PrintStream out, boolean terminal) {
        this.out = out;
        this.terminal = terminal;
    }

    static ProgressLine onStandardError() {
        // the launcher knows: Java 21 cannot tell whether standard error alone is a terminal
        boolean terminal = Boolean.getBoolean("lenstream.terminal") && !"dumb".equals(System.getenv("TERM"));
        return new ProgressLine(System.err, terminal);
    }

    /** Shows the present state. */
    synchronized void show(String line) {
        if (line.equals(shown)) {
            return;
        }
        if (terminal) {
            out.print("\r\033[2K" + line);
            out.flush();
            shown = line;
        } else if (System.nanoTime() - printedNanos >= QUIET_NANOS) {
            out.println(line);
            printedNanos = System.nanoTime();
            shown = line;
        }
    }

    /** Prints a line that stays. */
    synchronized void say(String line) {
        if (terminal && !shown.isEmpty()) {
            out.print("\r\033[2K");
        }
        out.println(line);
        shown = "";
    }

    /** Leaves the last state standing. */
    @Override
    public synchronized void close() {
        if (terminal && !shown.isEmpty()) {
            out.println();
        }
        shown = "";
    }
}
