package lenstream.connector.command;

import static java.util.Objects.requireNonNull;

import java.util.HashMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import lenstream.core.command.Command;
import lenstream.core.command.Command.Kind;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexException;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.OpenSearchConfig;
import lenstream.core.takedown.Removal;
import lenstream.core.takedown.Removal.Removed;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichFlatMapFunction;
import org.apache.flink.api.common.state.CheckpointListener;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.metrics.Counter;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Removes once more what was on its way to the index when a take-down came. An image that passed the last check before the
 * command did was sent before the next checkpoint's barrier, and the sink writes everything before a barrier until the
 * checkpoint is complete: so the sweep that follows finds it, and afterwards nothing can come. A sweep that did not happen
 * stays in the state. Emits nothing; run it with parallelism 1.
 */
public final class TakedownSweep extends RichFlatMapFunction<Command, Command>
        implements CheckpointedFunction, CheckpointListener {
    private static final long serialVersionUID = 1;
    private static final Logger LOG = LoggerFactory.getLogger(TakedownSweep.class);
    private static final long CLOSE_SECONDS = 10;

    private final OpenSearchConfig openSearch;
    private final IndexLayout layout;

    /** Take-downs not yet swept, by key. */
    private final HashMap<String, Command> unswept = new HashMap<>();
    /** The checkpoint that has to be complete first, by key; absent until the next one begins. */
    private final HashMap<String, Long> after = new HashMap<>();
    /** Issue times of those swept since the last look, by key. */
    private final ConcurrentHashMap<String, Long> swept = new ConcurrentHashMap<>();
    /** Those whose sweep the index refused since the last look. */
    private final ConcurrentLinkedQueue<String> failed = new ConcurrentLinkedQueue<>();

    private transient @Nullable ListState<Command> state;
    private transient @Nullable IndexClient client;
    private transient @Nullable ExecutorService worker;
    private transient @Nullable Counter removed;

    public TakedownSweep(OpenSearchConfig openSearch, IndexLayout layout) {
        this.openSearch = openSearch;
        this.layout = layout;
    }

    @Override
    public void initializeState(FunctionInitializationContext context) throws Exception {
        state = context.getOperatorStateStore()
                .getListState(new ListStateDescriptor<>("unswept", TypeInformation.of(Command.class)));
        for (Command command : state.get()) {
            unswept.put(command.key(), command);
        }
    }

    @Override
    @SuppressWarnings("MustBeClosed") // freed in close()
    public void open(OpenContext context) {
        client = IndexClient.open(openSearch);
        worker = Executors.newSingleThreadExecutor(
                Thread.ofPlatform().daemon().name("takedown-sweep").factory());
        removed = getRuntimeContext().getMetricGroup().counter("lenstream_swept");
    }

    @Override
    public void flatMap(Command command, Collector<Command> out) {
        if (command.kind() == Kind.TAKEDOWN) {
            unswept.put(command.key(), command.withoutBody());
            after.remove(command.key());
        } else if (command.kind() == Kind.TAKEDOWN_REVOKE) {
            unswept.remove(command.key());
        }
    }

    @Override
    public void snapshotState(FunctionSnapshotContext context) throws Exception {
        swept.forEach((key, issued) -> {
            Command command = unswept.get(key);
            if (command != null && command.issuedAtMillis() == issued) {
                unswept.remove(key);
                after.remove(key);
            }
        });
        swept.clear();
        for (String key = failed.poll(); key != null; key = failed.poll()) {
            after.remove(key);
        }
        unswept.keySet().forEach(key -> after.putIfAbsent(key, context.getCheckpointId()));
        requireNonNull(state).update(unswept.values().stream().toList());
    }

    @Override
    public void notifyCheckpointComplete(long checkpointId) {
        for (Command command : unswept.values()) {
            if (after.getOrDefault(command.key(), Long.MAX_VALUE) <= checkpointId) {
                after.put(command.key(), Long.MAX_VALUE); // once, unless it fails
                requireNonNull(worker).execute(() -> sweep(command));
            }
        }
    }

    private void sweep(Command command) {
        try {
            Removed late = new Removal(requireNonNull(client), layout).of(command);
            requireNonNull(removed).inc(late.images());
            LOG.info("event=swept takedown={} images={}", command.key(), late.images());
            swept.put(command.key(), command.issuedAtMillis());
        } catch (IndexException e) {
            LOG.warn("takedown={} is swept again after the next checkpoint: {}", command.key(), e.getMessage());
            failed.add(command.key());
        }
    }

    @Override
    public void close() throws Exception {
        if (worker != null) {
            worker.shutdown();
            if (!worker.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)) {
                worker.shutdownNow();
            }
        }
        if (client != null) {
            client.close();
        }
    }
}
