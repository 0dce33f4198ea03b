package lenstream.connector.opensearch;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.HexFormat;
import java.util.List;
import org.apache.flink.connector.base.sink.writer.BufferedRequestState;
import org.apache.flink.connector.base.sink.writer.RequestEntryWrapper;
import org.junit.jupiter.api.Test;

class BulkEntrySerializerTest {
    private static final BulkEntry INDEX = BulkEntry.index(
            "images", "0a1b", 1_767_225_600_000L, "{\"id\":\"0a1b\"}".getBytes(UTF_8), 1_767_225_599_000L);
    private static final BulkEntry DELETE = BulkEntry.delete("rejections", "ff", 7);

    /** What version 1 wrote; it must be readable for ever. */
    private static final String GOLDEN = "ffffffffffffffff00000002" // Flink's mark and the number of entries
            + "0000000000000098" // size of the entry, as the buffer counts it
            + "000006696d616765730004306131620000019b76daa8000000019b76daa41800000000"
            + "0000000d7b226964223a2230613162227d"
            + "000000000000008c"
            + "01000a72656a656374696f6e73000266660000000000000007000000000000000000000003ffffffff";

    @Test
    void whatAnOlderVersionWroteIsRead() throws Exception {
        assertThat(entries(
                        new BulkEntrySerializer().deserialize(1, HexFormat.of().parseHex(GOLDEN))))
                .usingRecursiveFieldByFieldElementComparator()
                .containsExactly(INDEX, DELETE.withAttempts(3));
        assertThat(HexFormat.of().formatHex(new BulkEntrySerializer().serialize(state())))
                .isEqualTo(GOLDEN);
    }

    @Test
    void entriesComeBackAsTheyWere() throws Exception {
        var serializer = new BulkEntrySerializer();
        byte[] bytes = serializer.serialize(state());
        assertThat(entries(serializer.deserialize(serializer.getVersion(), bytes)))
                .usingRecursiveFieldByFieldElementComparator()
                .containsExactly(INDEX, DELETE.withAttempts(3));
    }

    private static BufferedRequestState<BulkEntry> state() {
        return new BufferedRequestState<>(List.of(
                new RequestEntryWrapper<>(INDEX, INDEX.bulkBytes()),
                new RequestEntryWrapper<>(DELETE.withAttempts(3), DELETE.bulkBytes())));
    }

    private static List<BulkEntry> entries(BufferedRequestState<BulkEntry> state) {
        return state.getBufferedRequestEntries().stream()
                .map(RequestEntryWrapper::getRequestEntry)
                .toList();
    }
}
