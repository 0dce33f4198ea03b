/**
 * The whole way on one device: lanes that decode and preprocess run ahead into a ring of input tensors, one lane embeds them.
 * Entry point: {@link lenstream.gpu.lane.GpuEngine}.
 *
 * <pre>
 * submit → Intake → DecodeLane ×3 (urgent streams) → ring of TensorSlots → EmbedLane (one stream) → Finisher → futures
 *                 ↘ HostPool: what the device cannot decode, on CPU threads, comes back as finished rows ↗
 * </pre>
 */
@NullMarked
package lenstream.gpu.lane;

import org.jspecify.annotations.NullMarked;
