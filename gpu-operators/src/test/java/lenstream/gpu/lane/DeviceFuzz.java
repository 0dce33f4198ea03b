package lenstream.gpu.lane;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import lenstream.core.image.Reason;
import lenstream.core.model.ModelBundle;
import lenstream.gpu.cuda.Natives;
import lenstream.gpu.decode.DecodeLimits;
import lenstream.gpu.decode.DecodeRules;
import lenstream.gpu.decode.Mutation;
import lenstream.gpu.embed.trt.Provider;
import org.apache.arrow.memory.RootAllocator;

/**
 * Broken images through the engine of a device, in a process of its own, so that a crash costs only itself: {@code DeviceFuzz
 * BUNDLE FOLDERS IMAGES SEED DECODER PROVIDER LAST}. Batches hold mutations of the folders' files (and each file as it is, once)
 * between two sound images, whose vectors must not change. What is under way is written to the file {@code LAST} first: after a
 * crash it names the culprits.
 */
public final class DeviceFuzz {
    private static final int BATCH = 64;
    private static final int BATCHES_UNDER_WAY = 6;

    private DeviceFuzz() {}

    private record UnderWay(long number, List<String> names, CompletableFuture<List<Outcome>> job) {}

    public static void main(String[] a) throws Exception {
        Natives natives = Natives.of(System.getenv()).orElseThrow();
        natives.load();
        int count = Integer.parseInt(a[2]);
        var random = new Random(Long.parseLong(a[3]));
        var names = new ArrayList<String>();
        var seeds = new ArrayList<byte[]>();
        for (String folder : a[1].split(",")) {
            try (Stream<Path> files = Files.walk(Path.of(folder))) {
                for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
                    String name = file.getFileName().toString();
                    if (!name.endsWith(".rgb") && !name.endsWith(".tsv") && Files.size(file) < 1 << 20) {
                        boolean jpeg = name.endsWith(".jpg") || name.endsWith(".jpeg");
                        for (int i = 0; i < (jpeg ? 4 : 1); i++) { // what the device decodes, more often
                            names.add(file.toString());
                            seeds.add(Files.readAllBytes(file));
                        }
                    }
                }
            }
        }
        byte[] sound = seeds.get(soundIndex(names));
        GpuConfig config = GpuConfig.defaults()
                .with(12, true)
                .withLanes(BATCH, 3, 0, 4, 300 << 20, a[4])
                .withProvider(Provider.valueOf(a[5]), 2);
        try (var allocator = new RootAllocator();
                GpuEngine engine = GpuEngine.open(
                        natives,
                        config,
                        ModelBundle.load(Path.of(a[0])),
                        new DecodeLimits(20_000_000, 200, 64 << 20),
                        DecodeRules.defaults(),
                        allocator,
                        lost -> Runtime.getRuntime().halt(70));
                var last = new RandomAccessFile(a[6], "rw")) {
            float[] expected = vector(
                    engine.submit(List.of(sound)).get(60, TimeUnit.SECONDS).getFirst());
            var tally = new Tally();
            var underWay = new ArrayList<UnderWay>();
            int made = 0;
            int whole = 0;
            while (made < count) {
                var batchNames = new ArrayList<String>();
                var batch = new ArrayList<byte[]>();
                batch.add(sound);
                for (int i = 0; i < BATCH - 2; i++, made++) {
                    int seed = whole < seeds.size() ? whole++ : random.nextInt(seeds.size());
                    boolean asItIs = whole < seeds.size();
                    long mutation = random.nextLong();
                    batchNames.add(names.get(seed) + (asItIs ? "" : " mutation " + mutation));
                    batch.add(asItIs ? seeds.get(seed) : Mutation.of(seeds.get(seed), new Random(mutation)));
                }
                batch.add(sound);
                underWay.add(new UnderWay(made, batchNames, new CompletableFuture<>()));
                write(last, underWay);
                underWay.set(underWay.size() - 1, new UnderWay(made, batchNames, engine.submit(batch)));
                if (underWay.size() >= BATCHES_UNDER_WAY) {
                    tally.add(underWay.removeFirst(), expected);
                }
            }
            for (UnderWay rest : underWay) {
                tally.add(rest, expected);
            }
            System.out.println("fuzz " + a[4] + " " + a[5] + " seed " + a[3] + ": " + made + " images of "
                    + seeds.size() + " seeds; " + tally + "; " + engine.stats());
        }
        System.out.println("fuzz ended well");
    }

    private static int soundIndex(List<String> names) {
        for (int i = 0; i < names.size(); i++) {
            if (names.get(i).endsWith("jpeg-444.jpg")) {
                return i;
            }
        }
        throw new IllegalArgumentException("no jpeg-444.jpg among the seeds");
    }

    private static void write(RandomAccessFile last, List<UnderWay> underWay) throws IOException {
        var text = new StringBuilder();
        for (UnderWay batch : underWay) {
            text.append("batch ").append(batch.number).append('\n');
            batch.names.forEach(name -> text.append(name).append('\n'));
        }
        byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);
        last.setLength(0);
        last.seek(0);
        last.write(bytes);
        last.getChannel().force(false);
    }

    private static float[] vector(Outcome outcome) {
        if (outcome instanceof Outcome.Embedded embedded) {
            return embedded.embedding();
        }
        throw new IllegalStateException("a sound image was rejected: " + outcome);
    }

    private static final class Tally {
        private final Map<Reason, Integer> reasons = new TreeMap<>();
        private int embedded;
        private int withoutDetail;
        private double lowest = 1;

        void add(UnderWay batch, float[] expected) throws Exception {
            List<Outcome> outcomes = batch.job.get(120, TimeUnit.SECONDS);
            for (int i = 1; i < outcomes.size() - 1; i++) {
                switch (outcomes.get(i)) {
                    case Outcome.Embedded e -> embedded++;
                    case Outcome.Rejected r -> {
                        reasons.merge(r.reason(), 1, Integer::sum);
                        withoutDetail += r.detail().isBlank() ? 1 : 0;
                    }
                }
            }
            for (Outcome neighbour : List.of(outcomes.getFirst(), outcomes.getLast())) {
                lowest = Math.min(lowest, cosine(vector(neighbour), expected));
            }
        }

        private static double cosine(float[] a, float[] b) {
            double dot = 0;
            double aa = 0;
            double bb = 0;
            for (int i = 0; i < a.length; i++) {
                dot += (double) a[i] * b[i];
                aa += (double) a[i] * a[i];
                bb += (double) b[i] * b[i];
            }
            return dot / Math.sqrt(aa * bb);
        }

        @Override
        public String toString() {
            return "embedded " + embedded + ", rejected " + reasons + ", without a reason in words " + withoutDetail
                    + ", lowest cosine of a sound neighbour " + lowest;
        }
    }
}
