package lenstream.job.reembed;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import lenstream.connector.opensearch.BulkConfig;
import lenstream.connector.opensearch.OpenSearchSink;
import lenstream.core.image.PixelRules;
import lenstream.core.index.IndexAnswer;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexCounts;
import lenstream.core.index.IndexException;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.IndexSetup;
import lenstream.core.index.IndexUnavailableException;
import lenstream.core.index.OpenSearchConfig;
import lenstream.core.index.Space;
import lenstream.core.index.SpacePlan;
import lenstream.core.index.SpacePlan.Phase;
import lenstream.core.index.SpacePlans;
import lenstream.core.model.Fingerprint;
import lenstream.core.model.ModelBundle;
import lenstream.core.takedown.LateRemoval;
import lenstream.core.takedown.ReceiptKey;
import lenstream.core.takedown.TakedownRegister;
import lenstream.gpu.operator.EmbedConfig;
import lenstream.job.JobFailedException;
import lenstream.job.JobSettings;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.jspecify.annotations.Nullable;

/**
 * The move of an installation from one encoder to another, without a download and without a bad minute:
 *
 * <ol>
 *   <li>the index of the new space is made, and the plan says that both are written: running jobs open the second encoder
 *       and search servers load it;
 *   <li>the backfill embeds what the old index shows from the image store, pass after pass, until a merge of both indices
 *       finds nothing more to do;
 *   <li>the gate measures the new space; if it refuses, the old one stays;
 *   <li>the aliases are switched in one step, and a last pass closes what was in flight;
 *   <li>until {@link #cleanUp} both are written, and {@link #rollBack} is another such step.
 * </ol>
 *
 * <p>What was done is in the plan and in the indices, nowhere else: a process that dies at any point is followed by another
 * that is started alike. Confined to one thread.
 */
public final class Reembedding {
    private static final Duration FOLLOWERS_LIMIT = Duration.ofSeconds(60);
    private static final long POLL_MILLIS = 500;
    private static final int MOST_PASSES = 20;
    private static final String FILLING_REFRESH = "5s";
    /** What a job has handed to its sink before it saw the plan is written by then: the sink's linger is half a second. */
    private static final Duration SETTLING = Duration.ofSeconds(4);

    private final IndexClient client;
    private final Setup setup;
    private final SpacePlans plans;
    private final Consumer<Progress> progress;
    private final Consumer<String> news;

    /**
     * What a move needs to know.
     *
     * @param openSearch where the indices are
     * @param embed of the backfill; its bundle is the new encoder
     * @param store address of the image store
     * @param kept what the store keeps, by which the loss of copies is measured
     * @param rules of the gate
     * @param directory for the reports and the job's temporary files
     * @param cluster REST address of a Flink cluster that runs the backfill; null for this JVM
     * @param jars what travels to the cluster
     * @param mostPerSecond images that are embedded at most; positive, may be infinite. What searches bear bounds it besides
     * @param receiptKey file of the key that signs receipts, and seals the pictures of take-downs by likeness
     */
    public record Setup(
            OpenSearchConfig openSearch,
            IndexLayout layout,
            EmbedConfig embed,
            String store,
            PixelRules kept,
            GateRules rules,
            Path directory,
            int restPort,
            @Nullable URI cluster,
            List<Path> jars,
            double mostPerSecond,
            Path receiptKey) {}

    /**
     * How far the backfill is.
     *
     * @param done documents in the new index
     * @param documents in the old one
     * @param perSecond rate since the pass began
     */
    public record Progress(int pass, long done, long documents, double perSecond) {
        /** Seconds until all is done at this rate; negative if unknown. */
        public long remainingSeconds() {
            return perSecond <= 0 ? -1 : Math.round((documents - done) / perSecond);
        }
    }

    /**
     * @param client borrowed
     * @param progress a few times a second while the backfill runs
     * @param news one line a step, for people
     */
    public Reembedding(IndexClient client, Setup setup, Consumer<Progress> progress, Consumer<String> news) {
        this.client = client;
        this.setup = setup;
        this.plans = new SpacePlans(client, setup.layout());
        this.progress = progress;
        this.news = news;
    }

    /**
     * Moves to the new encoder, from wherever an earlier attempt ended.
     *
     * @param from the encoder whose index is searched now
     * @return what the gate found; the move took place if it passed
     */
    public GateReport run(ModelBundle from) throws InterruptedException, IOException {
        ModelBundle to = ModelBundle.load(Path.of(setup.embed().pipeline().bundle()));
        requireDifferent(from, to);
        plans.prepare();
        var oldSpace = new Space(from.fingerprint().value(), from.directory().toString());
        var newSpace = new Space(to.fingerprint().value(), to.directory().toString());
        try (PlanLock lock = PlanLock.take(plans, before -> Optional.of(begin(before, oldSpace, newSpace)))) {
            if (isSwitched(lock.plan())) { // died between the switch and its record
                lock.advance(plan -> plan.in(Phase.SWITCHED, "", System.currentTimeMillis()));
                news.accept("the aliases are switched already");
            }
            IndexSetup.prepareBeside(
                    client, setup.layout(), to.fingerprint(), to.encoder().dim(), from.fingerprint());
            IndexSetup.await(client, FOLLOWERS_LIMIT); // its shards start
            awaitFollowers(lock, "job");
            boolean searched = lock.plan().phase() == Phase.SWITCHED;
            if (!searched) { // fewer segments, so fewer graphs are built twice
                refreshEvery(to.fingerprint(), FILLING_REFRESH);
            }
            carryTakedowns(to);
            SpaceDiff diff = fill(lock, from.fingerprint(), to.fingerprint());
            if (!searched) {
                refreshEvery(to.fingerprint(), setup.layout().refreshInterval());
            }
            var gate = new Gate(client, setup.layout(), from, to, setup.store(), setup.kept(), setup.rules());
            GateReport report = gate.measure(diff);
            write(report);
            if (lock.plan().phase() == Phase.SWITCHED) {
                return report; // this run only filled what was missing
            }
            if (!report.passed()) {
                lock.advance(plan -> plan.in(Phase.REFUSED, report.refusal(), System.currentTimeMillis()));
                return report;
            }
            awaitFollowers(lock, "api");
            lock.requireHeld();
            IndexSetup.switchAliases(client, setup.layout(), from.fingerprint(), to.fingerprint());
            lock.advance(plan -> plan.in(Phase.SWITCHED, "", System.currentTimeMillis()));
            news.accept("searches go to " + to.fingerprint() + " now");
            carryTakedowns(to); // what came since the backfill began
            fill(lock, from.fingerprint(), to.fingerprint());
            return report;
        }
    }

    /** Searches go back to the old encoder, from one instant on. */
    public SpacePlan rollBack() {
        try (PlanLock lock = PlanLock.take(plans, before -> Optional.of(before.orElseThrow(Reembedding::noMove)))) {
            SpacePlan plan = lock.plan();
            if (plan.phase() != Phase.SWITCHED && !isSwitched(plan)) {
                throw new JobFailedException(
                        plan.phase() == Phase.FINISHED
                                ? "the way back is closed: the old index was cleaned up; move to that encoder anew with"
                                        + " ./lenstream reembed --model "
                                        + plan.from().bundle()
                                : "nothing to roll back: searches go to "
                                        + plan.active().fingerprint() + " (" + plan.phase() + ")",
                        null);
            }
            carryTakedowns(ModelBundle.load(Path.of(plan.from().bundle())));
            IndexSetup.switchAliases(
                    client,
                    setup.layout(),
                    new Fingerprint(plan.to().fingerprint()),
                    new Fingerprint(plan.from().fingerprint()));
            lock.advance(p -> p.in(Phase.ROLLED_BACK, "", System.currentTimeMillis()));
            return lock.plan();
        }
    }

    /** Deletes the index that is not searched; jobs write the other one alone from then on. */
    public SpacePlan cleanUp() throws InterruptedException {
        try (PlanLock lock = PlanLock.take(plans, before -> Optional.of(before.orElseThrow(Reembedding::noMove)))) {
            if (isSwitched(lock.plan()) && lock.plan().phase() == Phase.BACKFILL) {
                lock.advance(p -> p.in(Phase.SWITCHED, "", System.currentTimeMillis()));
            }
            Space gone = lock.plan().inactive();
            Phase end = lock.plan().active().equals(lock.plan().to()) ? Phase.FINISHED : Phase.DROPPED;
            lock.advance(p -> p.in(end, "", System.currentTimeMillis()));
            await(
                    "a job still writes to " + gone.fingerprint() + ": stop it, or wait and try again",
                    () -> plans.alive(System.currentTimeMillis()).stream()
                            .noneMatch(beat -> beat.kind().equals("job")
                                    && beat.fingerprints().contains(gone.fingerprint())));
            TimeUnit.MILLISECONDS.sleep(SETTLING.toMillis());
            String index = setup.layout().imageIndex(new Fingerprint(gone.fingerprint()));
            IndexAnswer answer = client.send("DELETE", "/" + index, null);
            if (!answer.ok() && answer.status() != 404) {
                throw new IndexException("OpenSearch at " + client.url() + " does not delete " + index + " ("
                        + answer.status() + "): " + answer.text());
            }
            news.accept("deleted index " + index);
            return lock.plan();
        }
    }

    /** What looks like a picture that was taken down is to stay away in the space that is searched next, too. */
    private void carryTakedowns(ModelBundle to) {
        var encoder = new LazyEncoder(to);
        try (encoder) {
            List<String> left = new TakedownRegister(client, setup.layout(), ReceiptKey.at(setup.receiptKey()))
                    .carry(to.fingerprint().value(), encoder);
            if (encoder.count() > 0) {
                news.accept(encoder.count() + " take-down(s) by likeness hold in " + to.fingerprint() + ", too");
            }
            if (!left.isEmpty()) {
                news.accept("take-downs by likeness that do not hold in " + to.fingerprint()
                        + ", as no copy of the picture was kept or another key than " + setup.receiptKey()
                        + " sealed it: " + String.join(", ", left) + "; take down again with the picture's file:"
                        + " ./lenstream takedown --similar-to FILE --model " + to.directory());
            }
        }
    }

    private SpacePlan begin(Optional<SpacePlan> before, Space from, Space to) {
        long now = System.currentTimeMillis();
        if (before.isEmpty()) {
            return fresh(from, to, now);
        }
        SpacePlan plan = before.get();
        boolean same = plan.from().fingerprint().equals(from.fingerprint())
                && plan.to().fingerprint().equals(to.fingerprint());
        boolean ended = plan.phase() == Phase.FINISHED || plan.phase() == Phase.DROPPED;
        if (!same && !ended) {
            throw new JobFailedException(
                    "a move from " + plan.from().fingerprint() + " to "
                            + plan.to().fingerprint() + " is under way (" + plan.phase()
                            + "): end it with ./lenstream reembed --cleanup, or with --rollback before",
                    null);
        }
        if (!same || ended) {
            return fresh(from, to, now);
        }
        return plan.phase() == Phase.SWITCHED || plan.phase() == Phase.BACKFILL
                ? plan
                : new SpacePlan(Phase.BACKFILL, from, to, plan.startedMillis(), now, "", 0, "");
    }

    private static SpacePlan fresh(Space from, Space to, long now) {
        return new SpacePlan(Phase.BACKFILL, from, to, now, now, "", 0, "");
    }

    private static void requireDifferent(ModelBundle from, ModelBundle to) {
        if (from.fingerprint().equals(to.fingerprint())) {
            throw new JobFailedException(
                    "the index is of " + from.fingerprint() + " already; name another encoder with --model", null);
        }
    }

    private static JobFailedException noMove() {
        return new JobFailedException("there is no move to another encoder: begin one with --model DIR", null);
    }

    private boolean isSwitched(SpacePlan plan) {
        return IndexSetup.searched(client, setup.layout())
                .filter(setup.layout().imageIndex(new Fingerprint(plan.to().fingerprint()))::equals)
                .isPresent();
    }

    /** What is written into a new index can be found after this time; a killed move leaves that to the next one. */
    private void refreshEvery(Fingerprint space, String interval) {
        String index = setup.layout().imageIndex(space);
        IndexAnswer answer = client.send(
                "PUT",
                "/" + index + "/_settings",
                JsonNodeFactory.instance.objectNode().put("index.refresh_interval", interval));
        if (!answer.ok()) {
            throw new IndexException("OpenSearch at " + client.url() + " does not set how often " + index
                    + " is refreshed (" + answer.status() + "): " + answer.text());
        }
    }

    /** Until a merge of both indices finds nothing more that the store could give. */
    private SpaceDiff fill(PlanLock lock, Fingerprint from, Fingerprint to) throws InterruptedException {
        String old = setup.layout().imageIndex(from);
        String now = setup.layout().imageIndex(to);
        Instant began = Instant.now();
        SpaceDiff diff = SpaceDiff.of(client, old, now);
        for (int pass = 1; diff.missing() > 0 && pass <= MOST_PASSES; pass++) {
            lock.requireHeld();
            long before = diff.missing();
            pass(pass, from, to);
            lock.requireHeld();
            diff = SpaceDiff.of(client, old, now);
            news.accept(String.format(
                    Locale.ROOT, "pass %d: %,d of %,d images still to come", pass, diff.missing(), diff.documents()));
            if (diff.missing() == before || (diff.missing() > before && pass > 3)) {
                break; // what is left is not in the store
            }
        }
        if (!diff.extra().isEmpty()) {
            TimeUnit.MILLISECONDS.sleep(SETTLING.toMillis()); // a job writes the two one after the other
            SpaceDiff.removeExtra(client, old, now, diff.extra(), news);
        }
        LateRemoval.since(began, client, setup.layout()); // what the last documents overtook
        return diff;
    }

    private void pass(int number, Fingerprint from, Fingerprint to) throws InterruptedException {
        StreamExecutionEnvironment env = environment();
        env.setParallelism(1);
        BackfillJob.define(
                env,
                setup.store(),
                new OpenSearchSink(setup.openSearch(), setup.layout(), BulkConfig.defaults()),
                setup.embed(),
                setup.openSearch(),
                setup.layout(),
                setup.layout().imageIndex(from),
                setup.layout().imageIndex(to),
                setup.mostPerSecond());
        try {
            JobClient job = env.executeAsync("lenstream-reembed");
            boolean ended = false;
            try {
                accompany(job, number, from, to);
                ended = true;
            } finally {
                if (!ended) {
                    job.cancel();
                }
            }
        } catch (InterruptedException | RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw JobFailedException.rootOf(e);
        }
    }

    private StreamExecutionEnvironment environment() {
        JobSettings settings = JobSettings.named("lenstream-reembed");
        URI cluster = setup.cluster();
        try {
            if (cluster != null) {
                return StreamExecutionEnvironment.createRemoteEnvironment(
                        cluster.getHost(),
                        cluster.getPort(),
                        settings.configuration(),
                        setup.jars().stream().map(Path::toString).toArray(String[]::new));
            }
            // no checkpoint is read again: what is done is in the index
            Path state = setup.directory().resolve("job");
            Files.createDirectories(state.resolve("checkpoints"));
            Files.createDirectories(state.resolve("tmp"));
            return StreamExecutionEnvironment.createLocalEnvironment(1, settings.fresh(state, setup.restPort()));
        } catch (IOException e) {
            throw new JobFailedException("cannot write below " + setup.directory() + ": " + e.getMessage(), e);
        }
    }

    private void accompany(JobClient job, int pass, Fingerprint from, Fingerprint to)
            throws InterruptedException, ExecutionException, TimeoutException {
        long start = System.nanoTime();
        long documents = IndexCounts.images(client, setup.layout(), from);
        long first = IndexCounts.images(client, setup.layout(), to);
        var end = job.getJobExecutionResult(); // its status is not to be had once a cluster of this JVM has ended
        while (!end.isDone()) {
            try {
                long done = IndexCounts.images(client, setup.layout(), to);
                double seconds = (System.nanoTime() - start) / 1e9;
                progress.accept(new Progress(pass, done, documents, (done - first) / Math.max(seconds, 1e-3)));
            } catch (IndexUnavailableException e) {
                news.accept("OpenSearch does not answer at present; the backfill waits for it");
            }
            TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
        }
        end.get(30, TimeUnit.SECONDS);
    }

    /** Until every process of a kind that gave a sign of life does what the plan says. */
    private void awaitFollowers(PlanLock lock, String kind) throws InterruptedException {
        String wanted = lock.plan().to().fingerprint();
        long seen = lock.plan().changedMillis() + SETTLING.toMillis(); // they look every two seconds
        TimeUnit.MILLISECONDS.sleep(Math.clamp(seen - System.currentTimeMillis(), 0, SETTLING.toMillis()));
        await(kind + "s do not follow: ", () -> {
            List<SpacePlans.Beat> alive = plans.alive(System.currentTimeMillis()).stream()
                    .filter(beat -> beat.kind().equals(kind))
                    .toList();
            alive.stream().filter(beat -> !beat.problem().isEmpty()).findFirst().ifPresent(beat -> {
                throw new JobFailedException(
                        "a running " + kind + " cannot follow: " + beat.problem()
                                + "; make the new bundle readable at the same path there, or stop it",
                        null);
            });
            return alive.stream().allMatch(beat -> beat.fingerprints().contains(wanted));
        });
        long count = plans.alive(System.currentTimeMillis()).stream()
                .filter(beat -> beat.kind().equals(kind))
                .count();
        if (count > 0) {
            news.accept(
                    kind.equals("job")
                            ? count + " embed operator(s) of running jobs write both spaces"
                            : count + " search server(s) have loaded the new encoder");
        }
    }

    private interface Condition {
        boolean holds();
    }

    private void await(String problem, Condition condition) throws InterruptedException {
        long deadline = System.nanoTime() + FOLLOWERS_LIMIT.toNanos();
        while (!condition.holds()) {
            if (System.nanoTime() > deadline) {
                throw new JobFailedException(problem + "after " + FOLLOWERS_LIMIT.toSeconds() + " s", null);
            }
            TimeUnit.MILLISECONDS.sleep(POLL_MILLIS);
        }
    }

    private void write(GateReport report) throws IOException {
        Files.createDirectories(setup.directory());
        Files.writeString(
                setup.directory().resolve("gate-" + report.to() + ".json"),
                report.json().toPrettyString());
        Files.writeString(setup.directory().resolve("gate-" + report.to() + ".txt"), report.text());
    }
}
