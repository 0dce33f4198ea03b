package lenstream.cli;

import lenstream.core.config.DataSize;
import lenstream.core.model.ModelBundle;
import lenstream.gpu.operator.EmbedConfig;
import lenstream.gpu.pipeline.PipelineConfig;

/** How the commands configure the embed operator. */
final class Embedding {
    private Embedding() {}

    /** Checks the bundle here, before anything is started, so that a wrong path costs no time. */
    static EmbedConfig config(Workspace workspace, long maxPixels, DataSize maxBytes) {
        ModelBundle bundle = ModelBundle.load(workspace.model());
        EmbedConfig defaults = EmbedConfig.defaults(bundle.directory());
        PipelineConfig pipeline = defaults.pipeline();
        return defaults.withPipeline(pipeline.withLimits(pipeline.limits().with(maxPixels, maxBytes.bytes())));
    }
}
