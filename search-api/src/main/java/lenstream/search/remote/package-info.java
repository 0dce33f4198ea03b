/**
 * The encoder on another machine: a Triton, a KServe or another server of ours, asked by the Open Inference Protocol, version
 * 2. Entry point: {@link lenstream.search.remote.RemoteEncoder}.
 */
@NullMarked
package lenstream.search.remote;

import org.jspecify.annotations.NullMarked;
