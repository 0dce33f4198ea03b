package lenstream.cli;

import java.util.concurrent.Callable;
import lenstream.core.local.LocalFlinkCluster;
import lenstream.core.local.LocalOpenSearch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code lenstream down}: stops what {@code up} started. */
@Command(
        name = "down",
        mixinStandardHelpOptions = true,
        description = "Stops what up started for this data folder; the data stay.")
final class DownCommand implements Callable<Integer> {
    @Mixin
    private DataFolder folder;

    @Override
    public Integer call() {
        boolean any = stop("search API", LocalServices.api(folder).map(api -> api::stop));
        any |= stop("Flink", LocalFlinkCluster.attach(folder.flinkRun()).map(flink -> flink::stop));
        any |= stop("OpenSearch", LocalOpenSearch.attach(folder.openSearchRun()).map(node -> node::stop));
        if (!any) {
            System.out.println("nothing runs for " + folder.data());
        }
        return 0;
    }

    private static boolean stop(String name, java.util.Optional<Runnable> running) {
        running.ifPresent(service -> {
            service.run();
            System.out.println("stopped " + name);
        });
        return running.isPresent();
    }
}
