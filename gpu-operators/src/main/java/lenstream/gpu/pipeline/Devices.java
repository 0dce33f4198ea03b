package lenstream.gpu.pipeline;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import lenstream.gpu.cuda.Device;
import lenstream.gpu.cuda.Natives;
import lenstream.gpu.embed.DeviceException;

/**
 * The devices that this process could use.
 *
 * @param asked whether the environment names a folder of GPU libraries
 * @param names of the devices
 * @param missing what keeps the process from using them, one sentence each with the remedy; empty if nothing does
 * @param advice what would make them faster, one sentence each
 */
public record Devices(boolean asked, List<String> names, List<String> missing, List<String> advice) {

    /** Looks; loads CUDA if everything is there. */
    public static Devices look() {
        Optional<Natives> natives = Natives.of(System.getenv());
        if (natives.isEmpty()) {
            return new Devices(
                    false,
                    List.of(),
                    List.of(Natives.VARIABLE
                            + " names no folder of GPU libraries; gpu-operators/fetch-natives.sh FOLDER"
                            + " fills one"),
                    List.of());
        }
        List<String> problems = natives.get().problems();
        if (!problems.isEmpty()) {
            return new Devices(true, List.of(), problems, List.of());
        }
        try {
            natives.get().load();
            var names = new ArrayList<String>();
            for (int i = 0; i < Device.count(); i++) {
                names.add(Device.open(i).name());
            }
            List<String> missing = names.isEmpty() ? List.of("CUDA sees no device") : List.of();
            return new Devices(true, names, missing, natives.get().advice());
        } catch (DeviceException | LinkageError e) {
            return new Devices(true, List.of(), List.of("CUDA does not load: " + e.getMessage()), List.of());
        }
    }
}
