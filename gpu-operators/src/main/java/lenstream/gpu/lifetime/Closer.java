package lenstream.gpu.lifetime;

import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/** Closes what was registered, in reverse; the first failure is thrown, later ones are suppressed in it. Confined. */
public final class Closer implements AutoCloseable {
    private final Deque<AutoCloseable> resources = new ArrayDeque<>();

    /** Takes over {@code resource} and returns it. */
    public <R extends AutoCloseable> R register(R resource) {
        resources.push(resource);
        return resource;
    }

    @Override
    public void close() {
        Throwable failure = closeAll(null);
        if (failure instanceof RuntimeException e) {
            throw e;
        }
        if (failure instanceof Error e) {
            throw e;
        }
        if (failure != null) {
            throw new IllegalStateException(failure);
        }
    }

    /** Closes everything after {@code failure}, which is returned to be thrown. */
    public RuntimeException closeAfter(Throwable failure) {
        closeAll(failure);
        if (failure instanceof Error e) {
            throw e;
        }
        return failure instanceof RuntimeException e ? e : new IllegalStateException(failure);
    }

    private @Nullable Throwable closeAll(@Nullable Throwable before) {
        Throwable failure = before;
        while (!resources.isEmpty()) {
            try {
                resources.pop().close();
            } catch (Throwable e) {
                if (failure == null) {
                    failure = e;
                } else if (failure != e) {
                    failure.addSuppressed(e);
                }
            }
        }
        return failure;
    }
}
