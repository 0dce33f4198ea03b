package lenstream.search.push;

import java.util.ArrayList;
import java.util.List;
import lenstream.core.command.Command;
import lenstream.core.command.CommandLog;
import lenstream.core.command.Push;
import lenstream.core.web.CanonicalUrl;

/** The way of a pushed URL into the command log. Thread-safe; blocks. */
public final class PushedUrls {
    /** URLs of one request, as IndexNow sets it. */
    static final int MOST = 10_000;

    private final CommandLog log;

    public PushedUrls(CommandLog log) {
        this.log = log;
    }

    /** Appends them in this order. */
    void push(List<CanonicalUrl> urls) {
        long now = System.currentTimeMillis();
        var commands = new ArrayList<Command>(urls.size());
        urls.stream().distinct().forEach(url -> commands.add(Push.of(url, now)));
        log.append(commands);
    }
}
