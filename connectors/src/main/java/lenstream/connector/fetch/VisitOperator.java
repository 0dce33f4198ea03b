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
import lenstream.connector.command.TakedownState;
import lenstream.connector.fetch.FetchOutcome.Deferred;
import lenstream.connector.fetch.FetchOutcome.Rejected;
import lenstream.connector.fetch.FetchOutcome.Validators;
import lenstream.core.command.Command;
import lenstream.core.command.Recrawl;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.FetchedImage;
import lenstream.core.image.ImageId;
import lenstream.core.image.Reason;
import lenstream.core.ledger.LedgerEntry;
import org.apache.flink.api.common.TaskInfo;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.api.common.state.KeyedStateStore;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.runtime.metrics.MetricNames;
import org.apache.flink.runtime.operators.coordination.OperatorEventGateway;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.runtime.state.VoidNamespace;
import org.apache.flink.runtime.state.VoidNamespaceSerializer;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedMultiInput;
import org.apache.flink.streaming.api.operators.InternalTimer;
import org.apache.flink.streaming.api.operators.InternalTimerService;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.streaming.api.operators.Triggerable;
import org.apache.flink.streaming.api.operators.TwoInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
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
 * <p>What was visited is put on the host's {@link RevisitWheel} and comes back by itself: when nothing waits in the
 * queue, and at every eighth turn of a busy host.
 *
 * <p>Commands come by the second input, the same to every subtask. What a take-down covers is neither fetched nor
 * emitted, and nothing is remembered of it.
 *
 * <p>Its {@link VisitCoordinator} is told when all targets of a submission have been taken up, and whether any visit is
 * owed, both after the mail that changed it.
 *
 * <p>State and outputs are touched on the task thread alone. When {@code maxPending} targets are queued, input waits.
 * Heap is kept for hosts with something to do, never for URLs.
 */
final class VisitOperator extends AbstractStreamOperator<FetchedImage>
        implements TwoInputStreamOperator<CrawlTarget, Command, FetchedImage>,
                BoundedMultiInput,
                Triggerable<String, VoidNamespace> {
    private static final long serialVersionUID = 1;

    /** How far into a queue a dispatch looks for an entry that is due. */
    private static final int LOOK_AHEAD = 256;

    /** URLs that are taken from a wheel before others get their turn. */
    private static final int TAKEN_AT_ONCE = 256;

    /** Every so many turns of a busy host a URL of its wheel comes before those that wait. */
    private static final int TURNS_A_REVISIT = 8;

    private static final long CLOSE_SECONDS = 10;

    /** Number of the input that brings the targets. */
    private static final int TARGETS = 1;

    private static final int FILES_AT_ONCE = 8;

    private static final ValueStateDescriptor<HostPace> PACE =
            new ValueStateDescriptor<>("host-pace", HostPace.Serializer.INSTANCE);

    private final FetchConfig fetching;
    private final transient MailboxExecutor mailbox;
    private final transient OperatorEventGateway coordinator;
    private final transient VisitOperatorFactory.Webs webs;
    private final transient Map<String, Lane> lanes = new HashMap<>();
    private final transient IdleHosts idle = new IdleHosts();
    private final transient ArrayDeque<Lane> waitingForSlot = new ArrayDeque<>();

    private transient @Nullable HostQueue queue;
    private transient @Nullable RevisitWheel wheel;
    private transient @Nullable KnownUrls known;
    private transient @Nullable ValueState<HostPace> pace;
    private transient @Nullable InternalTimerService<VoidNamespace> timers;
    private transient @Nullable TakedownState takedowns;
    private transient @Nullable VisitMetrics counters;
    private transient @Nullable PoliteWeb web;
    private transient @Nullable ImageFetcher fetcher;
    private transient @Nullable ExecutorService threads;
    // written on the task thread, read by metric reporters
    private final transient AtomicLong pending = new AtomicLong();
    /** Of those, visits by URLs' own schedules that fell due since this run began: a run that ends does not wait for them. */
    private final transient AtomicLong later = new AtomicLong();

    private final transient AtomicInteger inFlight = new AtomicInteger();
    private transient VisitStanding told = VisitStanding.UNKNOWN;
    private transient long saidUpTo = Long.MIN_VALUE;
    private transient boolean isToTell;
    /** Lanes that have not yet seen all that is due. */
    private transient int comingBack;

    private transient long openedAt;

    VisitOperator(
            StreamOperatorParameters<FetchedImage> parameters,
            MailboxExecutor mailbox,
            OperatorEventGateway coordinator,
            FetchConfig fetching,
            VisitOperatorFactory.Webs webs) {
        super(parameters);
        this.mailbox = mailbox;
        this.coordinator = coordinator;
        this.fetching = fetching;
        this.webs = webs;
    }

    @Override
    public void initializeState(StateInitializationContext context) throws Exception {
        super.initializeState(context);
        KeyedStateStore store = getKeyedStateStore();
        queue = new HostQueue(store);
        wheel = new RevisitWheel(store);
        known = new KnownUrls(store, this::setCurrentKey);
        pace = store.getState(PACE);
        takedowns = TakedownState.restore(getOperatorStateBackend());
        web = webs.lease(getRuntimeContext().getJobInfo().getJobId().toString());
        web.remember(paces());
    }

    /** How fast the hosts may be asked that were remembered. */
    private Map<String, HostPace> paces() throws Exception {
        var paces = new HashMap<String, HostPace>();
        for (String host : hosts(PACE.getName())) {
            setCurrentKey(host);
            HostPace remembered = requireNonNull(pace).value();
            if (remembered != null) {
                paces.put(host, remembered);
            }
        }
        return paces;
    }

    @Override
    public void open() throws Exception {
        super.open();
        var group = getMetricGroup();
        counters = VisitMetrics.register(group);
        group.<Long, Gauge<Long>>gauge("lenstream_visit_pending", pending::get);
        group.<Long, Gauge<Long>>gauge(MetricNames.PENDING_RECORDS, pending::get);
        group.<Long, Gauge<Long>>gauge("lenstream_visit_owed", this::owed);
        group.<Long, Gauge<Long>>gauge("lenstream_visit_clock_millis", System::currentTimeMillis);
        group.<Integer, Gauge<Integer>>gauge("lenstream_visit_in_flight", inFlight::get);
        timers = getInternalTimerService("revisits", VoidNamespaceSerializer.INSTANCE, this);
        fetcher = new ImageFetcher(web()::get, fetching);
        threads = Executors.newThreadPerTaskExecutor(
                Thread.ofVirtual().name("visit-", 0).factory());
        openedAt = now();
        resume();
    }

    /** Takes up the queues that a restored state holds; for them nobody will call {@link #processElement1}. */
    private void resume() throws Exception {
        for (String host : hosts(HostQueue.ENDS.getName())) {
            setCurrentKey(host);
            Lane lane = lane(host);
            lane.isSaved = true;
            pending.addAndGet(lane.ends.size());
            dispatch(lane);
        }
    }

    private List<String> hosts(String state) {
        try (var keys = this.<String>getKeyedStateBackend().getKeys(state, VoidNamespace.INSTANCE)) {
            return keys.toList();
        }
    }

    @Override
    public void snapshotState(StateSnapshotContext context) throws Exception {
        for (Lane lane : lanes.values()) {
            setCurrentKey(lane.host);
            queue().save(lane.ends, lane.held);
            lane.isSaved = lane.ends.size() > 0;
            if (lane.wheelEnds != null) {
                wheel().save(lane.wheelEnds);
            }
        }
        known().save();
        for (var remembered : web().paces().entrySet()) {
            if (isMine(remembered.getKey())) {
                setCurrentKey(remembered.getKey());
                requireNonNull(pace).update(remembered.getValue());
            }
        }
        super.snapshotState(context);
    }

    /** Whether a host is a key of this subtask; in this process there may be others. */
    private boolean isMine(String host) {
        TaskInfo task = getRuntimeContext().getTaskInfo();
        return KeyGroupRangeAssignment.assignKeyToParallelOperator(
                        host, task.getMaxNumberOfParallelSubtasks(), task.getNumberOfParallelSubtasks())
                == task.getIndexOfThisSubtask();
    }

    @Override
    public void processElement1(StreamRecord<CrawlTarget> element) throws Exception {
        CrawlTarget target = element.getValue();
        counters().in().inc();
        while (pending.get() >= fetching.maxPending()) {
            mailbox.yield();
        }
        setCurrentKey(target.host()); // answers that came while yielding have set others
        String id = target.id();
        long now = now();
        KnownUrl before = known().get(id);
        if (isTakenDown(target)) { // what waits already is dropped at its turn
            dropped(target);
            return;
        }
        if (before != null && isAsMarked(before, target)) {
            counters().unchanged().inc();
            return;
        }
        Lane lane = lane(target.host());
        boolean isFull = lane.ends.size() >= fetching.maxPendingPerHost();
        boolean hasRoomInFront = lane.ends.head() > 0; // a queue of an older program begins at 0
        if (target.isPushed()
                && hasRoomInFront
                && !(before != null && before.isQueued() && lane.running.contains(before.queued()))) {
            jumpTheQueue(lane, before, target);
        } else if (before != null
                && (before.isQueued() || (isFull && before.next().isOut(now)))) {
            counters().merged().inc();
            if (before.isQueued()) {
                owe(lane, before.queued());
            }
        } else {
            KnownUrl named = before == null ? KnownUrl.named(target) : before.withTarget(target);
            if (isFull) {
                long until = wheel().file(wheelOf(lane), 0, id, now);
                known().put(id, named.withNext(new Schedule(named.next().ring(), until, until)));
            } else {
                if (named.last().state() == UrlState.NEW && lane.ends.size() >= fetching.perHost()) {
                    tell(VisitLedger.waiting(target, lane.ends.size(), now));
                }
                enqueue(lane, named, new QueueEntry(id, 0, 0, target.discoveredAtMillis(), false));
            }
        }
        dispatch(lane);
    }

    @Override
    public void processElement2(StreamRecord<Command> element) throws Exception {
        Command command = element.getValue();
        requireNonNull(takedowns).apply(command);
        var again = Recrawl.target(command);
        if (again.isPresent() && isMine(again.get().host())) {
            recrawl(again.get());
        }
    }

    /** No target of its submission, or of an older one, comes behind it. */
    @Override
    public void processWatermark1(Watermark mark) throws Exception {
        saidUpTo = mark.getTimestamp();
        tellWhereVisitsStand();
        super.processWatermark1(mark);
    }

    /** Only after the present mail, within which an entry may leave the queue and come back. */
    private void tellWhereVisitsStand() {
        if (!isToTell && saidUpTo != Long.MIN_VALUE && !standing().equals(told)) {
            isToTell = true;
            back(() -> {
                isToTell = false;
                VisitStanding standing = standing();
                if (!standing.equals(told)) {
                    told = standing;
                    coordinator.sendEventToCoordinator(standing);
                }
            });
        }
    }

    private VisitStanding standing() {
        return new VisitStanding(saidUpTo, owed() == 0 && comingBack == 0);
    }

    /** Puts an image in front of its host's queue, with nothing that could make its server say "unchanged". */
    private void recrawl(CrawlTarget target) throws Exception {
        setCurrentKey(target.host());
        KnownUrl before = known().get(target.id());
        Lane busy = lanes.get(target.host());
        boolean isRunning =
                busy != null && before != null && before.isQueued() && busy.running.contains(before.queued());
        // the log is read from its start after a restore of the index
        boolean isAnswered = before != null && before.last().version() >= target.discoveredAtMillis();
        if (isTakenDown(target) || isRunning || isAnswered) {
            return;
        }
        Lane lane = lane(target.host());
        KnownUrl anew = before == null ? null : before.withUnknownBytes();
        if (lane.ends.head() > 0) {
            jumpTheQueue(lane, anew, target);
        } else {
            KnownUrl named = anew == null ? KnownUrl.named(target) : anew.withTarget(target);
            if (named.isQueued()) {
                known().put(target.id(), named);
            } else {
                enqueue(lane, named, new QueueEntry(target.id(), 0, 0, target.discoveredAtMillis(), false));
            }
        }
        dispatch(lane);
    }

    /** Whether discovery has seen that the image is as it is known: then a visit can bring nothing. */
    private boolean isAsMarked(KnownUrl before, CrawlTarget target) {
        String mark = target.mark();
        return mark != null
                && !before.isQueued()
                && mark.equals(before.last().validators().etag())
                && before.last().checkedAtMillis()
                        >= requireNonNull(takedowns).current().revokedAtMillis(target.url());
    }

    private boolean isTakenDown(CrawlTarget target) {
        return requireNonNull(takedowns).current().covers(target.url()).isPresent();
    }

    /** A pushed image is its host's next one, even if it waits already or the queue is full. */
    private void jumpTheQueue(Lane lane, @Nullable KnownUrl before, CrawlTarget target) throws Exception {
        if (before != null && before.isQueued()) {
            counters().merged().inc();
            leave(lane, before.queued());
        }
        KnownUrl named = before == null ? KnownUrl.named(target) : before.withTarget(target);
        lane.ends = lane.ends.prepended();
        long number = lane.ends.head();
        queue().put(lane.held, number, new QueueEntry(target.id(), 0, 0, target.discoveredAtMillis(), false));
        known().put(target.id(), named.withQueued(number));
        pending.incrementAndGet();
        tellWhereVisitsStand();
    }

    private long enqueue(Lane lane, KnownUrl url, QueueEntry entry) throws Exception {
        long number = lane.ends.tail();
        lane.ends = lane.ends.appended();
        queue().put(lane.held, number, entry);
        known().put(entry.id(), url.withQueued(number));
        pending.incrementAndGet();
        tellWhereVisitsStand();
        return number;
    }

    @Override
    public void endInput(int input) throws Exception {
        while (input == TARGETS && pending.get() > 0) {
            mailbox.yield();
        }
    }

    /** What goes on with the host that is the current key. */
    private Lane lane(String host) throws Exception {
        Lane lane = lanes.get(host);
        if (lane == null) {
            RevisitWheel.Ends wheelEnds = idle.take(host);
            lane = new Lane(host, wheelEnds == null ? queue().ends() : QueueEnds.EMPTY);
            lane.wheelEnds = wheelEnds;
            lanes.put(host, lane);
        }
        return lane;
    }

    private RevisitWheel.Ends wheelOf(Lane lane) throws Exception {
        if (lane.wheelEnds == null) {
            lane.wheelEnds = wheel().ends();
        }
        return lane.wheelEnds;
    }

    private void dispatch(String host) throws Exception {
        setCurrentKey(host);
        dispatch(lane(host));
    }

    /**
     * Starts as many fetches of the current key's host as are due and have a slot; else sees to it that it is called
     * again.
     */
    private void dispatch(Lane lane) throws Exception {
        int allowed = StoredFile.isHost(lane.host) ? FILES_AT_ONCE : fetching.perHost();
        while (lane.running.size() < allowed) {
            long now = now();
            var unavailable = web().unavailable(lane.host);
            if (lane.nothingWaits() && (unavailable.isPresent() || takeDue(lane, now) == null)) {
                if (lane.ends.size() == 0 && !lane.isComingBack) {
                    end(lane, unavailable.map(why -> now + why.delayMillis()).orElse(now));
                }
                return;
            }
            if (inFlight.get() >= fetching.total()) {
                if (!lane.waiting) {
                    lane.waiting = true;
                    waitingForSlot.add(lane);
                }
                return;
            }
            if (unavailable.isPresent()) {
                giveUp(lane, unavailable.get());
                return;
            }
            long hostWait = web().waitMillis(lane.host);
            if (hostWait > 0) {
                arm(lane, now + hostWait);
                return;
            }
            Long revisit = ++lane.turns % TURNS_A_REVISIT == 0 ? takeDue(lane, now) : null;
            if (revisit != null) {
                start(lane, revisit, requireNonNull(queue().get(lane.held, revisit)));
            } else if (!startNext(lane, now)) {
                return;
            }
        }
    }

    /**
     * Moves the URL that has been due for longest from the host's wheel to the end of its queue, and forgets those whose
     * time has come on the way.
     *
     * @return its number in the queue; null if none is due
     */
    private @Nullable Long takeDue(Lane lane, long now) throws Exception {
        RevisitWheel.Ends ends = wheelOf(lane);
        for (int taken = 0; taken < TAKEN_AT_ONCE; taken++) {
            RevisitWheel.Due due = wheel().take(ends, now);
            if (due == null) {
                return null;
            }
            KnownUrl url = known().get(due.id());
            if (url == null || url.next().filedUntilMillis() != due.dueAtMillis()) {
                continue; // it was put on the wheel again since
            }
            if (url.isQueued()) {
                file(lane, url, now + fetching.revisit().shortest().toMillis(), now);
            } else if (url.next().dueAtMillis() > now) {
                file(lane, url, url.next().dueAtMillis(), now); // it was visited in between
            } else if (isTakenDown(url.target())) {
                known().remove(due.id());
                dropped(url.target());
            } else if (fetching.revisit().isForgotten(url, now)) {
                known().remove(due.id());
                counters().forgotten().inc();
            } else if (due.overflow()) {
                return enqueue(
                        lane, url, new QueueEntry(due.id(), 0, 0, url.target().discoveredAtMillis(), false));
            } else {
                counters().revisits().inc();
                long number = enqueue(lane, url, new QueueEntry(due.id(), 0, 0, now, true));
                if (url.next().dueAtMillis() > openedAt) {
                    lane.later.add(number);
                    later.incrementAndGet();
                }
                return number;
            }
        }
        comeBack(lane);
        return null;
    }

    private void file(Lane lane, KnownUrl url, long atMillis, long now) throws Exception {
        String id = url.target().id();
        long until = wheel().file(wheelOf(lane), RevisitWheel.ringOf(atMillis - now), id, now);
        known().put(id, url.withNext(url.next().filed(until)));
    }

    /** Nothing waits and nothing is due: keeps of the host what its state says, and a timer if its wheel needs one. */
    private void end(Lane lane, long notBefore) throws Exception {
        lanes.remove(lane.host);
        if (lane.isSaved) {
            queue().save(lane.ends, lane.held);
        }
        RevisitWheel.Ends ends = lane.wheelEnds;
        if (ends == null) {
            return;
        }
        long due = ends.firstDueMillis();
        if (due != Long.MAX_VALUE) {
            long at = Math.max(due, notBefore);
            if (at < ends.timerAtMillis()) {
                ends.timerAt(at);
                requireNonNull(timers).registerProcessingTimeTimer(VoidNamespace.INSTANCE, at);
            }
        }
        wheel().save(ends);
        idle.put(lane.host, ends);
    }

    /** A host's wheel has something to give out. */
    @Override
    public void onProcessingTime(InternalTimer<String, VoidNamespace> timer) throws Exception {
        Lane lane = lane(timer.getKey());
        RevisitWheel.Ends ends = wheelOf(lane);
        if (ends.timerAtMillis() <= timer.getTimestamp()) {
            ends.timerAt(Long.MAX_VALUE);
        }
        dispatch(lane);
    }

    @Override
    public void onEventTime(InternalTimer<String, VoidNamespace> timer) {
        throw new IllegalStateException("no timer is set in event time");
    }

    /** Refuses for this round what waits for a host; a long queue in parts, so that other hosts get their turn. */
    private void giveUp(Lane lane, HostUnavailableException why) throws Exception {
        var outcome = new Deferred(why.reason(), String.valueOf(why.getMessage()), why.delayMillis());
        QueueEnds ends = lane.ends;
        long last = Math.min(ends.tail(), ends.head() + LOOK_AHEAD);
        boolean any = false;
        for (long number = ends.head(); number < last; number++) {
            QueueEntry entry = lane.running.contains(number) ? null : queue().get(lane.held, number);
            if (entry != null) {
                settle(lane, number, entry, outcome, 0);
                any = true;
            } else if (!lane.running.contains(number) && number == lane.ends.head()) {
                lane.ends = lane.ends.withoutHead();
                any = true;
            }
        }
        if (any) { // else the head is running and comes back here
            comeBack(lane);
        }
    }

    /** Goes on with a host after others had their turn. */
    private void comeBack(Lane lane) {
        if (!lane.isComingBack) {
            lane.isComingBack = true;
            comingBack++;
            back(() -> {
                lane.isComingBack = false;
                comingBack--;
                dispatch(lane.host);
                tellWhereVisitsStand();
            });
        }
    }

    private boolean startNext(Lane lane, long now) throws Exception {
        long earliest = Long.MAX_VALUE;
        long last = Math.min(lane.ends.tail(), lane.ends.head() + LOOK_AHEAD);
        for (long number = lane.ends.head(); number < last; number++) {
            if (lane.running.contains(number)) {
                continue;
            }
            QueueEntry entry = queue().get(lane.held, number);
            if (entry == null) {
                if (number == lane.ends.head()) {
                    lane.ends = lane.ends.withoutHead();
                    last = Math.min(lane.ends.tail(), lane.ends.head() + LOOK_AHEAD);
                }
            } else if (entry.notBeforeMillis() <= now) {
                start(lane, number, entry);
                return true;
            } else {
                earliest = Math.min(earliest, entry.notBeforeMillis());
            }
        }
        if (earliest != Long.MAX_VALUE) {
            arm(lane, earliest);
        }
        return false;
    }

    private void start(Lane lane, long number, QueueEntry entry) throws Exception {
        KnownUrl url = requireNonNull(known().get(entry.id()), "a URL that waits is known");
        if (isTakenDown(url.target())) {
            forget(lane, number, entry);
            dropped(url.target());
            return;
        }
        lane.running.add(number);
        inFlight.incrementAndGet();
        String address = url.target().url();
        // what was indexed before a take-down that was revoked is gone from the index
        boolean removed = url.last().checkedAtMillis()
                < requireNonNull(takedowns).current().revokedAtMillis(address);
        Validators validators = removed ? Validators.NONE : url.last().validators();
        String sha256 = removed ? null : url.last().comparable();
        ImageFetcher images = requireNonNull(fetcher);
        requireNonNull(threads).execute(() -> {
            try {
                long began = System.nanoTime();
                FetchOutcome outcome = attempt(images, address, validators, sha256);
                long took = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - began);
                back(() -> complete(lane, number, entry, outcome, took));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt(); // the task is closing, the entry stays in the queue
            } catch (RuntimeException | Error e) {
                back(() -> {
                    throw new IllegalStateException("fetching " + address, e);
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

    private void complete(Lane lane, long number, QueueEntry entry, FetchOutcome outcome, long took) throws Exception {
        lane.running.remove(number);
        inFlight.decrementAndGet();
        setCurrentKey(lane.host);
        settle(lane, number, entry, outcome, took);
        dispatch(lane);
        while (inFlight.get() < fetching.total() && !waitingForSlot.isEmpty()) {
            Lane next = waitingForSlot.remove();
            next.waiting = false;
            dispatch(next.host);
        }
    }

    /** Draws what follows from an attempt, for an entry of the current key. */
    private void settle(Lane lane, long number, QueueEntry entry, FetchOutcome outcome, long took) throws Exception {
        KnownUrl url = requireNonNull(known().get(entry.id()), "a URL that waits is known");
        if (isTakenDown(url.target())) {
            forget(lane, number, entry);
            dropped(url.target());
            return;
        }
        long now = now();
        CrawlTarget target = entry.revisit() ? url.target().askedAgainAt(entry.askedAtMillis()) : url.target();
        Verdict verdict = Verdict.of(target, entry, url.last(), outcome, now, fetching);
        switch (verdict) {
            case Verdict.Image image -> {
                finish(lane, number, url, image.after(), verdict, took);
                counters().fetched().inc();
                if (url.last().sha256() != null) {
                    counters().changed().inc();
                }
                output.collect(new StreamRecord<>(image.image()));
            }
            case Verdict.Refusal refusal -> {
                finish(lane, number, url, refusal.after(), verdict, took);
                counters().rejected().inc();
                if (refusal.after().state() == UrlState.GONE) {
                    counters().gone().inc();
                }
                output.collect(VisitOperatorFactory.REJECTIONS, new StreamRecord<>(refusal.rejection()));
            }
            case Verdict.NothingNew nothing -> {
                finish(lane, number, url, nothing.after(), verdict, took);
                counters().unchanged().inc();
            }
            case Verdict.NoAnswer silence -> {
                finish(lane, number, url, silence.after(), verdict, took);
                counters().rejected().inc();
            }
            case Verdict.Again again -> postpone(lane, number, url, entry, again);
        }
    }

    private void postpone(Lane lane, long number, KnownUrl url, QueueEntry entry, Verdict.Again again)
            throws Exception {
        boolean isLater = lane.later.contains(number);
        leave(lane, number);
        long after = enqueue(lane, url, entry.again(again.attempts(), again.notBeforeMillis()));
        if (isLater) {
            lane.later.add(after);
            later.incrementAndGet();
        }
    }

    /** Takes an entry out of its host's queue. */
    private void leave(Lane lane, long number) throws Exception {
        queue().remove(lane.held, number);
        lane.ends = lane.ends.removed(number);
        owe(lane, number);
        pending.decrementAndGet();
        tellWhereVisitsStand();
    }

    /** This run does not end without this visit. */
    private void owe(Lane lane, long number) {
        if (lane.later.remove(number)) {
            later.decrementAndGet();
            tellWhereVisitsStand();
        }
    }

    /** Takes an entry out of the queue and plans the URL's next visit. */
    private void finish(Lane lane, long number, KnownUrl url, Observation after, Verdict verdict, long took)
            throws Exception {
        leave(lane, number);
        long now = now();
        CrawlTarget target = url.target();
        Schedule next = fetching.revisit().after(url.next(), url.last(), after, target.discoveredAtMillis(), now);
        KnownUrl visited = url.visited(after, next);
        if (VisitLedger.tells(url, after, now)) {
            visited = visited.withLedger(now);
            tell(VisitLedger.of(
                    url, visited, verdict, web().robotsLine(target.url()).orElse(null), took, now));
        }
        if (next.filedUntilMillis() > now && next.filedUntilMillis() <= next.dueAtMillis()) {
            known().put(target.id(), visited); // it is on the wheel and comes early enough to be put back
        } else {
            file(lane, visited, next.dueAtMillis(), now);
        }
    }

    /** Drops an entry that was taken down, and all that is known of its URL. */
    private void forget(Lane lane, long number, QueueEntry entry) throws Exception {
        leave(lane, number);
        known().remove(entry.id());
    }

    private void dropped(CrawlTarget target) {
        counters().takenDown().inc();
        tell(VisitLedger.takenDown(target, now()));
    }

    private void tell(LedgerEntry entry) {
        output.collect(VisitOperatorFactory.LEDGER, new StreamRecord<>(entry));
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

    private long now() {
        return getProcessingTimeService().getCurrentProcessingTime();
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

    /** Targets that are queued or being fetched. */
    long pending() {
        return pending.get();
    }

    /** Of those, what a run that ends waits for. */
    long owed() {
        return pending.get() - later.get();
    }

    /** Visits that came to an end. */
    long visits() {
        return counters().fetched().getCount()
                + counters().unchanged().getCount()
                + counters().rejected().getCount();
    }

    /** What is known of a URL of the current key's host. */
    @Nullable
    KnownUrl known(String url) throws Exception {
        return known().get(ImageId.ofUrl(url));
    }

    private HostQueue queue() {
        return requireNonNull(queue);
    }

    private RevisitWheel wheel() {
        return requireNonNull(wheel);
    }

    private KnownUrls known() {
        return requireNonNull(known);
    }

    private VisitMetrics counters() {
        return requireNonNull(counters);
    }

    private PoliteWeb web() {
        return requireNonNull(web);
    }

    /** What one host has going on in this process, while anything waits. Confined to the task thread. */
    private static final class Lane {
        private final String host;
        private final Set<Long> running = new HashSet<>(4);
        /** Entries of the queue that a run which ends does not wait for; few, for a wheel gives out one after the other. */
        private final Set<Long> later = new HashSet<>(4);

        private final HostQueue.Held held = new HostQueue.Held();
        private QueueEnds ends;
        private boolean isSaved;
        private RevisitWheel.@Nullable Ends wheelEnds;
        private long timerAt = Long.MAX_VALUE;
        private int turns;
        private boolean waiting;
        private boolean isComingBack;

        Lane(String host, QueueEnds ends) {
            this.host = host;
            this.ends = ends;
        }

        boolean nothingWaits() {
            return running.size() == ends.size();
        }
    }
}
