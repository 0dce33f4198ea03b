package lenstream.gpu.pipeline;

/**
 * What a pipeline has done since it was opened. Times are of the threads at work, so those of two threads add up.
 *
 * @param in images received
 * @param embedded images embedded
 * @param rejected images rejected
 * @param inferences inference calls
 */
public record PipelineStats(
        long in,
        long embedded,
        long rejected,
        long inferences,
        long decodeNanos,
        long preprocessNanos,
        long inferenceNanos) {}
