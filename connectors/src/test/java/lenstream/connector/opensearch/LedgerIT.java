package lenstream.connector.opensearch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import lenstream.core.command.Command;
import lenstream.core.command.CommandLog;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.EmbeddedImage;
import lenstream.core.image.FetchedImage;
import lenstream.core.image.ImageId;
import lenstream.core.image.PixelFeatures;
import lenstream.core.image.PixelRules;
import lenstream.core.image.Reason;
import lenstream.core.image.Rejection;
import lenstream.core.image.Stage;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexCounts;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.IndexSetup;
import lenstream.core.index.OpenSearchConfig;
import lenstream.core.ledger.Explanation;
import lenstream.core.ledger.Explanation.Verdict;
import lenstream.core.ledger.Freshness;
import lenstream.core.ledger.Ledger;
import lenstream.core.ledger.LedgerEntry;
import lenstream.core.ledger.LedgerEntry.Outcome;
import lenstream.core.ledger.Milestone;
import lenstream.core.local.LocalOpenSearch;
import lenstream.core.model.Fingerprint;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What the job writes into the ledger of a real OpenSearch, and what is read from it. */
class LedgerIT {
    private static final Fingerprint FINGERPRINT = new Fingerprint("test-1-00000000");
    private static final PixelFeatures FEATURES = new PixelFeatures(7L, List.of("red"), "#ff0000");
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private static LocalOpenSearch node;
    private static int tests;

    private IndexLayout layout = IndexLayout.defaults();
    private OpenSearchConfig config = OpenSearchConfig.at("http://127.0.0.1:1");

    @BeforeAll
    static void start() throws Exception {
        Path root = Path.of(System.getProperty("lenstream.root", ".."));
        Path run = Files.createDirectories(Path.of("target/it"))
                .resolve("ledger-" + ProcessHandle.current().pid());
        node = LocalOpenSearch.start(
                LocalOpenSearch.Config.of(root.resolve("infra/opensearch/target/opensearch"), run)
                        .withQuickStart(true),
                line -> {});
    }

    @AfterAll
    static void stop() {
        node.close();
    }

    @BeforeEach
    void prepare() {
        layout = IndexLayout.withPrefix("ledger" + tests++);
        config = OpenSearchConfig.at("http://127.0.0.1:" + node.httpPort());
        try (IndexClient client = IndexClient.open(config)) {
            IndexSetup.prepare(client, layout, FINGERPRINT, 4, LIMIT);
        }
    }

    @Test
    void anIndexedImageIsExplainedFromItsDiscoveryToItsNextVisit() throws Exception {
        long now = System.currentTimeMillis();
        CrawlTarget target = target("/a.jpg", now - 5_000);
        var entries = new ArrayList<BulkEntry>();
        entries.add(ledger(new LedgerEntry(
                target,
                "visit-1",
                Stage.FETCH,
                Outcome.NEW,
                null,
                "1,234 bytes in 0.10 s",
                "Allow: /",
                now - 2_000,
                now - 2_000,
                1,
                now + 86_400_000)));
        entries.add(ledger(LedgerEntry.once(target, Stage.EMBED, Outcome.EMBEDDED, null, "image/jpeg", now - 1_000)));
        entries.addAll(image(target, now - 2_000));
        entries.addAll(image(target("/copy.jpg", now), now));
        write(entries);

        Explanation told = explain("HTTP://e.test:80/a.jpg#top");
        assertThat(told.verdict()).isEqualTo(Verdict.INDEXED);
        assertThat(told.url()).isEqualTo("http://e.test/a.jpg");
        assertThat(told.events())
                .extracting(Explanation.Event::what)
                .containsExactly("discovered", "robots", "new", "embedded", "indexed");
        assertThat(told.events().get(0).detail()).contains("by sitemap", "http://e.test/", "on page http://e.test/p");
        assertThat(told.events().get(1).detail()).isEqualTo("Allow: /");
        assertThat(told.duplicates()).containsExactly("http://e.test/copy.jpg");
        assertThat(told.nextVisit()).isEqualTo(Instant.ofEpochMilli(now + 86_400_000));
        assertThat(told.text()).contains("It is in the index and can be found.", "next visit", "1,234 bytes");
        assertThat(told.json().path("verdict").asText()).isEqualTo("indexed");
    }

    @Test
    void eachFateHasItsTrueAnswer() throws Exception {
        long now = System.currentTimeMillis();
        write(List.of(
                ledger(refusal("/denied.jpg", Outcome.REJECTED, Reason.ROBOTS_DENIED, "Disallow: /", now)),
                ledger(refusal("/busy.jpg", Outcome.REJECTED, Reason.SERVER_ERROR, "left alone after 8 failures", now)),
                ledger(refusal("/gone.jpg", Outcome.GONE, Reason.GONE, "status 410", now)),
                ledger(refusal("/down.jpg", Outcome.TAKEN_DOWN, null, "asked for by the owner", now)),
                ledger(refusal("/waits.jpg", Outcome.WAITING, null, "7 other images before it", now)),
                ledger(refusal("/fresh.jpg", Outcome.NEW, null, "12 bytes", now)),
                ledger(refusal("/lost.jpg", Outcome.NEW, null, "12 bytes", now - 3_600_000))));
        write(ImageEntries.of(
                new Rejection(target("/broken.jpg", now), Stage.DECODE, Reason.CORRUPT, "no end", now),
                layout,
                layout.writeAlias()));

        assertThat(explain("http://e.test/denied.jpg").verdict()).isEqualTo(Verdict.REJECTED);
        assertThat(explain("http://e.test/denied.jpg").sentence()).contains("ROBOTS_DENIED (Disallow: /)");
        assertThat(explain("http://e.test/busy.jpg").sentence()).contains("left alone after 8 failures");
        assertThat(explain("http://e.test/gone.jpg").verdict()).isEqualTo(Verdict.GONE);
        assertThat(explain("http://e.test/down.jpg").verdict()).isEqualTo(Verdict.TAKEN_DOWN);
        assertThat(explain("http://e.test/down.jpg").sentence()).contains("asked for by the owner");
        assertThat(explain("http://e.test/waits.jpg").verdict()).isEqualTo(Verdict.WAITING);
        assertThat(explain("http://e.test/fresh.jpg").verdict()).isEqualTo(Verdict.IN_PROGRESS);
        assertThat(explain("http://e.test/lost.jpg").verdict()).isEqualTo(Verdict.MISSING);
        assertThat(explain("http://e.test/broken.jpg").sentence()).contains("CORRUPT (no end)");
        assertThat(explain("http://e.test/never.jpg").verdict()).isEqualTo(Verdict.UNKNOWN);
        assertThat(explain("http://e.test/never.jpg").sentence()).contains("ledger has 7 lines");
        assertThat(explain("http://other.test/a.jpg").sentence()).contains("Nothing is known of its host");
        assertThatThrownBy(() -> explain("no url at all")).hasMessageContaining("is no URL");
    }

    @Test
    void aTakedownAnswersForWhatItCoversUntilItIsRevoked() throws Exception {
        long now = System.currentTimeMillis();
        write(List.of(ledger(refusal("/owned/a.jpg", Outcome.NEW, null, "12 bytes", now))));
        try (IndexClient client = IndexClient.open(config)) {
            var log = new CommandLog(client, layout);
            log.append(Command.of("t1", Command.Kind.TAKEDOWN, "http://e.test/owned/*", null, now));
            assertThat(explain("http://e.test/owned/a.jpg").verdict()).isEqualTo(Verdict.TAKEN_DOWN);
            assertThat(explain("http://e.test/owned/a.jpg").sentence()).contains("take-down of http://e.test/owned/*");
            assertThat(explain("http://e.test/owned/never.jpg").verdict()).isEqualTo(Verdict.TAKEN_DOWN);
            assertThat(explain("http://e.test/other.jpg").verdict()).isEqualTo(Verdict.UNKNOWN);
            log.append(Command.of("t1", Command.Kind.TAKEDOWN_REVOKE, "http://e.test/owned/*", null, now + 1));
            assertThat(explain("http://e.test/owned/a.jpg").verdict()).isEqualTo(Verdict.IN_PROGRESS);
        }
    }

    @Test
    void aLineThatIsWrittenAgainReplacesItselfAndAnOlderOneDoesNot() throws Exception {
        long now = System.currentTimeMillis();
        LedgerEntry first = refusal("/a.jpg", Outcome.REJECTED, Reason.TIMEOUT, "late", now);
        write(List.of(ledger(first), ledger(first)));
        assertThat(explain("http://e.test/a.jpg").events()).hasSize(2);
        LedgerEntry later = new LedgerEntry(
                first.target(),
                first.key(),
                first.stage(),
                first.outcome(),
                first.reason(),
                "later",
                null,
                now + 1_000,
                now,
                2,
                0);
        write(List.of(ledger(later)));
        write(List.of(ledger(first)));
        assertThat(explain("http://e.test/a.jpg").sentence()).contains("later");
        assertThat(explain("http://e.test/a.jpg").events().getLast().detail()).contains("2 visits in a row since");
    }

    @Test
    void freshnessIsMeasuredUntilASearchFindsTheImageAndOutlivesTheJob() throws Exception {
        long now = System.currentTimeMillis();
        var entries = new ArrayList<BulkEntry>();
        for (int i = 0; i < 40; i++) {
            entries.addAll(image(target("/" + i + ".jpg", now - 10_000), now - 4_000));
        }
        write(entries);
        List<Freshness> rows = freshness();
        assertThat(rows).allMatch(row -> row.source().equals("sitemap") && row.images() == 40);
        assertThat(rows).extracting(Freshness::milestone).containsExactly(Milestone.values());
        Freshness fetched = row(rows, Milestone.DISCOVERED_TO_FETCHED);
        assertThat(fetched.p50Millis()).isBetween(5_500.0, 6_500.0);
        Freshness searchable = row(rows, Milestone.INDEXED_TO_SEARCHABLE);
        assertThat(searchable.p50Millis()).as("the refresh is waited for").isBetween(1.0, 3_000.0);
        Freshness all = row(rows, Milestone.DISCOVERED_TO_SEARCHABLE);
        assertThat(all.p50Millis()).isGreaterThan(10_000);
        assertThat(row(rows, Milestone.PUBLISHED_TO_SEARCHABLE).p50Millis()).isGreaterThan(all.p50Millis());
    }

    @Test
    void whatIsTooOldIsDeleted() throws Exception {
        long now = System.currentTimeMillis();
        write(List.of(
                ledger(refusal("/old.jpg", Outcome.GONE, Reason.GONE, "long ago", now - 86_400_000L * 91)),
                ledger(refusal("/new.jpg", Outcome.GONE, Reason.GONE, "just now", now))));
        try (IndexClient client = IndexClient.open(config)) {
            var log = new CommandLog(client, layout);
            log.append(List.of(
                    Command.of("push-old", Command.Kind.PUSH, "http://e.test/", null, now - 86_400_000L * 8),
                    Command.of("push-new", Command.Kind.PUSH, "http://e.test/", null, now),
                    Command.of("takedown-old", Command.Kind.TAKEDOWN, "http://x.test/", null, 1),
                    Command.of("alert-old", Command.Kind.ALERT_DELETE, "x", null, 1)));
            for (String index : List.of(layout.ledgerIndex(), layout.commandIndex())) {
                assertThat(client.send("POST", "/" + index + "/_refresh", null).ok())
                        .isTrue();
            }
            Pruning.prune(client, layout, LedgerConfig.defaults().keep(), Instant.ofEpochMilli(now));
            assertThat(log.read(CommandLog.Position.START, 100).commands())
                    .extracting(Command::key)
                    .containsExactlyInAnyOrder("push-new", "takedown-old");
        }
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (explain("http://e.test/old.jpg").verdict() != Verdict.UNKNOWN) { // deleted in the background
            assertThat(System.nanoTime()).isLessThan(deadline);
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
        }
        assertThat(explain("http://e.test/old.jpg").verdict()).isEqualTo(Verdict.UNKNOWN);
        assertThat(explain("http://e.test/new.jpg").verdict()).isEqualTo(Verdict.GONE);
    }

    private void write(List<BulkEntry> entries) throws Exception {
        var settings = new Configuration();
        settings.setString("pipeline.generic-types", "false");
        settings.setString("restart-strategy.type", "none");
        var env = StreamExecutionEnvironment.createLocalEnvironment(1, settings);
        env.fromData(TypeInformation.of(BulkEntry.class), entries.toArray(BulkEntry[]::new))
                .sinkTo(new OpenSearchSink(config, layout, BulkConfig.defaults()))
                .uid("sink");
        env.executeAsync().getJobExecutionResult().get(LIMIT.toSeconds(), TimeUnit.SECONDS);
    }

    private Explanation explain(String url) {
        try (IndexClient client = IndexClient.open(config)) {
            IndexCounts.refresh(client, layout, FINGERPRINT);
            client.send("POST", "/" + layout.commandIndex() + "/_refresh", null);
            return new Ledger(client, layout).explain(url);
        }
    }

    private List<Freshness> freshness() {
        try (IndexClient client = IndexClient.open(config)) {
            IndexCounts.refresh(client, layout, FINGERPRINT);
            return Freshness.read(client, layout);
        }
    }

    private static Freshness row(List<Freshness> rows, Milestone milestone) {
        return rows.stream()
                .filter(row -> row.milestone() == milestone)
                .findFirst()
                .orElseThrow();
    }

    private BulkEntry ledger(LedgerEntry entry) {
        return LedgerToEntries.of(entry, layout);
    }

    private List<BulkEntry> image(CrawlTarget target, long version) {
        var fetched = new FetchedImage(target, new byte[0], ImageId.sha256(new byte[] {1}), version);
        float[] vector = {0.6f, 0.8f, 0, 0};
        EmbeddedImage image = EmbeddedImage.embedded(fetched, "image/jpeg", 4, 3, 1, vector, new byte[] {1}, FEATURES);
        return ImageEntries.of(image, layout, FINGERPRINT, PixelRules.NONE, Instant.now());
    }

    private static LedgerEntry refusal(
            String path, Outcome outcome, @org.jspecify.annotations.Nullable Reason reason, String detail, long at) {
        return LedgerEntry.once(target(path, at - 1_000), Stage.FETCH, outcome, reason, detail, at);
    }

    private static CrawlTarget target(String path, long discovered) {
        return new CrawlTarget(
                "http://e.test" + path,
                "e.test",
                "http://e.test/",
                "http://e.test/p",
                null,
                null,
                null,
                null,
                null,
                discovered - 60_000,
                discovered,
                "sitemap");
    }
}
