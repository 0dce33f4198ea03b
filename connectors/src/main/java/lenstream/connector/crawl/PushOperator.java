package lenstream.connector.crawl;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import java.util.stream.Collectors;
import lenstream.connector.fetch.PoliteWeb;
import lenstream.core.command.Command;
import lenstream.core.command.Push;
import lenstream.core.image.CrawlTarget;
import lenstream.core.web.CanonicalUrl;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.StateTtlConfig;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.VoidNamespace;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.util.function.ThrowingRunnable;
import org.jspecify.annotations.Nullable;

/**
 * Reads pushed pages and feeds for the images they show, keyed by host. A pushed image goes on at once; anything else waits
 * in keyed state until its host has a turn, so that many pushes of one slow host hold up nobody, least of all the commands
 * behind them. A page leaves the state only with what it showed: what was being read at a crash is read again. What a page
 * showed when it was read before and shows no more, be it that the page is gone, is visited, so that it does not outlive it.
 *
 * <p>A watermark waits for the pages that were pushed before it.
 *
 * <p>State and outputs are touched on the task thread alone. One page of a host at a time.
 */
final class PushOperator extends AbstractStreamOperator<CrawlTarget>
        implements OneInputStreamOperator<Command, CrawlTarget>, BoundedOneInput {
    private static final long serialVersionUID = 1;
    private static final int AT_ONCE = 32;
    /** Pages of one host that wait at most; whoever pushes more than the host can answer in hours is not served. */
    private static final int WAITING_PER_HOST = 20_000;

    private static final long CLOSE_SECONDS = 10;
    /** How long it is remembered that a page was read which a feed names; feeds repeat their entries. */
    private static final Duration REMEMBERED = Duration.ofDays(30);
    /** How long it is remembered what a page showed; later its images are left to their own visits. */
    private static final Duration SHOWN = Duration.ofDays(90);

    /** Of one page, whose row of state is read and written as a whole. */
    private static final int SHOWN_AT_MOST = 500;

    private final transient MailboxExecutor mailbox;
    private final transient Function<String, PoliteWeb> webs;
    private final transient Set<String> busy = new HashSet<>();
    private final transient ArrayDeque<String> waitingForSlot = new ArrayDeque<>();
    private final transient AtomicLong pending = new AtomicLong();

    private transient @Nullable MapState<String, Command> waiting;
    private transient @Nullable MapState<String, Long> readAt;
    private transient @Nullable MapState<String, List<CrawlTarget>> shown;
    private transient @Nullable PoliteWeb web;
    private transient @Nullable PushedPage pages;
    private transient @Nullable ExecutorService threads;
    private transient @Nullable Counter found;
    private transient @Nullable Counter failed;
    private transient @Nullable Watermark held;

    PushOperator(
            StreamOperatorParameters<CrawlTarget> parameters,
            MailboxExecutor mailbox,
            Function<String, PoliteWeb> webs) {
        super(parameters);
        this.mailbox = mailbox;
        this.webs = webs;
    }

    @Override
    public void initializeState(StateInitializationContext context) throws Exception {
        super.initializeState(context);
        waiting = getKeyedStateStore()
                .getMapState(new MapStateDescriptor<>("pushed-pages", Types.STRING, TypeInformation.of(Command.class)));
        var read = new MapStateDescriptor<>("pages-read", Types.STRING, Types.LONG);
        read.enableTimeToLive(StateTtlConfig.newBuilder(REMEMBERED).build());
        readAt = getKeyedStateStore().getMapState(read);
        var images = new MapStateDescriptor<>(
                "pages-shown", Types.STRING, Types.LIST(TypeInformation.of(CrawlTarget.class)));
        images.enableTimeToLive(StateTtlConfig.newBuilder(SHOWN).build());
        shown = getKeyedStateStore().getMapState(images);
    }

    @Override
    public void open() throws Exception {
        super.open();
        var group = getMetricGroup();
        found = group.counter("lenstream_found");
        failed = group.counter("lenstream_pushes_failed");
        // beside the visit operator's: both say how much waits for its host
        group.<Long, Gauge<Long>>gauge("lenstream_visit_pending", pending::get);
        group.<Long, Gauge<Long>>gauge("lenstream_visit_owed", pending::get);
        web = webs.apply(getRuntimeContext().getJobInfo().getJobId().toString());
        pages = new PushedPage(web::get);
        threads = Executors.newThreadPerTaskExecutor(
                Thread.ofVirtual().name("push-", 0).factory());
        List<String> hosts;
        try (var keys = this.<String>getKeyedStateBackend().getKeys("pushed-pages", VoidNamespace.INSTANCE)) {
            hosts = keys.distinct().toList();
        }
        for (String host : hosts) {
            setCurrentKey(host);
            pending.addAndGet(size(WAITING_PER_HOST));
            dispatch(host);
        }
    }

    @Override
    public void processElement(StreamRecord<Command> element) throws Exception {
        Command push = element.getValue();
        CanonicalUrl url = CanonicalUrl.of(push.subject()).orElseThrow();
        if (PushedPage.isNamedLikeAnImage(url)) {
            emit(PushedPage.image(url, push.issuedAtMillis()));
            return;
        }
        if (!waiting().contains(url.value())) {
            if (size(WAITING_PER_HOST) == WAITING_PER_HOST) {
                requireNonNull(failed).inc();
                return;
            }
            pending.incrementAndGet();
        }
        waiting().put(url.value(), push);
        dispatch(url.hostAndPort());
    }

    @Override
    public void processWatermark(Watermark mark) throws Exception {
        held = mark;
        releaseMark();
    }

    private void releaseMark() throws Exception {
        Watermark mark = held;
        if (mark != null && pending.get() == 0) {
            held = null;
            super.processWatermark(mark);
        }
    }

    @Override
    public void endInput() throws Exception {
        while (pending.get() > 0) {
            mailbox.yield();
        }
    }

    /** Reads the next page of the host that is the current key, unless one is being read or there is no slot. */
    private void dispatch(String host) throws Exception {
        var next = waiting().values().iterator();
        if (busy.contains(host) || !next.hasNext()) {
            return;
        }
        if (busy.size() >= AT_ONCE) {
            waitingForSlot.add(host);
            return;
        }
        busy.add(host);
        Command push = next.next();
        PushedPage reader = requireNonNull(pages);
        requireNonNull(threads).execute(() -> {
            try {
                PushedPage.Seen seen = reader.read(push);
                back(() -> complete(host, push, seen));
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt(); // the task is closing, the page stays in the state
            } catch (RuntimeException | Error e) {
                back(() -> {
                    throw new IllegalStateException("reading " + push.subject(), e);
                });
            }
        });
    }

    private void complete(String host, Command push, PushedPage.Seen seen) throws Exception {
        setCurrentKey(host);
        busy.remove(host);
        Command now = waiting().get(push.subject());
        if (now != null && now.issuedAtMillis() == push.issuedAtMillis()) {
            waiting().remove(push.subject());
            pending.decrementAndGet();
        } // else it was pushed again while it was read, and is read again
        if (seen.failed()) {
            requireNonNull(failed).inc();
        } else {
            visitWhatIsShownNoMore(push, seen.images());
        }
        long time = getProcessingTimeService().getCurrentProcessingTime();
        requireNonNull(readAt).put(push.subject(), time);
        seen.images().forEach(this::emit);
        for (CanonicalUrl page : seen.pages()) {
            boolean known =
                    requireNonNull(readAt).contains(page.value()) || waiting().contains(page.value());
            if (!known && page.hostAndPort().equals(host)) {
                waiting().put(page.value(), Push.of(page, push.issuedAtMillis()));
                pending.incrementAndGet();
            }
        }
        dispatch(host);
        while (busy.size() < AT_ONCE && !waitingForSlot.isEmpty()) {
            String other = waitingForSlot.remove();
            setCurrentKey(other);
            dispatch(other);
        }
        releaseMark();
    }

    private void visitWhatIsShownNoMore(Command push, List<CrawlTarget> now) throws Exception {
        List<CrawlTarget> before = requireNonNull(shown).get(push.subject());
        Set<String> urls = now.stream().map(CrawlTarget::url).collect(Collectors.toSet());
        for (CrawlTarget image : before == null ? List.<CrawlTarget>of() : before) {
            if (!urls.contains(image.url())) {
                emit(image.askedAgainAt(push.issuedAtMillis()));
            }
        }
        if (!now.isEmpty()) {
            requireNonNull(shown)
                    .put(push.subject(), now.stream().limit(SHOWN_AT_MOST).toList());
        } else if (before != null) {
            requireNonNull(shown).remove(push.subject());
        }
    }

    private void emit(CrawlTarget target) {
        requireNonNull(found).inc();
        output.collect(new StreamRecord<>(target));
    }

    private int size(int limit) throws Exception {
        int count = 0;
        for (var ignored : waiting().keys()) {
            count++;
            if (count == limit) {
                break;
            }
        }
        return count;
    }

    private void back(ThrowingRunnable<Exception> mail) {
        try {
            mailbox.execute(mail, "a pushed page");
        } catch (RejectedExecutionException e) {
            LOG.debug("page dropped, the task is closed"); // it stays in the state
        }
    }

    @Override
    public void close() throws Exception {
        try {
            if (threads != null) {
                threads.shutdownNow();
                if (!threads.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)) {
                    LOG.warn("pages are still being read after seconds={}", CLOSE_SECONDS);
                }
            }
        } finally {
            if (web != null) {
                web.close();
            }
            super.close();
        }
    }

    private MapState<String, Command> waiting() {
        return requireNonNull(waiting);
    }
}
