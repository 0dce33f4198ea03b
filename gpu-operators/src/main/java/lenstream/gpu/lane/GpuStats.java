package lenstream.gpu.lane;

/**
 * What an engine has done since it was opened.
 *
 * @param batches input tensors embedded
 * @param deviceImages images decoded on the device
 * @param hostImages images decoded on the CPU because the device cannot take their format, coding or size
 * @param judgedImages images that the device refused and the CPU judged
 * @param decodeNanos time that lanes spent handing batches to the decoder
 * @param waitNanos time that lanes spent waiting for a free tensor: high when embedding is the slower stage
 * @param starvedNanos time that the embed lane spent waiting for a filled tensor: high when decoding is the slower stage
 * @param halvings how often the batch was halved for want of memory
 * @param queued images waiting now
 */
public record GpuStats(
        long batches,
        long deviceImages,
        long hostImages,
        long judgedImages,
        long decodeNanos,
        long waitNanos,
        long starvedNanos,
        long halvings,
        int queued) {}
