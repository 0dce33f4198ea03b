package lenstream.gpu.pipeline;

/** Where a pipeline runs. */
public enum Placement {
    /** On a device if there is one with its native libraries, else on the CPU; the log says why. */
    AUTO,
    CPU,
    /** On a device; without one the pipeline does not open. */
    GPU
}
