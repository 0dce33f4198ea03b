package lenstream.connector.fetch;

import com.google.errorprone.annotations.MustBeClosed;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.ToIntFunction;
import lenstream.core.image.Reason;
import org.jspecify.annotations.Nullable;

/**
 * One subtask's part in sharing hosts between the processes of a job. Each host is looked after by one subtask, whose process
 * holds its permit. A request to a host of another process (a redirect, a sitemap on a content delivery network) first
 * asks there for a turn; the other side holds the permit until the request has ended. So a host sees one visitor, whichever
 * process sends the request. A turn that is never ended is taken back after a limit.
 *
 * <p>Thread-safe. {@link #take} blocks: call from a virtual thread.
 */
public final class HostTurns implements AutoCloseable {
    private final int self;
    private final ToIntFunction<String> owners;
    private final Consumer<TurnMessage> post;
    private final HostPoliteness politeness;
    private final Duration longestRequest;
    private final AtomicLong numbers = new AtomicLong();
    private final Map<Long, CompletableFuture<TurnMessage>> waiting = new ConcurrentHashMap<>();
    private final Map<Key, CompletableFuture<TurnMessage.Ended>> held = new ConcurrentHashMap<>();
    private final Map<String, Long> crawlDelays = new ConcurrentHashMap<>();
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

    private record Key(int asker, long number) {}

    /**
     * @param self this subtask
     * @param owners the subtask that looks after a host
     * @param post sends a message to the subtask that it is for; does not block
     * @param politeness with the permits of this process
     * @param longestRequest after which a turn is taken back
     */
    HostTurns(
            int self,
            ToIntFunction<String> owners,
            Consumer<TurnMessage> post,
            HostPoliteness politeness,
            Duration longestRequest) {
        this.self = self;
        this.owners = owners;
        this.post = post;
        this.politeness = politeness;
        this.longestRequest = longestRequest;
    }

    /** The subtask that looks after a host. */
    int owner(String host) {
        return owners.applyAsInt(host);
    }

    /** Remembers what a host's robots.txt asks for, for those who look after it. */
    void crawlDelay(String host, Duration delay) {
        crawlDelays.put(host, delay.toMillis());
    }

    /**
     * Waits for a turn at a host that another process looks after.
     *
     * @throws HostUnavailableException if the host has to be left alone, or no turn came in time
     */
    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // ownership passes to the caller
    Turn take(String host, Duration patience) throws HostUnavailableException, InterruptedException {
        long number = numbers.incrementAndGet();
        int owner = owner(host);
        var answer = new CompletableFuture<TurnMessage>();
        waiting.put(number, answer);
        boolean taken = false;
        try {
            post.accept(new TurnMessage.Asked(
                    self, owner, number, host, crawlDelays.getOrDefault(host, 0L), patience.toMillis()));
            // the owner refuses by itself once the patience is over; the second is for the way
            TurnMessage said = answer.get(patience.toMillis() + 1_000, TimeUnit.MILLISECONDS);
            taken = said instanceof TurnMessage.Granted;
            if (said instanceof TurnMessage.Refused refused) {
                throw new HostUnavailableException(refused.reason(), refused.why(), refused.delayMillis());
            }
            return new RemoteTurn(owner, number);
        } catch (TimeoutException e) {
            throw new HostUnavailableException(
                    Reason.RATE_LIMITED, host + ": no turn within " + patience.toSeconds() + " s", 1_000);
        } catch (ExecutionException e) {
            throw new IllegalStateException("an answer does not fail", e);
        } finally {
            waiting.remove(number);
            if (!taken && answer.getNow(null) instanceof TurnMessage.Granted) {
                end(owner, number, null, 0); // it came while this one gave up
            }
        }
    }

    /** A message of another subtask. Does not block. */
    public void receive(TurnMessage message) {
        switch (message) {
            case TurnMessage.Asked asked -> {
                var end = new CompletableFuture<TurnMessage.Ended>();
                held.put(new Key(asked.from(), asked.number()), end);
                try {
                    threads.execute(() -> hold(asked, end));
                } catch (RejectedExecutionException e) {
                    held.clear(); // closed: the asker's job is ending too
                }
            }
            case TurnMessage.Granted granted -> {
                var asker = waiting.remove(granted.number());
                if (asker == null || !asker.complete(granted)) {
                    end(granted.from(), granted.number(), null, 0); // nobody waits for it any more
                }
            }
            case TurnMessage.Refused refused -> {
                var asker = waiting.remove(refused.number());
                if (asker != null) {
                    asker.complete(refused);
                }
            }
            case TurnMessage.Ended ended -> {
                var holder = held.remove(new Key(ended.from(), ended.number()));
                if (holder != null) {
                    holder.complete(ended);
                }
            }
        }
    }

    private void hold(TurnMessage.Asked asked, CompletableFuture<TurnMessage.Ended> end) {
        if (asked.crawlDelayMillis() > 0) {
            politeness.crawlDelay(asked.host(), Duration.ofMillis(asked.crawlDelayMillis()));
        }
        try (Turn permit = politeness.acquire(asked.host(), Duration.ofMillis(asked.patienceMillis()))) {
            post.accept(new TurnMessage.Granted(self, asked.from(), asked.number()));
            TurnMessage.Ended ended = end.get(longestRequest.toMillis(), TimeUnit.MILLISECONDS);
            Reason failure = ended.failure();
            if (failure == null) {
                permit.succeeded();
            } else {
                permit.failed(failure, ended.retryAfterMillis());
            }
        } catch (HostUnavailableException e) {
            post.accept(new TurnMessage.Refused(
                    self, asked.from(), asked.number(), e.reason(), String.valueOf(e.getMessage()), e.delayMillis()));
        } catch (TimeoutException e) {
            // the permit is free again
        } catch (ExecutionException e) {
            throw new IllegalStateException("an end does not fail", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // the task is closing
        } finally {
            held.remove(new Key(asked.from(), asked.number()));
        }
    }

    private void end(int owner, long number, @Nullable Reason failure, long retryAfterMillis) {
        post.accept(new TurnMessage.Ended(self, owner, number, failure, retryAfterMillis));
    }

    @Override
    public void close() {
        threads.shutdownNow();
    }

    /** Confined to the thread that took it. */
    private final class RemoteTurn implements Turn {
        private final int owner;
        private final long number;
        private @Nullable Reason failure;
        private long retryAfterMillis;
        private boolean open = true;

        RemoteTurn(int owner, long number) {
            this.owner = owner;
            this.number = number;
        }

        @Override
        public void succeeded() {
            failure = null;
        }

        @Override
        public void failed(Reason reason, long askedMillis) {
            failure = reason;
            retryAfterMillis = askedMillis;
        }

        @Override
        public void close() {
            if (open) {
                open = false;
                end(owner, number, failure, retryAfterMillis);
            }
        }
    }
}
