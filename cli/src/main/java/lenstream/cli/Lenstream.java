package lenstream.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/** The program: one command a run. Exit code 0 only on success, 2 for a wrong command line, 1 for everything else. */
@Command(
        name = "lenstream",
        version = "Lenstream 1.0.0",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        description = "Indexes images as they appear and finds them again by words or by pictures.",
        footer = {
            "",
            "Start with:  ./lenstream demo",
            "Tests:       ./lenstream test",
            "Extras:      ./lenstream add s3|gs|azure|kafka|ocr    (fetches a file system or connector through Maven, once)",
            "State lives in one folder (--data, default .lenstream); it is safe to delete."
        },
        subcommands = {
            DemoCommand.class,
            UpCommand.class,
            DownCommand.class,
            StatusCommand.class,
            IndexCommand.class,
            CrawlCommand.class,
            SearchCommand.class,
            ReplayCommand.class,
            TakedownCommand.class,
            AlertCommand.class,
            ReembedCommand.class,
            ExplainCommand.class,
            ExportCommand.class,
            StoreCommand.class,
            BackupCommand.class,
            RestoreCommand.class,
            EvalCommand.class,
            CalibrateCommand.class,
            DoctorCommand.class,
            ServeCommand.class
        })
public final class Lenstream implements Runnable {
    @Spec
    private CommandSpec spec;

    public static void main(String[] args) {
        try {
            configureLogging(args);
        } catch (CliException e) {
            System.err.println("lenstream: " + e.getMessage());
            System.exit(1);
        }
        System.exit(run(args));
    }

    static int run(String... args) {
        return new CommandLine(new Lenstream())
                .setExecutionExceptionHandler(new OneSentence())
                .setParameterExceptionHandler(Lenstream::explain)
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setUsageHelpWidth(110)
                .execute(args);
    }

    @Override
    public void run() {
        throw new ParameterException(spec.commandLine(), "Name a command.");
    }

    /** What is wrong with the command line, and how it should look; all of the help would push the first out of sight. */
    private static int explain(ParameterException wrong, String[] args) {
        CommandLine command = wrong.getCommandLine();
        PrintWriter err = command.getErr();
        err.println(wrong.getMessage());
        if (!UnmatchedArgumentException.printSuggestions(wrong, err)) {
            if (command.getSubcommands().isEmpty()) {
                err.print(command.getHelp().fullSynopsis());
                err.println("See ./" + command.getCommandSpec().qualifiedName() + " --help");
            } else {
                command.usage(err);
            }
        }
        err.flush();
        return command.getCommandSpec().exitCodeOnInvalidInput();
    }

    private static Path logs(String data) {
        try {
            return Files.createDirectories(Path.of(data, "logs"));
        } catch (IOException | InvalidPathException e) {
            throw new CliException(
                    data + " cannot be used as the data folder (" + e + "): name another one with --data", e);
        }
    }

    /** Logs go to a file beside the data, never between the lines meant for people; decided before any logger exists. */
    private static void configureLogging(String[] args) {
        List<String> words = Arrays.asList(args);
        int option = words.indexOf("--data");
        String data = option >= 0 && option + 1 < args.length
                ? args[option + 1]
                : words.stream()
                        .filter(word -> word.startsWith("--data="))
                        .map(word -> word.substring("--data=".length()))
                        .findFirst()
                        .orElse(DataFolder.DEFAULT);
        String logs = logs(data).toString();
        System.setProperty("lenstream.logs", logs);
        // in the pattern of rolled files a percent sign begins a conversion; two are one
        System.setProperty("lenstream.logs.pattern", logs.replace("%", "%%"));
        System.setProperty("lenstream.command", args.length == 0 || args[0].startsWith("-") ? "lenstream" : args[0]);
    }
}
