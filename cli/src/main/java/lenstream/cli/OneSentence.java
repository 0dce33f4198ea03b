package lenstream.cli;

import java.nio.file.Path;
import lenstream.core.config.ConfigException;
import lenstream.core.index.IndexException;
import lenstream.job.JobFailedException;
import lenstream.search.StartException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.ParseResult;

/** Turns a failure into one sentence for the person; the stack trace goes to the log. */
final class OneSentence implements IExecutionExceptionHandler {
    private static final Logger LOG = LoggerFactory.getLogger(OneSentence.class);

    @Override
    public int handleExecutionException(Exception failure, CommandLine command, ParseResult parsed) {
        LOG.error("command failed", failure);
        if (failure instanceof InterruptedException) {
            Thread.currentThread().interrupt();
            return 130;
        }
        boolean expected = failure instanceof CliException
                || failure instanceof ConfigException
                || failure instanceof IndexException
                || failure instanceof JobFailedException
                || failure instanceof StartException
                || failure instanceof lenstream.core.local.LocalServiceException;
        String message = failure.getMessage() == null ? failure.getClass().getSimpleName() : failure.getMessage();
        command.getErr()
                .println(
                        expected
                                ? "lenstream: " + message
                                : "lenstream: unexpected " + failure.getClass().getSimpleName() + ": " + message
                                        + "; the whole story is in "
                                        + Path.of(System.getProperty("lenstream.logs", ".lenstream/logs")));
        return 1;
    }
}
