package lenstream.connector.duplicates;

import lenstream.connector.opensearch.BulkEntry;
import lenstream.core.index.IndexLayout;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.ProcessingTimeService;
import org.jspecify.annotations.Nullable;

/**
 * The adapter of {@link Groups}: all events go through one subtask, under one key, because any two contents may turn out to
 * belong together. Changes are gathered for {@value #GATHER_MILLIS} ms, so that a picture that is everywhere does not have its
 * group written as often as it is found; nothing is held back over a checkpoint's barrier.
 */
final class GroupOperator extends AbstractStreamOperator<BulkEntry>
        implements OneInputStreamOperator<GroupEvent, BulkEntry>, BoundedOneInput {
    private static final long serialVersionUID = 1;
    static final Integer KEY = 0;
    private static final long GATHER_MILLIS = 500;
    private static final int GATHERED = 5_000;

    private final DuplicateConfig config;
    private final IndexLayout layout;
    private transient @Nullable Groups groups;
    private transient boolean armed;
    private transient long lastMillis;

    GroupOperator(DuplicateConfig config, IndexLayout layout) {
        this.config = config;
        this.layout = layout;
    }

    @Override
    public void open() throws Exception {
        super.open();
        groups = new Groups(table("members"), table("contents"), table("groups"), table("sightings"));
        getMetricGroup().gauge("lenstream_groups_pending", () -> groups == null ? 0 : groups.pending());
    }

    private Table<String> table(String name) {
        var descriptor =
                new MapStateDescriptor<>(name, Types.STRING, PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO);
        descriptor.enableTimeToLive(Retention.sinceRead(config.remembered()));
        MapState<String, byte[]> state = getRuntimeContext().getMapState(descriptor);
        return new StateTable<>(state);
    }

    @Override
    public void processElement(StreamRecord<GroupEvent> element) {
        Groups present = present();
        present.apply(element.getValue());
        int pending = present.pending();
        if (pending >= GATHERED) {
            flush();
        } else if (pending > 0 && !armed) {
            armed = true;
            ProcessingTimeService time = getProcessingTimeService();
            time.registerTimer(time.getCurrentProcessingTime() + GATHER_MILLIS, at -> {
                armed = false;
                flush();
            });
        }
    }

    private void flush() {
        Groups present = present();
        if (present.pending() == 0) {
            return;
        }
        setCurrentKey(KEY);
        Groups.Changes changes = present.takeChanges();
        // one subtask writes all of them: its clock orders them, also after a restart
        lastMillis = Math.max(lastMillis + 1, getProcessingTimeService().getCurrentProcessingTime());
        for (Groups.Assignment assignment : changes.assignments()) {
            emit(GroupEntries.assign(assignment, layout.writeAlias()));
        }
        for (Group group : changes.written()) {
            emit(GroupEntries.write(group, layout, lastMillis));
        }
        for (String id : changes.removed()) {
            emit(BulkEntry.delete(layout.groupIndex(), id, lastMillis));
        }
    }

    private void emit(BulkEntry entry) {
        output.collect(new StreamRecord<>(entry));
    }

    private Groups present() {
        if (groups == null) {
            throw new IllegalStateException("the operator is not open");
        }
        return groups;
    }

    @Override
    public void prepareSnapshotPreBarrier(long checkpointId) {
        flush();
    }

    @Override
    public void endInput() {
        flush();
    }
}
