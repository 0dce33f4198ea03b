package lenstream.gpu.lane;

/**
 * What an engine has done since it was opened.
 *
 * @param batches input tensors embedded
 * @param recordedBatches those of them that were queued by one call, as a CUDA graph
 * @param deviceImages images decoded on the device
 * @param hostImages images sent to the CPU because the device cannot take their format, coding or size
 * @param finishedImages those of them that the CPU only read and the device finished
 * @param judgedImages images that the device refused and the CPU judged
 * @param decodeNanos time that lanes spent handing batches to the decoder
 * @param waitNanos time that lanes spent waiting for a free tensor: high when embedding is the slower stage
 * @param starvedNanos time that the embed lane spent waiting for a filled tensor: high when decoding is the slower stage
 * @param halvings how often the batch was halved for want of memory
 * @param queued images waiting now
 */
public record GpuStats(
        long batches,
        long recordedBatches,
        long deviceImages,
        long hostImages,
        long finishedImages,
        long judgedImages,
        long decodeNanos,
        long waitNanos,
        long starvedNanos,
        long halvings,
        int queued) {}
