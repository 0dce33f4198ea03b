package lenstream.gpu.codec.preset;

import org.bytedeco.javacpp.annotation.Platform;
import org.bytedeco.javacpp.annotation.Properties;
import org.bytedeco.javacpp.tools.Info;
import org.bytedeco.javacpp.tools.InfoMap;
import org.bytedeco.javacpp.tools.InfoMapper;

/**
 * Maps nvImageCodec 0.9's C header to Java. Only the side that decodes is mapped: the callback tables with which others
 * write codecs for it are left out.
 */
@Properties(
        value =
                @Platform(
                        value = "linux-x86_64",
                        include = {"<nvimgcodec_version.h>", "<nvimgcodec.h>"},
                        link = "nvimgcodec@.0"),
        target = "lenstream.gpu.codec.binding",
        helper = "lenstream.gpu.codec.preset.NvImageCodecConstants",
        global = "lenstream.gpu.codec.binding.nvimgcodec")
public class NvImageCodecPreset implements InfoMapper {
    private static final String[] HANDLES = {
        "Instance", "Image", "CodeStream", "Parser", "Encoder", "Decoder", "DebugMessenger", "Extension", "Future"
    };
    private static final String[] CALLBACK_TABLES = {
        "ParserDesc",
        "EncoderDesc",
        "DecoderDesc",
        "FrameworkDesc",
        "ExtensionDesc",
        "IoStreamDesc",
        "CodeStreamDesc",
        "ImageDesc",
        "ExecutorDesc"
    };

    @Override
    public void map(InfoMap infos) {
        infos.put(new Info(
                                "NVIMGCODECAPI",
                                "NVIMGCODEC_VER_BUILD",
                                "NVIMGCODEC_STREAM_VER",
                                "MAKE_SEMANTIC_VERSION",
                                "NVIMGCODEC_MAJOR_FROM_SEMVER",
                                "NVIMGCODEC_MINOR_FROM_SEMVER",
                                "NVIMGCODEC_PATCH_FROM_SEMVER")
                        .cppTypes()
                        .annotations())
                .put(new Info("NVIMGCODEC_VER", "NVIMGCODEC_VER_BUILD", "NVIMGCODEC_STREAM_VER").skip())
                .put(new Info("cudaStream_t").cast().valueTypes("CUstream_st").pointerTypes("@ByPtrPtr CUstream_st"))
                .put(new Info().javaText("import org.bytedeco.cuda.cudart.*;"));
        for (String handle : HANDLES) {
            String name = "nvimgcodec" + handle;
            boolean inArrays = handle.equals("Image") || handle.equals("CodeStream");
            infos.put(new Info(name + "_t")
                    .valueTypes(name)
                    .pointerTypes(
                            "@Cast(\"" + name + "_t*\") PointerPointer",
                            (inArrays ? "@Cast(\"" + name + "_t*\") " : "") + "@ByPtrPtr " + name));
        }
        for (String table : CALLBACK_TABLES) {
            infos.put(new Info("nvimgcodec" + table + "_t")
                    .cast()
                    .pointerTypes("Pointer")
                    .skip());
        }
        infos.put(new Info(
                        "nvimgcodecExtensionModuleEntryFunc_t",
                        "nvimgcodecExtensionModuleEntry",
                        "nvimgcodecExtensionCreate",
                        "nvimgcodecLogFunc_t")
                .skip());
    }
}
