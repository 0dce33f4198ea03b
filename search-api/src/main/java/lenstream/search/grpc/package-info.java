/** What both ends of the Open Inference Protocol over gRPC have in common. Entry point: {@link lenstream.search.grpc.InferenceWire}. */
@NullMarked
package lenstream.search.grpc;

import org.jspecify.annotations.NullMarked;
