package lenstream.connector.warc;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import lenstream.connector.source.Arrival;
import lenstream.connector.warc.ArchiveStep.Condition;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.FetchedImage;
import lenstream.core.image.Reason;
import lenstream.core.image.Rejection;
import lenstream.core.ledger.LedgerEntry.Outcome;
import lenstream.core.web.WebClient;
import lenstream.core.web.WebConfig;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.netpreserve.jwarc.WarcCompression;

class ArchiveTest {
    private static final byte[] JPEG = {(byte) 0xff, (byte) 0xd8, (byte) 0xff, 1, 2, 3};
    private static final String SITE = "https://example.org/";

    @TempDir
    Path folder;

    private WebClient client;

    @BeforeEach
    @SuppressWarnings("MustBeClosed") // closed in close()
    void open() {
        client = WebClient.open(WebConfig.defaults());
    }

    @AfterEach
    void close() {
        client.close();
    }

    @Test
    void imagesComeWithTheirBytesAndTheTimeOfTheirArchive() throws Exception {
        List<Arrival> arrivals = read(new WarcFile()
                .response(SITE + "a.jpg#part", "image/jpeg", JPEG)
                .resource(SITE + "b.png", "image/png", JPEG)
                .response(SITE + "lie.css", "text/css", JPEG)
                .response(SITE + "style.css", "text/css", "a{}".getBytes(StandardCharsets.US_ASCII))
                .missing(SITE + "gone.jpg")
                .resource("dns:example.org", "text/dns", JPEG));
        assertThat(images(arrivals))
                .extracting(image -> image.target().url())
                .containsExactly(SITE + "a.jpg", SITE + "b.png", SITE + "lie.css");
        assertThat(images(arrivals)).allSatisfy(image -> {
            assertThat(image.bytes()).isEqualTo(JPEG);
            assertThat(image.version()).isEqualTo(WarcFile.DATE.toEpochMilli());
            assertThat(image.target().host()).isEqualTo("example.org");
            assertThat(image.target().via()).isEqualTo("warc");
        });
    }

    @Test
    void encodingsOfTheAnswerAreUndone() throws Exception {
        byte[] chunked = "6\r\n______\r\n0\r\n\r\n".getBytes(StandardCharsets.ISO_8859_1);
        System.arraycopy(JPEG, 0, chunked, 3, JPEG.length);
        List<Arrival> arrivals = read(new WarcFile()
                .response(SITE + "chunked.jpg", "image/jpeg", chunked, "Transfer-Encoding: chunked")
                .response(SITE + "packed.jpg", "image/jpeg", WarcFile.gzip(JPEG), "Content-Encoding: gzip")
                .response(SITE + "unpacked.jpg", "image/jpeg", JPEG, "Content-Encoding: gzip")
                .response(SITE + "broken.jpg", "image/jpeg", new byte[] {1, 2, 3}, "Content-Encoding: gzip"));
        assertThat(images(arrivals))
                .hasSize(3)
                .allSatisfy(image -> assertThat(image.bytes()).isEqualTo(JPEG));
        assertThat(rejections(arrivals)).extracting(Rejection::reason).containsExactly(Reason.TRUNCATED_RESPONSE);
    }

    @Test
    void whatIsNotToBeHadIsARejectionWithItsReason() throws Exception {
        List<Arrival> arrivals = read(new WarcFile()
                .truncated(SITE + "cut.jpg", JPEG)
                .response(SITE + "private.jpg", "image/jpeg", JPEG, "X-Robots-Tag: noai")
                .response(SITE + "page.jpg", "image/jpeg", "<!doctype html><p>".getBytes(StandardCharsets.US_ASCII))
                .response(SITE + "empty.jpg", "image/jpeg", new byte[0])
                .response(SITE + "huge.jpg", "image/jpeg", Arrays.copyOf(JPEG, 2_000))
                .revisit(SITE + "same.jpg"));
        assertThat(rejections(arrivals))
                .extracting(Rejection::reason)
                .containsExactly(
                        Reason.TRUNCATED_RESPONSE,
                        Reason.ROBOTS_DENIED,
                        Reason.NOT_AN_IMAGE,
                        Reason.EMPTY,
                        Reason.TOO_LARGE);
        assertThat(images(arrivals)).isEmpty();
        assertThat(arrivals.getLast().ledger()).satisfies(line -> {
            assertThat(line.outcome()).isEqualTo(Outcome.UNCHANGED);
            assertThat(line.detail()).contains("2024-03-05T05:07:08Z");
        });
    }

    @Test
    void aPageGivesItsImagesContextAndIfAskedTargets() throws Exception {
        WarcFile file = new WarcFile()
                .response(
                        SITE,
                        "text/html; charset=utf-8",
                        WarcFile.gzip("<title>Bees</title><img src=bee.jpg alt='A b\u00e9e'><img src=far.jpg>"
                                .getBytes(StandardCharsets.UTF_8)),
                        "Content-Encoding: gzip")
                .response(
                        SITE + "no",
                        "text/html",
                        "<meta name=robots content=noai><img src=no.jpg>".getBytes(StandardCharsets.US_ASCII))
                .response(SITE + "bee.jpg", "image/jpeg", JPEG);
        List<Arrival> archived = read(file);
        assertThat(archived).hasSize(1);
        CrawlTarget bee = images(archived).getFirst().target();
        assertThat(bee.alt()).isEqualTo("A b\u00e9e");
        assertThat(bee.pageUrl()).isEqualTo(SITE);
        assertThat(bee.title()).isEqualTo("Bees");

        assertThat(read(file, true, Archive.NOWHERE))
                .filteredOn(arrival -> arrival.target() != null)
                .extracting(arrival -> Objects.requireNonNull(arrival.target()).url())
                .containsExactly(SITE + "bee.jpg", SITE + "far.jpg");
    }

    @Test
    void readingGoesOnBehindAnyRecord() throws Exception {
        for (WarcCompression compression : List.of(WarcCompression.GZIP, WarcCompression.NONE)) {
            var file = new WarcFile(compression);
            for (int i = 0; i < 5; i++) {
                file.response(SITE + i + ".jpg", "image/jpeg", JPEG);
            }
            write(file.bytes());
            List<ArchiveStep> steps = steps(Archive.NOWHERE);
            assertThat(steps).hasSize(5);
            for (int i = 0; i < 5; i++) {
                assertThat(steps(steps.get(i).place()))
                        .extracting(ArchiveStep::place)
                        .isEqualTo(steps.stream()
                                .skip(i + 1)
                                .map(ArchiveStep::place)
                                .toList());
            }
        }
    }

    @Test
    void aCutFileGivesWhatIsWhole() throws Exception {
        byte[] whole = new WarcFile()
                .response(SITE + "a.jpg", "image/jpeg", JPEG)
                .response(SITE + "b.jpg", "image/jpeg", JPEG)
                .bytes();
        write(Arrays.copyOf(whole, whole.length - 40));
        List<ArchiveStep> steps = steps(Archive.NOWHERE);
        assertThat(steps).extracting(ArchiveStep::condition).containsExactly(Condition.SOUND, Condition.BROKEN);
        assertThat(images(arrivals(steps))).hasSize(1);
        assertThat(rejections(arrivals(steps))).hasSize(1);
    }

    @Test
    void aDamagedRecordCostsThatRecordAndIsTold() throws Exception {
        for (WarcCompression compression : List.of(WarcCompression.GZIP, WarcCompression.NONE)) {
            var starts = new ArrayList<Integer>();
            var file = new WarcFile(compression);
            for (int i = 0; i < 4; i++) {
                starts.add(file.bytes().length);
                file.response(SITE + i + ".jpg", "image/jpeg", i == 1 ? noise(300_000) : JPEG);
            }
            byte[] sound = file.bytes();
            // the first byte, the headers, the length that a plain record tells, the body, the last byte
            int length = starts.get(2) - starts.get(1);
            for (int at : new int[] {0, 12, 200, length / 2, length - 1}) {
                byte[] bytes = sound.clone();
                for (int i = 0; i < 60 && at + i < length; i++) {
                    bytes[starts.get(1) + at + i] ^= 0x5a;
                }
                write(bytes);
                List<ArchiveStep> steps = steps(Archive.NOWHERE);
                String where = compression + ", " + at;
                assertThat(images(arrivals(steps)))
                        .as(where)
                        .extracting(image -> image.target().url())
                        .contains(SITE + "0.jpg", SITE + "2.jpg", SITE + "3.jpg");
                assertThat(steps).as(where).extracting(ArchiveStep::condition).doesNotContain(Condition.BROKEN);
                if (at == length / 2) {
                    continue; // noise is stored as it is: only the image's bytes are others, which decoding tells
                }
                assertThat(rejections(arrivals(steps))).as(where).hasSize(1).allSatisfy(rejection -> {
                    assertThat(rejection.reason().withdraws()).isFalse();
                    assertThat(rejection.detail()).contains("damaged at ");
                });
            }
        }
    }

    @Test
    void readingGoesOnBetweenTheDamageAndTheNextRecord() throws Exception {
        var file = new WarcFile().response(SITE + "a.jpg", "image/jpeg", JPEG);
        int damage = file.bytes().length;
        byte[] bytes = file.response(SITE + "b.jpg", "image/jpeg", JPEG)
                .response(SITE + "c.jpg", "image/jpeg", JPEG)
                .bytes();
        bytes[damage] = 0;
        write(bytes);
        List<ArchiveStep> steps = steps(Archive.NOWHERE);
        assertThat(steps)
                .extracting(ArchiveStep::condition)
                .containsExactly(Condition.SOUND, Condition.DAMAGED, Condition.SOUND);
        assertThat(images(arrivals(steps(steps.get(1).place()))))
                .extracting(image -> image.target().url())
                .containsExactly(SITE + "c.jpg");
    }

    private static byte[] noise(int size) {
        var bytes = new byte[size];
        new Random(1).nextBytes(bytes);
        System.arraycopy(JPEG, 0, bytes, 0, JPEG.length);
        return bytes;
    }

    private List<Arrival> read(WarcFile file) throws IOException {
        return read(file, false, Archive.NOWHERE);
    }

    private List<Arrival> read(WarcFile file, boolean fetchLinked, long after) throws IOException {
        write(file.bytes());
        return arrivals(steps(after, new RecordReader(url(), 1_000, fetchLinked)));
    }

    private List<ArchiveStep> steps(long after) throws IOException {
        return steps(after, new RecordReader(url(), 1_000_000, false));
    }

    private List<ArchiveStep> steps(long after, RecordReader records) throws IOException {
        var steps = new ArrayList<ArchiveStep>();
        try (Archive archive = Archive.open(url(), after, client, records)) {
            for (Optional<ArchiveStep> step = archive.next(); step.isPresent(); step = archive.next()) {
                steps.add(step.get());
            }
        }
        return steps;
    }

    private static List<Arrival> arrivals(List<ArchiveStep> steps) {
        return steps.stream().flatMap(step -> step.arrivals().stream()).toList();
    }

    private void write(byte[] bytes) throws IOException {
        Files.write(folder.resolve("a.warc.gz"), bytes);
    }

    private String url() {
        return folder.resolve("a.warc.gz").toUri().toString();
    }

    private static List<FetchedImage> images(List<Arrival> arrivals) {
        var images = new ArrayList<FetchedImage>();
        for (Arrival arrival : arrivals) {
            if (arrival.image() != null) {
                images.add(arrival.image());
            }
        }
        return images;
    }

    private static List<Rejection> rejections(List<Arrival> arrivals) {
        var rejections = new ArrayList<Rejection>();
        for (Arrival arrival : arrivals) {
            if (arrival.rejection() != null) {
                rejections.add(arrival.rejection());
            }
        }
        return rejections;
    }
}
