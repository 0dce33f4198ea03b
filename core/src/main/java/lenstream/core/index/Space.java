package lenstream.core.index;

import java.io.Serializable;

/**
 * An embedding space and the encoder that makes its vectors.
 *
 * @param fingerprint the space's identity
 * @param bundle folder of the encoder, at the same path wherever a job or a search API runs
 */
public record Space(String fingerprint, String bundle) implements Serializable {}
