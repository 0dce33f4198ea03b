package lenstream.core.command;

import lenstream.core.command.Command.Kind;
import lenstream.core.image.ImageId;
import lenstream.core.web.CanonicalUrl;

/** The command to look at one page, feed or image now. */
public final class Push {
    private Push() {}

    /** A later push of the same URL takes the place of one that no job has read yet. */
    public static Command of(CanonicalUrl url, long nowMillis) {
        return Command.of("push-" + ImageId.ofUrl(url.value()), Kind.PUSH, url.value(), null, nowMillis);
    }
}
