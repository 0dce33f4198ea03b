package lenstream.gpu.pipeline;

/**
 * What a pipeline has done since it was opened. Times are of the threads at work, so those of two threads add up.
 *
 * @param in images received
 * @param embedded images embedded
 * @param rejected images rejected
 * @param inferences inference calls
 * @param preprocessNanos 0 on a device, where these two stages run beside the host's threads
 * @param inferenceNanos 0 on a device
 */
public record PipelineStats(
        long in,
        long embedded,
        long rejected,
        long inferences,
        long decodeNanos,
        long preprocessNanos,
        long inferenceNanos) {}
