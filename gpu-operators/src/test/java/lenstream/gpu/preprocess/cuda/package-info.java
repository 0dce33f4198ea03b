@NullMarked
package lenstream.gpu.preprocess.cuda;

import org.jspecify.annotations.NullMarked;
