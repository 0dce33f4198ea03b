package lenstream.connector.fetch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.util.HexFormat;
import lenstream.connector.fetch.FetchOutcome.Validators;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.Reason;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.junit.jupiter.api.Test;

/** Every version ever written stays readable: golden bytes are never changed, only added. */
class KnownUrlSerializerTest {
    private static final CrawlTarget TARGET = new CrawlTarget(
            "https://a.example/b.jpg",
            "a.example",
            "https://a.example/",
            "https://a.example/p",
            null,
            "ä alt",
            null,
            null,
            null,
            1_000,
            2_000,
            "page");
    private static final KnownUrl FETCHED = new KnownUrl(
            TARGET,
            7,
            Observation.NONE.fetched(new Validators("\"e\"", null), "ab".repeat(32), 3_000, 4_000),
            new Schedule(18, 5_000, 6_000),
            7_000);

    private static final String FETCHED_V1 = "01"
            + "1868747470733a2f2f612e6578616d706c652f622e6a7067" // url, its length plus one before it
            + "0a612e6578616d706c65" // host
            + "1368747470733a2f2f612e6578616d706c652f" // site
            + "1468747470733a2f2f612e6578616d706c652f70" // page
            + "00" // title
            + "06e40120616c74" // alt
            + "000000" // caption, credit, license
            + "00000000000003e800000000000007d0" // published, discovered
            + "0570616765" // via
            + "0000000000000007" // queued
            + "01" // fetched
            + "00" // reason
            + "0422652200" // etag, last modified
            + "01" + "ab".repeat(32) // sha256
            + "0000000000000bb8" // version
            + "00000000" // missing
            + "0000000000000fa0" // checked
            + "0000000000000bb8" // since
            + "00000001" // times
            + "12" // ring
            + "0000000000001388" // due
            + "0000000000001770" // filed
            + "0000000000001b58"; // ledger

    @Test
    void version1StaysReadable() throws IOException {
        assertThat(read(FETCHED_V1)).isEqualTo(FETCHED);
    }

    @Test
    void version1IsWhatIsWritten() throws IOException {
        assertThat(write(FETCHED)).isEqualTo(FETCHED_V1);
    }

    @Test
    void everyStateComesBackAsItWent() throws IOException {
        KnownUrl fresh = KnownUrl.named(TARGET);
        KnownUrl refused = fresh.visited(
                Observation.NONE.refused(UrlState.REJECTED, Reason.ROBOTS_DENIED, 0, 1, 2), Schedule.NONE);
        KnownUrl gone = fresh.visited(FETCHED.last().refused(UrlState.GONE, Reason.GONE, 2, 9, 10), FETCHED.next());
        for (KnownUrl known : new KnownUrl[] {fresh, refused, gone}) {
            assertThat(read(write(known))).isEqualTo(known);
        }
    }

    @Test
    void aVersionFromTheFutureIsRefusedByItsNumber() {
        assertThatThrownBy(() -> read("63" + FETCHED_V1.substring(2)))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("version 99")
                .hasMessageContaining("1 to 1");
    }

    @Test
    void queueEntriesAndPacesStayReadable() throws IOException {
        var entry = new QueueEntry("00112233445566778899aabbccddeeff", 2, 5, 6, true);
        String entryV1 =
                "01" + "00112233445566778899aabbccddeeff" + "00000002" + "0000000000000005" + "0000000000000006" + "01";
        assertThat(QueueEntry.Serializer.INSTANCE.deserialize(input(entryV1))).isEqualTo(entry);
        var pace = new HostPace(2_000, 9, 3, Reason.TIMEOUT);
        String paceV1 = "01" + "00000000000007d0" + "0000000000000009" + "00000003" + "0854494d454f5554";
        assertThat(HostPace.Serializer.INSTANCE.deserialize(input(paceV1))).isEqualTo(pace);
        var slot = new RevisitWheel.Slot("00112233445566778899aabbccddeeff", 5);
        String slotV1 = "01" + "00112233445566778899aabbccddeeff" + "0000000000000005";
        assertThat(RevisitWheel.SlotSerializer.INSTANCE.deserialize(input(slotV1)))
                .isEqualTo(slot);
    }

    private static String write(KnownUrl known) throws IOException {
        var out = new DataOutputSerializer(512);
        KnownUrlSerializer.INSTANCE.serialize(known, out);
        return HexFormat.of().formatHex(out.getCopyOfBuffer());
    }

    private static KnownUrl read(String hex) throws IOException {
        return KnownUrlSerializer.INSTANCE.deserialize(input(hex));
    }

    private static DataInputDeserializer input(String hex) {
        return new DataInputDeserializer(HexFormat.of().parseHex(hex));
    }
}
