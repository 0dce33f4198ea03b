/**
 * What the FLIP-27 sources have in common: splits with an owner ({@link OwnedSplits}), their bytes, and the reader that
 * counts, keeps progress and says when it is dry ({@link ProgressReader}).
 */
@NullMarked
package lenstream.connector.source;

import org.jspecify.annotations.NullMarked;
