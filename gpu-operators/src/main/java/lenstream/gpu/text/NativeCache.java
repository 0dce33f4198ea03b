package lenstream.gpu.text;

import java.nio.file.Path;

/** Where the tokenizer libraries unpack their native parts. */
final class NativeCache {
    private static final String DIRECTORY = "DJL_CACHE_DIR";

    private NativeCache() {}

    /**
     * Names a folder of this user below the temporary one, unless somebody named another: the libraries' own choice is the
     * home directory, which services often cannot write to. They read it from a system property only.
     */
    static void prepare() {
        if (System.getenv(DIRECTORY) == null && System.getProperty(DIRECTORY) == null) {
            Path directory = Path.of(
                    System.getProperty("java.io.tmpdir"), "lenstream-natives-" + System.getProperty("user.name"));
            System.setProperty(DIRECTORY, directory.toString());
        }
        System.setProperty("ai.djl.offline", "true");
    }
}
