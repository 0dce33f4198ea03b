package lenstream.websim;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Says which images a crawl must have indexed after each of its rounds, from the formula of the web alone. A round visits
 * everything that is listed; what could not be had for a reason that may pass stays as it was; 404 takes an image out when it
 * is met in two rounds, 410 and an opt-out at once. Immutable.
 */
public final class Oracle {
    private enum Visit {
        /** Nothing led there. */
        NONE,
        INDEXED,
        /** A failure that may pass. */
        FAILED,
        MISSING,
        /** Refused for good, or no image. */
        OUT
    }

    private final SimWeb web;
    private final boolean revisits;

    /** Of a crawl that visits what is listed; how long it keeps an image that is named no more stays open. */
    public Oracle(SimWeb web) {
        this(web, false);
    }

    private Oracle(SimWeb web, boolean revisits) {
        this.web = web;
        this.revisits = revisits;
    }

    /** Of a crawl that visits in each round every image that it knows, whether it is named or not: then nothing is open. */
    public Oracle withRevisits() {
        return new Oracle(web, true);
    }

    /**
     * Compares an index with what it must hold.
     *
     * @param indexed the SHA-256 of each image by URL
     * @param round that was crawled last
     * @return what is wrong in words, at most {@code limit} lines; nothing if all is right
     */
    public List<String> differences(Map<String, String> indexed, int round, int limit) {
        var wrong = new ArrayList<String>();
        var unexpected = new HashMap<>(indexed);
        for (SimImage image : web.all()) {
            String url = web.url(image);
            String is = unexpected.remove(url);
            if (isOpen(image, round)) {
                continue;
            }
            String must = expected(image, round);
            if (must == null ? is != null : !must.equals(is)) {
                wrong.add(url + ": " + image + " on " + web.temper(image.host()) + ", listed by "
                        + web.style(image.site()) + " on " + web.temper(image.site()) + ": must "
                        + (must == null ? "not be in" : is == null ? "be in" : "have other bytes") + " after round "
                        + round);
                if (wrong.size() >= limit) {
                    return wrong;
                }
            }
        }
        unexpected.keySet().stream()
                .sorted()
                .limit(limit - wrong.size())
                .forEach(url -> wrong.add(url + ": no image of this web"));
        return wrong;
    }

    /** How many images must be in after a round. */
    public int expected(int round) {
        int count = 0;
        for (SimImage image : web.all()) {
            count += !isOpen(image, round) && expected(image, round) != null ? 1 : 0;
        }
        return count;
    }

    /** The SHA-256 of the bytes that must be indexed after a round; null if the image must not be in. */
    @Nullable
    String expected(SimImage image, int round) {
        int edition = 0; // of the bytes that are in, or the round that brought them; 0 for none
        int missing = 0;
        for (int now = 1; now <= round; now++) {
            boolean known = revisits && edition > 0;
            switch (visit(image, now, known)) {
                case INDEXED -> {
                    edition = now;
                    missing = 0;
                }
                case MISSING -> {
                    missing++;
                    edition = missing >= 2 ? 0 : edition;
                }
                case OUT -> {
                    edition = 0;
                    missing = 0;
                }
                case NONE, FAILED -> {}
            }
        }
        return edition == 0 ? null : sha256(web.bytes(image, edition));
    }

    /**
     * Whether an image that was indexed is named no more: how long it stays is the crawler's own schedule, which the
     * formula does not know.
     */
    private boolean isOpen(SimImage image, int round) {
        if (revisits || round < 2 || expected(image, 1) == null) {
            return false;
        }
        boolean vanished = image.fate() == Fate.VANISHED && reads(image.site(), 1);
        return vanished || web.temper(image.site()) == Temper.CLOSED_LATER;
    }

    private Visit visit(SimImage image, int round, boolean known) {
        boolean listed = image.fate().isListed(round)
                && reads(image.site(), round)
                && !web.optsOut(image.site(), web.list(image));
        if (!listed && !known) {
            return Visit.NONE;
        }
        Temper temper = web.temper(image.host());
        boolean isPrivate = image.fate() == Fate.PRIVATE && temper != Temper.NO_ROBOTS;
        // rules that cannot be read are no refusal
        boolean rulesKnown = !temper.isOut(round) || temper == Temper.DOWN;
        if (temper.refuses(round) || (isPrivate && rulesKnown)) {
            return Visit.OUT;
        }
        if (temper.isOut(round)) {
            return Visit.FAILED;
        }
        return switch (image.fate()) {
            case CONSTANT, CHANGED, NEW_SECOND, NEW_THIRD, COPY, FLAKY, PRIVATE -> Visit.INDEXED;
            case VANISHED -> round >= 2 ? Visit.MISSING : Visit.INDEXED;
            case MISSING -> round >= 2 ? Visit.MISSING : Visit.INDEXED;
            case GONE -> round >= 2 ? Visit.OUT : Visit.INDEXED;
            case OPTED_OUT_LATER -> round >= 2 ? Visit.OUT : Visit.INDEXED;
            case OPTED_OUT, LOOP, HTML, EMPTY -> Visit.OUT;
            case BROKEN, CUT -> Visit.FAILED;
            case MOVED -> {
                Temper there = web.temper(web.movedTo(image));
                yield there.refuses(round) ? Visit.OUT : there.isOut(round) ? Visit.FAILED : Visit.INDEXED;
            }
        };
    }

    /** Whether the lists of a site can be read in a round. */
    private boolean reads(int site, int round) {
        return isOpenTo(site, round)
                && (web.style(site) != Style.FOREIGN_SITEMAP || isOpenTo(web.listStore(site), round));
    }

    private boolean isOpenTo(int host, int round) {
        Temper temper = web.temper(host);
        return !temper.refuses(round) && !temper.isOut(round);
    }

    static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
