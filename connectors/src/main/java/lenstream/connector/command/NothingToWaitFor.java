package lenstream.connector.command;

import lenstream.connector.source.Submission;
import lenstream.core.command.Command;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.common.eventtime.WatermarkGenerator;
import org.apache.flink.api.common.eventtime.WatermarkOutput;

/**
 * The watermarks of commands: whoever waits until all of a {@link Submission} has been said does not wait for what
 * somebody may yet command.
 */
public final class NothingToWaitFor implements WatermarkGenerator<Command> {
    @Override
    public void onEvent(Command command, long timestamp, WatermarkOutput output) {
        // no command holds anything up
    }

    @Override
    public void onPeriodicEmit(WatermarkOutput output) {
        output.emitWatermark(new Watermark(Long.MAX_VALUE));
    }
}
