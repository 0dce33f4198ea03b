package lenstream.connector.fetch;

import static java.util.Objects.requireNonNull;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import lenstream.connector.fetch.FetchOutcome.Deferred;
import lenstream.connector.fetch.FetchOutcome.Rejected;
import lenstream.connector.fetch.FetchOutcome.Validators;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.FetchedImage;
import lenstream.core.image.Reason;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.VoidNamespace;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.util.function.ThrowingRunnable;
import org.jspecify.annotations.Nullable;

/**
 * Visits image URLs, keyed by host. A target waits in its host's queue in keyed state until the host may be asked and a
 * slot is free; a virtual thread fetches it, and the answer comes back through the mailbox, where state changes and
 * records are emitted. An entry leaves the queue only together with its answer: what was in flight at a checkpoint is
 * fetched again after a restore. A failure that may pass goes to the end of the queue until its attempts are used up.
 * Everything that waits for a host is refused once the host has to be left alone for longer than {@code patience}.
 *
 * <p>State and outputs are touched on the task thread alone. When {@code maxPending} targets are queued, input waits.
 */
final class VisitOperator extends AbstractStreamOperator<FetchedImage>
        implements OneInputStreamOperator<CrawlTarget, FetchedImage>, BoundedOneInput {
    private static final long serialVersionUID = 1;

    /** How far into a queue a dispatch looks for an entry that is due. */
    private static final int LOOK_AHEAD = 256;

    private static final long CLOSE_SECONDS = 10;

    /** The host of {@code file} URLs; a disk needs no politeness. */
    private static final String FILES = "file";

    private static final int FILES_AT_ONCE = 8;

    private final FetchConfig fetching;
    private final transient MailboxExecutor mailbox;
    private final transient Function<String, PoliteWeb> webs;
    private final transient Map<String, Lane> lanes = new HashMap<>();
    private final transient ArrayDeque<Lane> waitingForSlot = new ArrayDeque<>();

    private transient @Nullable HostQueue queue;
    private transient @Nullable MapState<String, KnownUrl> known;
    private transient @Nullable VisitMetrics counters;
    private transient @Nullable PoliteWeb web;
    private transient @Nullable ImageFetcher fetcher;
    private transient @Nullable ExecutorService threads;
    // written on the task thread, read by metric reporters
    private final transient AtomicLong pending = new AtomicLong();
    private final transient AtomicInteger inFlight = new AtomicInteger();

    VisitOperator(
            StreamOperatorParameters<FetchedImage> parameters,
            MailboxExecutor mailbox,
            FetchConfig fetching,
            Function<String, PoliteWeb> webs) {
        super(parameters);
        this.mailbox = mailbox;
        this.fetching = fetching;
        this.webs = webs;
    }

    @Override
    public void initializeState(StateInitializationContext context) throws Exception {
        super.initializeState(context);
        queue = new HostQueue(getKeyedStateStore());
        known = getKeyedStateStore()
                .getMapState(new MapStateDescriptor<>("known", Types.STRING, TypeInformation.of(KnownUrl.class)));
    }

    @Override
    public void open() throws Exception {
        super.open();
        var group = getMetricGroup();
        counters = VisitMetrics.register(group);
        group.<Long, Gauge<Long>>gauge("lenstream_visit_pending", pending::get);
        group.<Integer, Gauge<Integer>>gauge("lenstream_visit_in_flight", inFlight::get);
        web = webs.apply(getRuntimeContext().getJobInfo().getJobId().toString());
        fetcher = new ImageFetcher(web::get, fetching);
        threads = Executors.newThreadPerTaskExecutor(
                Thread.ofVirtual().name("visit-", 0).factory());
        resume();
    }

    /** Takes up the queues that a restored state holds; for them nobody will call {@link #processElement}. */
    private void resume() throws Exception {
        List<String> hosts;
        try (var keys = this.<String>getKeyedStateBackend().getKeys(HostQueue.ENDS.getName(), VoidNamespace.INSTANCE)) {
            hosts = keys.toList();
        }
        for (String host : hosts) {
            setCurrentKey(host);
            pending.addAndGet(queue().ends().size());
            dispatch(host);
        }
    }

    @Override
    public void processElement(StreamRecord<CrawlTarget> element) throws Exception {
        CrawlTarget target = element.getValue();
        counters().in().inc();
        while (pending.get() >= fetching.maxPending()) {
            mailbox.yield();
        }
        setCurrentKey(target.host()); // answers that came while yielding have set others
        if (queue().add(new PendingVisit(target, 0, 0))) {
            pending.incrementAndGet();
            dispatch(target.host());
        } else {
            counters().merged().inc();
        }
    }

    @Override
    public void endInput() throws Exception {
        while (pending.get() > 0) {
            mailbox.yield();
        }
    }

    /** Starts as many fetches of this host as are due and have a slot; else sees to it that it is called again. */
    private void dispatch(String host) throws Exception {
        setCurrentKey(host);
        QueueEnds ends = queue().ends();
        if (ends.size() == 0) {
            lanes.remove(host);
            return;
        }
        Lane lane = lanes.computeIfAbsent(host, Lane::new);
        int allowed = host.equals(FILES) ? FILES_AT_ONCE : fetching.perHost();
        while (lane.running.size() < allowed && lane.running.size() < ends.size()) {
            if (inFlight.get() >= fetching.total()) {
                if (!lane.waiting) {
                    lane.waiting = true;
                    waitingForSlot.add(lane);
                }
                return;
            }
            long now = getProcessingTimeService().getCurrentProcessingTime();
            var unavailable = requireNonNull(web).unavailable(host);
            if (unavailable.isPresent()) {
                giveUp(lane, ends, unavailable.get());
                return;
            }
            long hostWait = requireNonNull(web).waitMillis(host);
            if (hostWait > 0) {
                arm(lane, now + hostWait);
                return;
            }
            if (!startNext(lane, ends, now)) {
                return;
            }
        }
    }

    /** Refuses for this round what waits for a host; a long queue in parts, so that other hosts get their turn. */
    private void giveUp(Lane lane, QueueEnds ends, HostUnavailableException why) throws Exception {
        var outcome = new Deferred(why.reason(), String.valueOf(why.getMessage()), why.delayMillis());
        long last = Math.min(ends.tail(), ends.head() + LOOK_AHEAD);
        boolean any = false;
        for (long number = ends.head(); number < last; number++) {
            PendingVisit visit = lane.running.contains(number) ? null : queue().get(number);
            if (visit != null) {
                settle(number, visit, outcome);
                any = true;
            }
        }
        if (any && queue().ends().size() > lane.running.size()) { // else the head is running and comes back here
            back(() -> dispatch(lane.host));
        }
    }

    private boolean startNext(Lane lane, QueueEnds ends, long now) throws Exception {
        long earliest = Long.MAX_VALUE;
        long last = Math.min(ends.tail(), ends.head() + LOOK_AHEAD);
        for (long number = ends.head(); number < last; number++) {
            if (lane.running.contains(number)) {
                continue;
            }
            PendingVisit visit = queue().get(number);
            if (visit != null && visit.notBeforeMillis() <= now) {
                start(lane, number, visit);
                return true;
            }
            if (visit != null) {
                earliest = Math.min(earliest, visit.notBeforeMillis());
            }
        }
        if (earliest != Long.MAX_VALUE) {
            arm(lane, earliest);
        }
        return false;
    }

    private void start(Lane lane, long number, PendingVisit visit) throws Exception {
        lane.running.add(number);
        inFlight.incrementAndGet();
        KnownUrl before = known().get(visit.target().id());
        Validators validators = before == null ? Validators.NONE : before.validators();
        String sha256 = before == null ? null : before.comparable();
        ImageFetcher images = requireNonNull(fetcher);
        requireNonNull(threads).execute(() -> {
            try {
                FetchOutcome outcome = attempt(images, visit.target().url(), validators, sha256);
                back(() -> complete(lane, number, visit, outcome));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt(); // the task is closing, the entry stays in the queue
            } catch (RuntimeException | Error e) {
                back(() -> {
                    throw new IllegalStateException("fetching " + visit.target().url(), e);
                });
            }
        });
    }

    /** A URL that breaks the fetcher is refused: as a failure of the task it would come back after each restart. */
    static FetchOutcome attempt(ImageFetcher images, String url, Validators validators, @Nullable String sha256)
            throws InterruptedException {
        try {
            return images.fetch(url, validators, sha256);
        } catch (RuntimeException e) {
            LOG.warn("url={} breaks the fetcher", url, e);
            return new Rejected(Reason.UNEXPECTED_STATUS, url + ": " + e);
        }
    }

    private void back(ThrowingRunnable<Exception> mail) {
        try {
            mailbox.execute(mail, "answer of a fetch");
        } catch (RejectedExecutionException e) {
            LOG.debug("answer dropped, the task is closed"); // the entry stays in the queue
        }
    }

    private void complete(Lane lane, long number, PendingVisit visit, FetchOutcome outcome) throws Exception {
        lane.running.remove(number);
        inFlight.decrementAndGet();
        setCurrentKey(lane.host);
        settle(number, visit, outcome);
        dispatch(lane.host);
        while (inFlight.get() < fetching.total() && !waitingForSlot.isEmpty()) {
            Lane next = waitingForSlot.remove();
            next.waiting = false;
            dispatch(next.host);
        }
    }

    /** Draws what follows from an attempt, for an entry of the current key. */
    private void settle(long number, PendingVisit visit, FetchOutcome outcome) throws Exception {
        String id = visit.target().id();
        long now = getProcessingTimeService().getCurrentProcessingTime();
        Verdict verdict = Verdict.of(visit, known().get(id), outcome, now, fetching);
        switch (verdict) {
            case Verdict.Image image -> {
                finish(number, id, image.known());
                counters().fetched().inc();
                output.collect(new StreamRecord<>(image.image()));
            }
            case Verdict.Refusal refusal -> {
                finish(number, id, refusal.known());
                counters().rejected().inc();
                output.collect(VisitOperatorFactory.REJECTIONS, new StreamRecord<>(refusal.rejection()));
            }
            case Verdict.NothingNew nothing -> {
                finish(number, id, nothing.known());
                counters().unchanged().inc();
            }
            case Verdict.Again again -> queue().postpone(number, again.visit());
        }
    }

    private void finish(long number, String id, KnownUrl now) throws Exception {
        known().put(id, now);
        queue().remove(number, id);
        pending.decrementAndGet();
    }

    private void arm(Lane lane, long at) {
        if (at >= lane.timerAt) {
            return;
        }
        lane.timerAt = at;
        var unused = getProcessingTimeService().registerTimer(at, fired -> {
            if (lane.timerAt <= fired) {
                lane.timerAt = Long.MAX_VALUE;
            }
            dispatch(lane.host);
        });
    }

    @Override
    public void close() throws Exception {
        try {
            if (threads != null) {
                threads.shutdownNow();
                if (!threads.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)) {
                    LOG.warn("fetches did not stop within seconds={}", CLOSE_SECONDS);
                }
            }
        } finally {
            if (web != null) {
                web.close();
            }
            super.close();
        }
    }

    private HostQueue queue() {
        return requireNonNull(queue);
    }

    private MapState<String, KnownUrl> known() {
        return requireNonNull(known);
    }

    private VisitMetrics counters() {
        return requireNonNull(counters);
    }

    /** What one host has going on in this process. Confined to the task thread. */
    private static final class Lane {
        private final String host;
        private final Set<Long> running = new HashSet<>();
        private long timerAt = Long.MAX_VALUE;
        private boolean waiting;

        Lane(String host) {
            this.host = host;
        }
    }
}
