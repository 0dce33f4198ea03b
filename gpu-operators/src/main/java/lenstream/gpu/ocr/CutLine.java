package lenstream.gpu.ocr;

/**
 * A line that was cut out of its picture to be read.
 *
 * @param quad where it lies
 * @param strip how it looks, level and upright
 * @param onHead whether it had to be turned upside down for that
 */
record CutLine(Quad quad, Strip strip, boolean onHead) {}
