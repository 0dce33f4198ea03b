package lenstream.gpu.lane;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import lenstream.core.image.Reason;
import lenstream.core.model.ModelBundle;
import lenstream.gpu.decode.DecodeLimits;
import lenstream.gpu.decode.DecodeRules;
import lenstream.gpu.decode.Decoded;
import lenstream.gpu.decode.HostImageDecoder;
import lenstream.gpu.decode.Mutation;
import lenstream.gpu.decode.Pixels;
import lenstream.gpu.embed.trt.Provider;
import lenstream.gpu.pipeline.Lensmini;
import org.apache.arrow.memory.RootAllocator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIf;

/** The engine on a real device: its vectors are the reference's, and a bad image costs itself alone. */
@Tag("gpu")
@EnabledIf("lenstream.gpu.lane.GpuMachine#isPresent")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(600)
@SuppressWarnings({"MustBeClosed", "NullAway.Init"}) // opened before all tests, closed after them
final class GpuEngineTest {
    private static final Path ROOT = Lensmini.BUNDLE.resolve("../..").normalize();
    private static final Path DECODE = ROOT.resolve("gpu-operators/src/test/resources/golden/decode");

    private final RootAllocator allocator = new RootAllocator();
    private final ModelBundle bundle = ModelBundle.load(Lensmini.BUNDLE);
    private GpuEngine engine;

    @BeforeAll
    void open() {
        engine = open(GpuMachine.config());
    }

    private GpuEngine open(GpuConfig config) {
        return GpuEngine.open(
                GpuMachine.natives(),
                config,
                bundle,
                DecodeLimits.defaults(),
                DecodeRules.defaults(),
                allocator,
                lost -> {
                    throw lost;
                });
    }

    @AfterAll
    void closeAndFindNothingLeft() {
        engine.close();
        assertThat(engine.memory()).isEmpty();
        allocator.close();
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

    private static float[] vector(Outcome outcome) {
        assertThat(outcome).isInstanceOf(Outcome.Embedded.class);
        return ((Outcome.Embedded) outcome).embedding();
    }

    @Test
    void goldenImagesComeOutAsTheReferenceSays() throws IOException {
        JsonNode golden = new ObjectMapper()
                .readTree(Lensmini.BUNDLE.resolve("golden.json").toFile());
        var images = new ArrayList<byte[]>();
        var vectors = new ArrayList<float[]>();
        for (JsonNode image : golden.path("images")) {
            images.add(Files.readAllBytes(
                    Lensmini.BUNDLE.resolve(image.path("file").asText())));
            var vector = new float[image.path("vector").size()];
            for (int i = 0; i < vector.length; i++) {
                vector[i] = (float) image.path("vector").get(i).asDouble();
            }
            vectors.add(vector);
        }
        double lowest = 1;
        List<Outcome> outcomes = engine.submit(images).join();
        for (int i = 0; i < images.size(); i++) {
            lowest = Math.min(lowest, cosine(vector(outcomes.get(i)), vectors.get(i)));
        }
        System.out.println("golden images: " + images.size() + ", lowest cosine " + lowest);
        assertThat(lowest).isGreaterThanOrEqualTo(0.999);
    }

    @Test
    void everyFormatComesOutAsOnTheCpu() throws IOException {
        var names = new ArrayList<String>();
        try (Stream<Path> files = Files.list(DECODE)) {
            files.map(file -> file.getFileName().toString())
                    .filter(name -> !name.endsWith(".rgb") && !name.endsWith(".tsv"))
                    .sorted()
                    .forEach(names::add);
        }
        var images = new ArrayList<byte[]>();
        for (String name : names) {
            images.add(Files.readAllBytes(DECODE.resolve(name)));
        }
        List<Outcome> onDevice = engine.submit(images).join();
        // a stray byte behind the end marker does not change a JPEG's pixels but keeps nothing on the device
        double lowest = 1;
        String worst = "";
        try (var twin = new HostTwin(bundle)) {
            for (int i = 0; i < images.size(); i++) {
                float[] expected = twin.embed(engine, images.get(i));
                double cosine = cosine(vector(onDevice.get(i)), expected);
                if (cosine < lowest) {
                    lowest = cosine;
                    worst = names.get(i);
                }
            }
        }
        System.out.println("formats: " + names.size() + ", lowest cosine to the CPU's pixels " + lowest + " of " + worst
                + ", " + engine.stats());
        assertThat(lowest).isGreaterThanOrEqualTo(0.999);
        assertThat(engine.stats().finishedImages())
                .as("progressive JPEGs that the device decoded")
                .isPositive();
    }

    /** Decodes on the CPU and sends the pixels through the engine as PNG-like lossless input. */
    private static final class HostTwin implements AutoCloseable {
        private final HostImageDecoder decoder =
                new HostImageDecoder(DecodeLimits.defaults(), DecodeRules.defaults(), 1);

        HostTwin(ModelBundle bundle) {}

        float[] embed(GpuEngine engine, byte[] image) {
            try (var pixels = decode(image)) {
                return embed(engine, pixels);
            }
        }

        float[] embed(GpuEngine engine, byte[] image, GpuEngine.Box box) {
            try (var whole = decode(image);
                    var pixels = whole.crop(box.x(), box.y(), box.width(), box.height())) {
                return embed(engine, pixels);
            }
        }

        private Pixels decode(byte[] image) {
            ByteBuffer direct =
                    ByteBuffer.allocateDirect(image.length).put(image).flip();
            return ((Decoded.Image) decoder.decode(direct)).pixels();
        }

        private static float[] embed(GpuEngine engine, Pixels pixels) {
            return vector(engine.submit(List.of(Bmp.of(pixels.rgbView(), pixels.width(), pixels.height())))
                    .join()
                    .getFirst());
        }

        @Override
        public void close() {
            decoder.close();
        }
    }

    /** Full batches and single rows are recorded on their first run; what runs between them must not change what they queue. */
    @Test
    void recordedRunsComeOutAsTheFirstOnes() throws IOException {
        var images = new ArrayList<byte[]>();
        try (Stream<Path> files = Files.list(DECODE)) {
            for (Path file : files.sorted().toList()) {
                if (file.toString().endsWith(".jpg")) {
                    images.add(Files.readAllBytes(file));
                }
            }
        }
        var expected = new ArrayList<float[]>();
        for (byte[] image : images) {
            expected.add(vector(engine.query(image, null).join()));
        }
        var random = new Random(7);
        double lowest = 1;
        int rows = 0;
        for (int round = 0; round < 200; round++) {
            int count = round % 3 == 0 ? 1 : round % 3 == 1 ? 1 + random.nextInt(40) : 320;
            var picked = random.ints(count, 0, images.size()).boxed().toList();
            List<Outcome> outcomes =
                    engine.submit(picked.stream().map(images::get).toList()).join();
            for (int i = 0; i < count; i++) {
                lowest = Math.min(lowest, cosine(vector(outcomes.get(i)), expected.get(picked.get(i))));
            }
            rows += count;
        }
        System.out.println("recorded runs: " + rows + " rows in batches of 1 to 32, lowest cosine to each alone "
                + lowest + ", " + engine.stats());
        assertThat(lowest).isGreaterThan(0.9999);
        if (engine.provider() == Provider.TENSORRT) {
            assertThat(engine.stats().recordedBatches()).isGreaterThan(100);
        }
    }

    @Test
    void regionComesOutAsTheCutPicture() throws IOException {
        double lowest = 1;
        int regions = 0;
        try (var twin = new HostTwin(bundle)) {
            for (String name : List.of("jpeg-420.jpg", "jpeg-exif-6.jpg", "jpeg-progressive.jpg", "png-rgb.png")) {
                byte[] image = Files.readAllBytes(DECODE.resolve(name));
                for (int[] box : new int[][] {{0, 0, 20, 20}, {3, 5, 17, 9}, {1, 1, 8, 25}}) {
                    var region = new GpuEngine.Box(box[0], box[1], box[2], box[3]);
                    float[] onDevice = vector(engine.query(image, region).join());
                    lowest = Math.min(lowest, cosine(onDevice, twin.embed(engine, image, region)));
                    regions++;
                }
            }
        }
        System.out.println("regions: " + regions + ", lowest cosine to the cut picture " + lowest);
        assertThat(lowest).isGreaterThan(0.9999);
        byte[] image = Files.readAllBytes(DECODE.resolve("jpeg-420.jpg"));
        assertThatThrownBy(() ->
                        engine.query(image, new GpuEngine.Box(5000, 0, 10, 10)).join())
                .hasRootCauseInstanceOf(IllegalArgumentException.class)
                .hasStackTraceContaining("lies outside the image");
    }

    @Test
    void brokenImagesCostThemselvesAlone() throws IOException {
        byte[] sound = Files.readAllBytes(DECODE.resolve("jpeg-420.jpg"));
        float[] alone = vector(engine.submit(List.of(sound)).join().getFirst());
        byte[] truncated = Arrays.copyOf(sound, sound.length / 2);
        byte[] rubbish = sound.clone();
        new Random(3).nextBytes(rubbish);
        List<Outcome> outcomes = engine.submit(List.of(sound, truncated, sound, new byte[0], rubbish, sound))
                .join();
        assertThat(((Outcome.Rejected) outcomes.get(1)).reason()).isEqualTo(Reason.TRUNCATED_IMAGE);
        assertThat(((Outcome.Rejected) outcomes.get(3)).reason()).isEqualTo(Reason.EMPTY);
        assertThat(outcomes.get(4)).isInstanceOf(Outcome.Rejected.class);
        for (int i : new int[] {0, 2, 5}) {
            assertThat(cosine(vector(outcomes.get(i)), alone)).isGreaterThan(0.99999);
        }
    }

    @Test
    void thousandsOfMutationsDoNotHarmTheirNeighbours() throws IOException {
        int count = Integer.getInteger("lenstream.fuzz.images", 6000);
        var random = new Random(Long.getLong("lenstream.fuzz.seed", 5));
        var seeds = new ArrayList<byte[]>();
        try (Stream<Path> files = Files.list(DECODE)) {
            for (Path file : files.sorted().toList()) {
                String name = file.getFileName().toString();
                if (!name.endsWith(".rgb") && !name.endsWith(".tsv")) {
                    seeds.add(Files.readAllBytes(file));
                    if (name.startsWith("jpeg")) { // what the device decodes, more often
                        seeds.add(Files.readAllBytes(file));
                        seeds.add(Files.readAllBytes(file));
                    }
                }
            }
        }
        byte[] sound = Files.readAllBytes(DECODE.resolve("jpeg-444.jpg"));
        float[] expected = vector(engine.submit(List.of(sound)).join().getFirst());
        var jobs = new ArrayList<CompletableFuture<List<Outcome>>>();
        int rejected = 0;
        int embedded = 0;
        double lowest = 1;
        for (int done = 0; done < count; ) {
            var batch = new ArrayList<byte[]>();
            batch.add(sound);
            for (int i = 0; i < 31; i++) {
                batch.add(Mutation.of(seeds.get(random.nextInt(seeds.size())), random));
            }
            batch.add(sound);
            done += 31;
            jobs.add(engine.submit(batch));
        }
        for (CompletableFuture<List<Outcome>> job : jobs) {
            List<Outcome> outcomes = job.join();
            lowest = Math.min(lowest, cosine(vector(outcomes.getFirst()), expected));
            lowest = Math.min(lowest, cosine(vector(outcomes.getLast()), expected));
            for (Outcome outcome : outcomes) {
                switch (outcome) {
                    case Outcome.Embedded e -> embedded++;
                    case Outcome.Rejected r -> {
                        assertThat(r.detail()).isNotBlank();
                        rejected++;
                    }
                }
            }
        }
        System.out.println("mutations: " + count + ", rejected " + rejected + ", embedded (with the sound ones) "
                + embedded + ", lowest cosine of a sound neighbour " + lowest + ", " + engine.stats());
        assertThat(lowest).isGreaterThan(0.99999);
    }

    @Test
    void batchIsHalvedOnceWhereMemoryDoesNotSuffice() throws IOException {
        GpuConfig small = GpuMachine.config();
        long third = Math.min(1L << 36, engine.device().freeBytes() / 3);
        int lanes = (int) (engine.device().freeBytes() / third) + 1;
        GpuConfig large =
                small.withLanes(32, lanes, 0, 4, third, small.decoder()).withProvider(Provider.CUDA, 2);
        byte[] sound = Files.readAllBytes(DECODE.resolve("jpeg-420.jpg"));
        float[] expected = vector(engine.submit(List.of(sound)).join().getFirst());
        try (GpuEngine halved = open(large)) {
            assertThat(halved.memory().get("pixels")).isEqualTo(lanes * (third / 2));
            List<Outcome> outcomes =
                    halved.submit(Collections.nCopies(40, sound)).join();
            assertThat(outcomes)
                    .allSatisfy(outcome ->
                            assertThat(cosine(vector(outcome), expected)).isGreaterThan(0.999));
        }
    }

    @Test
    void afterCloseNothingIsTakenAndNothingIsHeld() {
        GpuEngine second = open(GpuMachine.config());
        long both = second.device().allocatedBytes();
        assertThat(both).isPositive();
        second.close();
        second.close();
        assertThat(second.memory()).isEmpty();
        assertThatThrownBy(() -> second.submit(List.of(new byte[1]))).isInstanceOf(IllegalStateException.class);
    }
}
