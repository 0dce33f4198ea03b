package lenstream.connector.fetch;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import lenstream.core.command.Command;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.FetchedImage;
import lenstream.core.image.Reason;
import lenstream.core.image.Rejection;
import lenstream.core.ledger.LedgerEntry;
import lenstream.core.ledger.LedgerEntry.Outcome;
import lenstream.core.web.CanonicalUrl;
import lenstream.core.web.WebConfig;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.state.rocksdb.EmbeddedRocksDBStateBackend;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.mailbox.TaskMailbox;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class VisitOperatorTest {
    private static final FetchConfig QUICK = FetchConfig.defaults()
            .withWeb(WebConfig.defaults().withAllowPrivate(List.of("127.0.0.0/8")))
            .withMinDelay(Duration.ZERO)
            .withBackoff(Duration.ofMillis(20));

    private LoopbackSite site;

    @TempDir
    Path folder;

    @BeforeEach
    void open() throws Exception {
        site = LoopbackSite.open();
    }

    @AfterEach
    void close() {
        site.close();
    }

    @Test
    void aNewImageIsEmittedAndTheSameOneLaterIsNot() throws Exception {
        site.image("/a.jpg");
        try (var visits = start(QUICK, null)) {
            visits.send("/a.jpg");
            visits.run(() -> visits.images().size() == 1);
            visits.send("/a.jpg");
            visits.run(() -> site.requests("/a.jpg").size() == 2 && visits.isIdle());
            assertThat(visits.images()).hasSize(1);
            assertThat(site.requests("/a.jpg").get(1).isConditional()).isTrue();
        }
    }

    @Test
    void aChangedImageIsEmittedWithAGreaterVersion() throws Exception {
        site.image("/a.jpg");
        try (var visits = start(QUICK, null)) {
            visits.send("/a.jpg");
            visits.run(() -> visits.images().size() == 1);
            site.body("/a.jpg", "image/jpeg", new byte[] {(byte) 0xff, (byte) 0xd8, 9});
            visits.send("/a.jpg");
            visits.run(() -> visits.images().size() == 2);
            assertThat(visits.images().get(1).version())
                    .isGreaterThan(visits.images().get(0).version());
            assertThat(visits.images().get(1).bytes()).endsWith(9);
        }
    }

    @Test
    void aKnownFileThatWasSeenToBeTheSameIsNotVisited() throws Exception {
        Path file = Files.write(folder.resolve("a.jpg"), new byte[] {(byte) 0xff, (byte) 0xd8, 1});
        try (var visits = start(QUICK, null)) {
            String mark =
                    StoredFile.mark("file:", 3, Files.getLastModifiedTime(file).toMillis());
            visits.sendFile(file, mark);
            visits.run(() -> visits.images().size() == 1);
            Files.delete(file);
            visits.sendFile(file, mark);
            visits.run(visits::isIdle);
            assertThat(visits.rejections()).isEmpty();
            visits.sendFile(file, "4-1");
            visits.run(() -> visits.rejections().size() == 1);
        }
    }

    @Test
    void theSameBytesUnderAnotherValidatorAreUnchanged() throws Exception {
        byte[] bytes = {(byte) 0xff, (byte) 0xd8, 1};
        site.route("/a.jpg", exchange -> {
            exchange.getResponseHeaders().set("ETag", "\"" + System.nanoTime() + "\"");
            exchange.sendResponseHeaders(200, bytes.length);
            exchange.getResponseBody().write(bytes);
        });
        try (var visits = start(QUICK, null)) {
            visits.send("/a.jpg");
            visits.run(() -> visits.images().size() == 1);
            visits.send("/a.jpg");
            visits.run(() -> site.requests("/a.jpg").size() == 2 && visits.isIdle());
            assertThat(visits.images()).hasSize(1);
        }
    }

    @Test
    void whatWasInFlightOrQueuedAtACheckpointIsFetchedAfterTheRestore() throws Exception {
        var arrived = new CountDownLatch(1);
        var go = new CountDownLatch(1);
        site.image("/a.jpg").image("/b.jpg").held("/a.jpg", arrived, go);
        OperatorSubtaskState snapshot;
        try (var visits = start(QUICK, null)) {
            visits.send("/a.jpg");
            visits.send("/b.jpg");
            assertThat(arrived.await(20, TimeUnit.SECONDS)).isTrue();
            snapshot = visits.harness.snapshot(1, 1);
            assertThat(visits.images()).isEmpty();
        }
        go.countDown();
        site.image("/a.jpg");
        try (var visits = start(QUICK, snapshot)) {
            visits.run(() -> visits.images().size() == 2);
            assertThat(visits.images())
                    .extracting(image -> image.target().url())
                    .containsExactlyInAnyOrder(site.url("/a.jpg"), site.url("/b.jpg"));
        }
    }

    @Test
    void whatIsKnownOfAUrlSurvivesARestore() throws Exception {
        site.image("/a.jpg");
        OperatorSubtaskState snapshot;
        try (var visits = start(QUICK, null)) {
            visits.send("/a.jpg");
            visits.run(() -> visits.images().size() == 1);
            snapshot = visits.harness.snapshot(1, 1);
        }
        try (var visits = start(QUICK, snapshot)) {
            visits.send("/a.jpg");
            visits.run(() -> site.requests("/a.jpg").size() == 2 && visits.isIdle());
            assertThat(visits.images()).isEmpty();
            assertThat(site.requests("/a.jpg").get(1).isConditional()).isTrue();
        }
    }

    @Test
    void aHostNeverSeesTwoRequestsCloserThanItsDelay() throws Exception {
        for (int i = 0; i < 5; i++) {
            site.image("/" + i + ".jpg");
        }
        try (var visits = start(QUICK.withMinDelay(Duration.ofMillis(150)), null)) {
            for (int i = 0; i < 5; i++) {
                visits.send("/" + i + ".jpg");
            }
            visits.run(() -> visits.images().size() == 5);
        }
        var times = site.requests().stream()
                .map(LoopbackSite.Request::startedAt)
                .sorted()
                .toList();
        assertThat(times).hasSize(6); // robots.txt first
        for (int i = 1; i < times.size(); i++) {
            assertThat(times.get(i) - times.get(i - 1)).isGreaterThanOrEqualTo(TimeUnit.MILLISECONDS.toNanos(149));
        }
    }

    @Test
    void robotsRulesDenyAnImageWithoutARequestForIt() throws Exception {
        site.text("/robots.txt", "text/plain", "User-agent: *\nDisallow: /private/\n")
                .image("/private/a.jpg");
        try (var visits = start(QUICK, null)) {
            visits.send("/private/a.jpg");
            visits.run(() -> visits.rejections().size() == 1);
            assertThat(visits.rejections().get(0).reason()).isEqualTo(Reason.ROBOTS_DENIED);
            assertThat(site.requests("/private/a.jpg")).isEmpty();
        }
    }

    @Test
    void aFailureThatPassesIsTriedAgain() throws Exception {
        site.status("/a.jpg", 503);
        try (var visits = start(QUICK, null)) {
            visits.send("/a.jpg");
            visits.run(() -> site.requests("/a.jpg").size() == 1);
            site.image("/a.jpg");
            visits.run(() -> visits.images().size() == 1);
            assertThat(visits.rejections()).isEmpty();
        }
    }

    @Test
    void aFailureThatLastsIsARejectionAfterTheLastAttemptAndASuccessLaterWithdrawsIt() throws Exception {
        site.status("/a.jpg", 503);
        try (var visits = start(QUICK, null)) {
            visits.send("/a.jpg");
            visits.run(() -> visits.rejections().size() == 1);
            assertThat(visits.rejections().get(0).reason()).isEqualTo(Reason.SERVER_ERROR);
            assertThat(site.requests("/a.jpg")).hasSize(3);
            site.image("/a.jpg");
            visits.send("/a.jpg");
            visits.run(() -> visits.images().size() == 1);
            assertThat(visits.images().get(0).version())
                    .isGreaterThan(visits.rejections().get(0).version());
        }
    }

    @Test
    void anImageNotFoundInTwoRoundsIsGoneAndComesBackWithAGreaterVersion() throws Exception {
        site.image("/a.jpg");
        try (var visits = start(QUICK, null)) {
            visits.send("/a.jpg");
            visits.run(() -> visits.images().size() == 1);
            site.status("/a.jpg", 404);
            visits.send("/a.jpg");
            visits.run(() -> visits.rejections().size() == 1);
            visits.sendLater("/a.jpg");
            visits.run(() -> visits.rejections().size() == 2);
            assertThat(visits.rejections())
                    .extracting(Rejection::reason)
                    .containsExactly(Reason.NOT_FOUND, Reason.GONE);
            assertThat(visits.rejections().get(1).detail()).contains("status 404, in 2 rounds");
            site.image("/a.jpg");
            visits.sendLater("/a.jpg");
            visits.run(() -> visits.images().size() == 2);
            assertThat(visits.images().get(1).version())
                    .isGreaterThan(visits.rejections().get(1).version());
        }
    }

    @Test
    void aRejectionNamesTheRobotsRuleThatMatched() throws Exception {
        site.text("/robots.txt", "text/plain", "User-agent: *\nDisallow: /p\nDisallow: /private/*.jpg$\n");
        try (var visits = start(QUICK, null)) {
            visits.send("/private/a.jpg");
            visits.run(() -> visits.rejections().size() == 1);
            assertThat(visits.rejections().get(0).detail()).endsWith("/robots.txt: Disallow: /private/*.jpg$");
        }
    }

    @Test
    void aHostThatDoesNotWantToBeSearchedIsNotAskedForImages() throws Exception {
        site.text("/robots.txt", "text/plain", "User-agent: *\nContent-Signal: search=no\nAllow: /\n")
                .image("/a.jpg");
        try (var visits = start(QUICK, null)) {
            visits.send("/a.jpg");
            visits.run(() -> visits.rejections().size() == 1);
            assertThat(visits.rejections().get(0).reason()).isEqualTo(Reason.ROBOTS_DENIED);
            assertThat(visits.rejections().get(0).detail()).endsWith("Content-Signal: search=no");
            assertThat(site.requests("/a.jpg")).isEmpty();
        }
    }

    @Test
    void aHostThatAsksForMorePatienceThanThereIsIsGivenUpForTheRound() throws Exception {
        site.route("/a.jpg", exchange -> {
            exchange.getResponseHeaders().set("Retry-After", "86400");
            exchange.sendResponseHeaders(429, -1);
        });
        site.image("/b.jpg");
        try (var visits = start(QUICK, null)) {
            visits.send("/a.jpg");
            visits.send("/b.jpg");
            visits.run(() -> visits.rejections().size() == 2 && visits.isIdle());
            visits.send("/c.jpg");
            visits.run(() -> visits.rejections().size() == 3 && visits.isIdle());
            assertThat(visits.rejections()).allSatisfy(rejection -> {
                assertThat(rejection.reason()).isEqualTo(Reason.RATE_LIMITED);
                assertThat(rejection.detail()).isNotEmpty();
            });
            assertThat(site.requests("/a.jpg")).hasSize(1);
            assertThat(site.requests("/b.jpg")).isEmpty();
        }
    }

    @Test
    void aLongQueueOfAHostThatIsGivenUpGoesInParts() throws Exception {
        site.route("/a.jpg", exchange -> {
            exchange.getResponseHeaders().set("Retry-After", "86400");
            exchange.sendResponseHeaders(503, -1);
        });
        try (var visits = start(QUICK, null)) {
            visits.send("/a.jpg");
            for (int i = 0; i < 1_000; i++) {
                visits.send("/" + i + ".jpg");
            }
            visits.run(() -> visits.rejections().size() == 1_001 && visits.isIdle());
            assertThat(visits.rejections()).extracting(Rejection::reason).containsOnly(Reason.SERVER_ERROR);
        }
    }

    @Test
    void aRobotsFileThatCannotBeReadForNowIsNoRefusalOfTheSite() throws Exception {
        site.status("/robots.txt", 503).image("/a.jpg");
        try (var visits = start(QUICK.withAttempts(1), null)) {
            visits.send("/a.jpg");
            visits.run(() -> visits.rejections().size() == 1);
            assertThat(visits.rejections().get(0).reason()).isEqualTo(Reason.SERVER_ERROR);
            assertThat(site.requests("/a.jpg")).isEmpty();
        }
    }

    @Test
    void aUrlThatBreaksTheFetcherIsARejection() throws Exception {
        var fetcher = new ImageFetcher(
                (url, headers) -> {
                    throw new IllegalStateException("nobody thought of this");
                },
                QUICK);
        assertThat(VisitOperator.attempt(fetcher, site.url("/a.jpg"), FetchOutcome.Validators.NONE, null))
                .isInstanceOfSatisfying(FetchOutcome.Rejected.class, rejected -> {
                    assertThat(rejected.reason()).isEqualTo(Reason.UNEXPECTED_STATUS);
                    assertThat(rejected.detail()).contains(site.url("/a.jpg"), "nobody thought of this");
                });
    }

    @Test
    void aTargetThatWaitsAlreadyIsNotQueuedTwice() throws Exception {
        var arrived = new CountDownLatch(1);
        var go = new CountDownLatch(1);
        site.image("/a.jpg").held("/a.jpg", arrived, go);
        try (var visits = start(QUICK, null)) {
            visits.send("/a.jpg");
            visits.send("/a.jpg");
            go.countDown();
            visits.run(() -> visits.images().size() == 1 && visits.isIdle());
            assertThat(site.requests("/a.jpg")).hasSize(1);
        }
    }

    @Test
    void theQueueOutlivesMoreTargetsThanMayBePending() throws Exception {
        var expected = new HashSet<String>();
        for (int i = 0; i < 50; i++) {
            site.image("/" + i + ".jpg");
            expected.add(site.url("/" + i + ".jpg"));
        }
        try (var visits = start(QUICK.withMaxPending(4), null)) {
            for (int i = 0; i < 50; i++) {
                visits.send("/" + i + ".jpg"); // waits inside when four are pending
            }
            visits.run(() -> visits.images().size() == 50);
            assertThat(visits.images().stream().map(image -> image.target().url()))
                    .containsExactlyInAnyOrderElementsOf(expected);
        }
    }

    @Test
    void theEndOfTheInputWaitsForWhatIsPending() throws Exception {
        site.image("/a.jpg").image("/b.jpg");
        try (var visits = start(QUICK, null)) {
            visits.send("/a.jpg");
            visits.send("/b.jpg");
            visits.harness.endInput();
            assertThat(visits.images()).hasSize(2);
        }
    }

    @Test
    void anImageThatNothingNamesAnyMoreIsLookedAtAgainAndFoundGone() throws Exception {
        site.image("/a.jpg");
        try (var visits = start(QUICK, null)) {
            visits.send("/a.jpg");
            visits.run(() -> visits.images().size() == 1 && visits.isIdle());
            site.status("/a.jpg", 404);
            visits.later(Duration.ofDays(2));
            visits.run(() -> visits.rejections().size() == 1 && visits.isIdle());
            assertThat(visits.rejections().get(0).reason()).isEqualTo(Reason.NOT_FOUND);
            assertThat(site.requests("/a.jpg").get(1).isConditional()).isTrue();
            visits.later(Duration.ofHours(2));
            visits.run(() -> visits.rejections().size() == 2 && visits.isIdle());
            assertThat(visits.rejections().get(1).reason()).isEqualTo(Reason.GONE);
        }
    }

    @Test
    void anImageThatStaysAsItIsIsLookedAtLessAndLessOftenAndAChangedOneSooner() throws Exception {
        site.image("/a.jpg");
        try (var visits = start(QUICK, null)) {
            visits.send("/a.jpg");
            visits.run(() -> visits.images().size() == 1 && visits.isIdle());
            visits.later(Duration.ofHours(37)); // the first ring of at least a day is 36.4 hours
            visits.run(() -> site.requests("/a.jpg").size() == 2 && visits.isIdle());
            visits.later(Duration.ofHours(37));
            visits.settle();
            assertThat(site.requests("/a.jpg")).as("the interval has doubled").hasSize(2);
            site.body("/a.jpg", "image/jpeg", new byte[] {(byte) 0xff, (byte) 0xd8, 9});
            visits.later(Duration.ofHours(37));
            visits.run(() -> visits.images().size() == 2 && visits.isIdle());
            assertThat(visits.images().get(1).target().alt())
                    .as("its context is kept")
                    .isEqualTo("alt");
            visits.later(Duration.ofHours(37));
            visits.run(() -> site.requests("/a.jpg").size() == 4 && visits.isIdle());
        }
    }

    @Test
    void theScheduleOutlivesARestoreAndAnotherParallelismNeedsNoQueueForIt() throws Exception {
        site.image("/a.jpg");
        OperatorSubtaskState snapshot;
        try (var visits = start(QUICK, null)) {
            visits.send("/a.jpg");
            visits.run(() -> visits.images().size() == 1 && visits.isIdle());
            snapshot = visits.harness.snapshot(1, 1);
        }
        site.status("/a.jpg", 410);
        try (var visits = start(QUICK, snapshot)) {
            visits.later(Duration.ofDays(2));
            visits.run(() -> visits.rejections().size() == 1 && visits.isIdle());
            assertThat(visits.rejections().get(0).reason()).isEqualTo(Reason.GONE);
        }
    }

    @Test
    void aCheckpointHoldsWhatWaitsInTheHeapAndWhatFoundNoRoomThere() throws Exception {
        int many = KnownUrls.MOST_HELD + 100;
        var arrived = new CountDownLatch(1);
        var go = new CountDownLatch(1);
        site.image("/0.jpg").held("/0.jpg", arrived, go);
        OperatorSubtaskState snapshot;
        try (var visits = start(QUICK, null)) {
            for (int i = 0; i < many; i++) {
                visits.send("/" + i + ".jpg");
            }
            assertThat(visits.operator().pending()).isEqualTo(many);
            snapshot = visits.harness.snapshot(1, 1);
            go.countDown();
        }
        try (var visits = start(QUICK, snapshot)) {
            assertThat(visits.operator().pending()).isEqualTo(many);
            for (int i : List.of(1, KnownUrls.MOST_HELD - 1, many - 1)) {
                assertThat(visits.known("/" + i + ".jpg"))
                        .as("URL %d", i)
                        .satisfies(url -> assertThat(url.isQueued()).isTrue());
            }
            visits.run(() -> visits.operator().pending() < many - 3);
        }
    }

    @Test
    void aRunThatEndsWaitsForWhatWasDueWhenItBeganAndNotForWhatFallsDueMeanwhile() throws Exception {
        site.image("/a.jpg");
        OperatorSubtaskState snapshot;
        try (var visits = start(QUICK, null)) {
            visits.send("/a.jpg");
            assertThat(visits.operator().owed()).isEqualTo(1);
            visits.run(() -> visits.images().size() == 1 && visits.isIdle());
            snapshot = visits.harness.snapshot(1, 1);
            var arrived = new CountDownLatch(1);
            var go = new CountDownLatch(1);
            site.held("/a.jpg", arrived, go);
            visits.later(Duration.ofDays(2));
            visits.run(() -> arrived.getCount() == 0);
            assertThat(visits.operator().pending()).isEqualTo(1);
            assertThat(visits.operator().owed()).isZero();
            visits.send("/a.jpg");
            assertThat(visits.operator().owed())
                    .as("discovery has named it, too")
                    .isEqualTo(1);
            go.countDown();
            visits.run(visits::isIdle);
            assertThat(visits.operator().owed()).isZero();
        }
        var arrived = new CountDownLatch(1);
        var go = new CountDownLatch(1);
        site.held("/a.jpg", arrived, go);
        try (var visits = start(QUICK, snapshot, Duration.ofDays(2))) {
            visits.run(() -> arrived.getCount() == 0);
            assertThat(visits.operator().owed()).isEqualTo(1);
            go.countDown();
            visits.run(visits::isIdle);
            assertThat(visits.operator().owed()).isZero();
        }
    }

    @Test
    void whatIsGoneIsForgottenOnceDiscoveryHasNotNamedItForLong() throws Exception {
        site.status("/a.jpg", 410);
        try (var visits = start(QUICK, null)) {
            visits.send("/a.jpg");
            visits.run(() -> visits.rejections().size() == 1 && visits.isIdle());
            assertThat(visits.known("/a.jpg")).isNotNull();
            visits.later(Duration.ofDays(80));
            visits.settle();
            assertThat(visits.known("/a.jpg")).isNotNull();
            visits.later(Duration.ofDays(40));
            visits.settle();
            assertThat(visits.known("/a.jpg")).isNull();
            assertThat(site.requests("/a.jpg")).hasSize(1);
        }
    }

    @Test
    void aKnownImageWhoseServerFailsIsNotDownloadedAgainForThat() throws Exception {
        site.image("/a.jpg");
        try (var visits = start(QUICK.withAttempts(1), null)) {
            visits.send("/a.jpg");
            visits.run(() -> visits.images().size() == 1 && visits.isIdle());
            site.status("/a.jpg", 503);
            visits.later(Duration.ofDays(2));
            visits.run(() -> site.requests("/a.jpg").size() == 2 && visits.isIdle());
            site.image("/a.jpg");
            visits.later(Duration.ofDays(4));
            visits.run(() -> site.requests("/a.jpg").size() == 3 && visits.isIdle());
            assertThat(visits.rejections()).isEmpty();
            assertThat(visits.images()).hasSize(1);
            assertThat(site.requests("/a.jpg").get(2).isConditional()).isTrue();
        }
    }

    @Test
    void whatOneHostBringsBeyondItsShareWaitsOnTheWheelAndNothingIsLost() throws Exception {
        for (int i = 0; i < 20; i++) {
            site.image("/" + i + ".jpg");
        }
        try (var visits = start(QUICK.withMaxPending(10).withMaxPendingPerHost(3), null)) {
            for (int round = 0; round < 2; round++) {
                for (int i = 0; i < 20; i++) {
                    visits.send("/" + i + ".jpg"); // would wait inside at ten
                }
            }
            assertThat(visits.operator().pending()).isLessThanOrEqualTo(3);
            visits.run(() -> visits.images().size() == 20 && visits.isIdle());
            assertThat(visits.images().stream().map(image -> image.target().url()))
                    .doesNotHaveDuplicates();
        }
    }

    @Test
    void theLedgerIsToldOfEachVisitThatEndsOtherwiseThanTheLast() throws Exception {
        site.text("/robots.txt", "text/plain", "User-agent: *\nAllow: /a\nDisallow: /b\n")
                .image("/a.jpg");
        try (var visits = start(QUICK, null)) {
            visits.send("/a.jpg");
            visits.send("/b.jpg");
            visits.run(() -> visits.images().size() == 1 && visits.rejections().size() == 1);
            assertThat(visits.ledger())
                    .extracting(LedgerEntry::outcome)
                    .containsExactly(Outcome.WAITING, Outcome.NEW, Outcome.REJECTED);
            assertThat(visits.ledger().get(1).robots()).isEqualTo("Allow: /a");
            assertThat(visits.ledger().get(1).detail()).contains("bytes in");
            assertThat(visits.ledger().get(1).nextMillis()).isGreaterThan(System.currentTimeMillis());
            assertThat(visits.ledger().get(2).robots()).isEqualTo("Disallow: /b");
            visits.send("/a.jpg");
            visits.run(() -> site.requests("/a.jpg").size() == 2 && visits.isIdle());
            assertThat(visits.ledger()).as("an hour has not passed").hasSize(3);
            visits.later(Duration.ofDays(2));
            visits.run(() -> site.requests("/a.jpg").size() == 3 && visits.isIdle());
            assertThat(visits.ledger().getLast().outcome()).isEqualTo(Outcome.UNCHANGED);
            assertThat(visits.ledger().getLast().times()).isEqualTo(3);
        }
    }

    @Test
    void aHostIsAskedNoSoonerAfterARestartThanWithoutOne() throws Exception {
        site.text("/robots.txt", "text/plain", "User-agent: *\nCrawl-delay: 2\n")
                .image("/a.jpg")
                .image("/b.jpg");
        OperatorSubtaskState snapshot;
        try (var visits = start(QUICK.withMinDelay(Duration.ofMillis(10)), null)) {
            visits.send("/a.jpg");
            visits.run(() -> visits.images().size() == 1);
            visits.send("/b.jpg");
            snapshot = visits.harness.snapshot(1, 1);
        }
        try (var visits = start(QUICK.withMinDelay(Duration.ofMillis(10)), snapshot)) {
            visits.run(() -> visits.images().size() == 1);
        }
        var times = site.requests().stream()
                .map(LoopbackSite.Request::startedAt)
                .sorted()
                .toList();
        assertThat(times).hasSize(4); // each process asks for robots.txt first
        for (int i = 1; i < times.size(); i++) {
            assertThat(times.get(i) - times.get(i - 1)).isGreaterThanOrEqualTo(TimeUnit.MILLISECONDS.toNanos(1_990));
        }
    }

    @Test
    void aPushedImageIsTheNextOfItsHostAlsoIfItWaitedAlready() throws Exception {
        var arrived = new CountDownLatch(1);
        var go = new CountDownLatch(1);
        site.image("/a.jpg").image("/b.jpg").image("/c.jpg").image("/d.jpg").held("/a.jpg", arrived, go);
        try (var visits = start(QUICK, null)) {
            visits.send("/a.jpg");
            visits.send("/b.jpg");
            visits.send("/c.jpg");
            assertThat(arrived.await(20, TimeUnit.SECONDS)).isTrue();
            visits.push("/c.jpg");
            visits.push("/d.jpg");
            go.countDown();
            visits.run(() -> visits.images().size() >= 3 && visits.isIdle());
            assertThat(visits.images())
                    .extracting(image -> image.target().url())
                    .containsSubsequence(site.url("/d.jpg"), site.url("/c.jpg"), site.url("/b.jpg"))
                    .doesNotHaveDuplicates();
        }
    }

    @Test
    void aPushedImageThatIsNotThereIsGoneAtOnce() throws Exception {
        site.image("/a.jpg");
        try (var visits = start(QUICK, null)) {
            visits.send("/a.jpg");
            visits.run(() -> visits.images().size() == 1 && visits.isIdle());
            site.status("/a.jpg", 404);
            visits.push("/a.jpg");
            visits.run(() -> visits.rejections().size() == 1);
            assertThat(visits.rejections().getFirst().reason()).isEqualTo(Reason.GONE);
        }
    }

    @Test
    void whatIsTakenDownIsNeitherAskedForNorEmittedAlsoAfterARestore() throws Exception {
        site.image("/a.jpg").image("/albums/b.jpg").image("/c.jpg");
        OperatorSubtaskState snapshot;
        try (var visits = start(QUICK, null)) {
            visits.command(Command.Kind.TAKEDOWN, "one", site.url("/a.jpg"));
            visits.command(Command.Kind.TAKEDOWN, "two", site.url("/albums/*"));
            visits.send("/a.jpg");
            visits.send("/albums/b.jpg");
            visits.send("/c.jpg");
            visits.run(() -> visits.images().size() == 1 && visits.isIdle());
            snapshot = visits.harness.snapshot(1, 1);
        }
        try (var visits = start(QUICK, snapshot)) {
            visits.send("/a.jpg");
            visits.send("/albums/b.jpg");
            visits.command(Command.Kind.TAKEDOWN, "three", site.host());
            visits.send("/c.jpg");
            visits.later(Duration.ofDays(2));
            visits.run(visits::isIdle);
            assertThat(visits.images()).isEmpty();
            assertThat(visits.rejections()).isEmpty();
        }
        assertThat(site.requests("/a.jpg")).isEmpty();
        assertThat(site.requests("/albums/b.jpg")).isEmpty();
        assertThat(site.requests("/c.jpg")).hasSize(1);
    }

    @Test
    void aTakedownReachesWhatWaitsAndWhatIsBeingFetched() throws Exception {
        var arrived = new CountDownLatch(1);
        var go = new CountDownLatch(1);
        site.image("/a.jpg").image("/b.jpg").held("/a.jpg", arrived, go);
        try (var visits = start(QUICK, null)) {
            visits.send("/a.jpg");
            visits.send("/b.jpg");
            assertThat(arrived.await(20, TimeUnit.SECONDS)).isTrue();
            visits.command(Command.Kind.TAKEDOWN, "all", site.host());
            go.countDown();
            visits.run(visits::isIdle);
            assertThat(visits.images()).isEmpty();
            assertThat(site.requests("/b.jpg")).isEmpty();
        }
    }

    @Test
    void whatWasKnownBeforeARevokedTakedownIsFetchedAnew() throws Exception {
        site.image("/a.jpg");
        try (var visits = start(QUICK, null)) {
            visits.send("/a.jpg");
            visits.run(() -> visits.images().size() == 1);
            visits.command(Command.Kind.TAKEDOWN, "one", site.url("/a.jpg"));
            long after = System.currentTimeMillis();
            visits.run(() -> System.currentTimeMillis() > after);
            visits.command(Command.Kind.TAKEDOWN_REVOKE, "one", site.url("/a.jpg"));
            visits.send("/a.jpg");
            visits.run(() -> visits.images().size() == 2);
            assertThat(visits.images().get(1).version())
                    .isGreaterThan(visits.images().get(0).version());
        }
    }

    private Visits start(FetchConfig config, @org.jspecify.annotations.Nullable OperatorSubtaskState state)
            throws Exception {
        return start(config, state, Duration.ZERO);
    }

    /** @param ahead of the real time at the start */
    private Visits start(
            FetchConfig config, @org.jspecify.annotations.Nullable OperatorSubtaskState state, Duration ahead)
            throws Exception {
        var harness = new Harness(config);
        harness.setStateBackend(new EmbeddedRocksDBStateBackend());
        harness.setup(TypeInformation.of(FetchedImage.class)
                .createSerializer(harness.getExecutionConfig().getSerializerConfig()));
        if (state != null) {
            harness.initializeState(state);
        }
        harness.setProcessingTime(System.currentTimeMillis() + ahead.toMillis());
        harness.open();
        var visits = new Visits(harness);
        visits.later(ahead);
        return visits;
    }

    /** Flink's own harness of two inputs takes an operator only, not the factory that gives it its mailbox. */
    private static final class Harness extends AbstractStreamOperatorTestHarness<FetchedImage> {
        Harness(FetchConfig config) throws Exception {
            super(new VisitOperatorFactory(config, false), 128, 1, 0);
            KeySelector<CrawlTarget, String> byHost = CrawlTarget::host;
            this.config.setStatePartitioner(0, byHost);
            this.config.setStateKeySerializer(Types.STRING.createSerializer(executionConfig.getSerializerConfig()));
            this.config.serializeAllConfigs();
        }

        VisitOperator visits() {
            return (VisitOperator) operator;
        }

        void processElement1(StreamRecord<CrawlTarget> element) throws Exception {
            visits().setKeyContextElement1(element);
            visits().processElement1(element);
        }

        void processElement2(StreamRecord<Command> element) throws Exception {
            visits().processElement2(element);
        }

        void endInput() throws Exception {
            visits().endInput(1);
            visits().endInput(2);
        }
    }

    /** A running operator whose mails and timers the test turns over. */
    private final class Visits implements AutoCloseable {
        private final Harness harness;
        private long ahead;

        Visits(Harness harness) {
            this.harness = harness;
        }

        void send(String path) throws Exception {
            send(path, System.currentTimeMillis() + ahead);
        }

        /** As a round that began after every visit so far would. */
        void sendLater(String path) throws Exception {
            send(path, System.currentTimeMillis() + ahead + 1_000);
        }

        void push(String path) throws Exception {
            send(path, System.currentTimeMillis() + ahead, CrawlTarget.PUSH);
        }

        private void send(String path, long discoveredAt) throws Exception {
            send(path, discoveredAt, "page");
        }

        private void send(String path, long discoveredAt, String via) throws Exception {
            CanonicalUrl url = CanonicalUrl.of(site.url(path)).orElseThrow();
            harness.processElement1(new StreamRecord<>(new CrawlTarget(
                    url.value(),
                    url.hostAndPort(),
                    site.url("/"),
                    null,
                    null,
                    "alt",
                    null,
                    null,
                    null,
                    -1,
                    discoveredAt,
                    via)));
        }

        void sendFile(Path file, String mark) throws Exception {
            harness.processElement1(new StreamRecord<>(new CrawlTarget(
                    file.toUri().toString(),
                    "file",
                    "file:///",
                    null,
                    null,
                    null,
                    null,
                    null,
                    null,
                    -1,
                    System.currentTimeMillis() + ahead,
                    "folder",
                    mark)));
        }

        void command(Command.Kind kind, String key, String subject) throws Exception {
            harness.processElement2(
                    new StreamRecord<>(Command.of(key, kind, subject, null, System.currentTimeMillis())));
        }

        List<FetchedImage> images() {
            return harness.extractOutputValues();
        }

        List<Rejection> rejections() {
            var side = harness.getSideOutput(VisitOperatorFactory.REJECTIONS);
            return side == null
                    ? List.of()
                    : side.stream()
                            .map(StreamRecord::getValue)
                            .sorted(Comparator.comparingLong(Rejection::version))
                            .toList();
        }

        List<LedgerEntry> ledger() {
            var side = harness.getSideOutput(VisitOperatorFactory.LEDGER);
            return side == null
                    ? List.of()
                    : side.stream().map(StreamRecord::getValue).toList();
        }

        boolean isIdle() {
            return operator().pending() == 0;
        }

        VisitOperator operator() {
            return harness.visits();
        }

        @org.jspecify.annotations.Nullable
        KnownUrl known(String path) throws Exception {
            harness.visits().setCurrentKey(site.host());
            return operator()
                    .known(CanonicalUrl.of(site.url(path)).orElseThrow().value());
        }

        /** Turns over what is due now, and what follows from it at once. */
        void settle() throws Exception {
            harness.setProcessingTime(System.currentTimeMillis() + ahead);
            run(this::isIdle);
        }

        /** Moves the operator's clock ahead of the real one. */
        void later(Duration time) {
            ahead += time.toMillis();
        }

        /** Runs mails and timers until the condition holds; the test's time-out ends it otherwise. */
        void run(Condition condition) throws Exception {
            while (!condition.holds()) {
                harness.setProcessingTime(System.currentTimeMillis() + ahead);
                var mail = harness.getTaskMailbox().tryTake(TaskMailbox.MIN_PRIORITY);
                if (mail.isPresent()) {
                    mail.get().run();
                } else {
                    Thread.onSpinWait();
                }
            }
        }

        @Override
        public void close() throws Exception {
            harness.close();
        }
    }

    private interface Condition {
        boolean holds() throws Exception;
    }
}
