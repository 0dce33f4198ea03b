package lenstream.gpu.embed.trt;

import static org.bytedeco.onnxruntime.global.onnxruntime.ORT_LOGGING_LEVEL_ERROR;

import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.onnxruntime.Env;
import org.bytedeco.onnxruntime.Session;
import org.bytedeco.onnxruntime.SessionOptions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * ONNX Runtime's environment and the sessions open in it. One for the process, closed when the process ends, behind the last
 * session: left to the C library's exit handlers, its providers are taken down after CUDA, and the process aborts.
 *
 * <p>Thread-safe.
 */
final class OrtEnvironment {
    private static final Logger LOG = LoggerFactory.getLogger(OrtEnvironment.class);

    /** Longer than an engine takes to close: it waits for its device. */
    private static final long LAST_SESSION_SECONDS = 20;

    private static final class Holder {
        static final OrtEnvironment ONE = new OrtEnvironment();
    }

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Env handle = new Env(ORT_LOGGING_LEVEL_ERROR, "lenstream");
    private int sessions;
    private boolean ended;

    private OrtEnvironment() {
        Runtime.getRuntime()
                .addShutdownHook(Thread.ofPlatform().name("lenstream-onnx-exit").unstarted(this::end));
    }

    static OrtEnvironment get() {
        return Holder.ONE;
    }

    /**
     * Opens a session, for {@link #close(Session)}. An engine that is built meanwhile takes minutes.
     *
     * @throws RuntimeException JavaCPP's form of ONNX Runtime's exceptions
     */
    Session session(Path model, SessionOptions options) {
        count(1);
        boolean opened = false;
        try (var file = new BytePointer(model.toString())) {
            var session = new Session(handle, file, options);
            opened = true;
            return session;
        } finally {
            if (!opened) {
                count(-1);
            }
        }
    }

    void close(Session session) {
        try {
            session.close();
        } finally {
            count(-1);
        }
    }

    private void count(int more) {
        lock.lock();
        try {
            if (ended && more > 0) {
                throw new IllegalStateException("the process is ending");
            }
            sessions += more;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void end() {
        lock.lock();
        try {
            long left = TimeUnit.SECONDS.toNanos(LAST_SESSION_SECONDS);
            while (sessions > 0 && left > 0) {
                left = changed.awaitNanos(left);
            }
            ended = true;
            if (sessions == 0) {
                handle.close();
            } else {
                LOG.warn(
                        "event=sessions_left sessions={} note=\"the process may end with an abort, after its work\"",
                        sessions);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            lock.unlock();
        }
    }
}
