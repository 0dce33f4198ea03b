package lenstream.job.reembed;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.Set;
import lenstream.connector.store.StoreFiles;
import lenstream.core.image.PixelRules;
import lenstream.core.image.PixelSource;
import lenstream.core.image.StoredImage;
import lenstream.core.index.Cosine;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexLayout;
import lenstream.core.model.ModelBundle;
import lenstream.gpu.pipeline.EmbeddingPipeline;
import lenstream.gpu.pipeline.ImageRejectedException;
import lenstream.gpu.pipeline.PipelineConfig;
import lenstream.gpu.pipeline.PixelCopy;
import lenstream.gpu.text.OnnxTextEmbedder;
import lenstream.gpu.text.TextEmbedder;

/** Measures a new space against the old one and the rules. Blocking; does not own its client. */
final class Gate {
    private static final int K = 10;
    private static final long SEED = 20_240_601;
    /** Originals whose copy is compared with them, the longest of those looked at. */
    private static final int COPIES = 40;

    private static final int LOOKED_AT = 2_000;
    private static final double TIE = 1e-6;

    private final IndexClient client;
    private final IndexLayout layout;
    private final ModelBundle from;
    private final ModelBundle to;
    private final String store;
    private final PixelRules kept;
    private final GateRules rules;

    Gate(
            IndexClient client,
            IndexLayout layout,
            ModelBundle from,
            ModelBundle to,
            String store,
            PixelRules kept,
            GateRules rules) {
        this.client = client;
        this.layout = layout;
        this.from = from;
        this.to = to;
        this.store = store;
        this.kept = kept;
        this.rules = rules;
    }

    GateReport measure(SpaceDiff diff) throws IOException {
        var old = new Neighbours(client, layout.imageIndex(from.fingerprint()));
        var now = new Neighbours(client, layout.imageIndex(to.fingerprint()));
        var checks = new ArrayList<GateReport.Check>();
        var facts = new ArrayList<String>();
        checks.add(new GateReport.Check(
                "missing",
                diff.documents() == 0 ? 0 : (double) diff.missing() / diff.documents(),
                false,
                rules.maxMissing(),
                String.format(
                        Locale.ROOT,
                        "%,d of %,d images: nothing of them is stored, or the new encoder takes none of it",
                        diff.missing(),
                        diff.documents())));
        diff.examples().forEach(url -> facts.add("missing, for example: " + url));
        Map<String, float[]> sample = now.sample(rules.samples(), SEED);
        checks.add(new GateReport.Check(
                "recall@10",
                recall(now, sample),
                true,
                rules.minRecall(),
                sample.size() + " images as queries, against exact search in the new index"));
        checks.add(new GateReport.Check(
                "overlap@10",
                overlap(old, now, sample),
                true,
                rules.minOverlap(),
                "share of the ten nearest images that both spaces agree on"));
        checks.add(copies(facts));
        if (!rules.queries().isEmpty()) {
            double before = labelled(old, from);
            double after = labelled(now, to);
            facts.add(String.format(
                    Locale.ROOT,
                    "labelled queries with a relevant image in the top ten: %.4f before, %.4f after, of %d",
                    before,
                    after,
                    rules.queries().size()));
            checks.add(new GateReport.Check(
                    "label loss",
                    before - after,
                    false,
                    rules.maxLabelLoss(),
                    "of the share of labelled queries that find a relevant image"));
        }
        return new GateReport(from.fingerprint().value(), to.fingerprint().value(), checks, facts);
    }

    /** An image that scores as the tenth does counts as found: which of equals comes first is no matter. */
    private static double recall(Neighbours now, Map<String, float[]> sample) {
        double sum = 0;
        for (float[] vector : sample.values()) {
            List<Neighbours.Near> exact = now.exactly(vector, K);
            if (exact.isEmpty()) {
                return Double.NaN;
            }
            double worst = exact.getLast().cosine() - TIE;
            long found = now.byGraph(vector, K).stream()
                    .filter(near -> near.cosine() >= worst)
                    .count();
            sum += (double) found / exact.size();
        }
        return sample.isEmpty() ? Double.NaN : sum / sample.size();
    }

    private static double overlap(Neighbours old, Neighbours now, Map<String, float[]> sample) {
        Map<String, float[]> before = old.vectors(List.copyOf(sample.keySet()));
        double sum = 0;
        for (Map.Entry<String, float[]> query : before.entrySet()) {
            Set<String> then = ids(old.byGraph(query.getValue(), K));
            Set<String> present = ids(now.byGraph(sample.getOrDefault(query.getKey(), new float[0]), K));
            int size = Math.max(1, Math.min(then.size(), present.size()));
            then.retainAll(present);
            sum += (double) then.size() / size;
        }
        return before.isEmpty() ? Double.NaN : sum / before.size();
    }

    private static Set<String> ids(List<Neighbours.Near> found) {
        var ids = new HashSet<String>();
        found.forEach(near -> ids.add(near.id()));
        return ids;
    }

    private double labelled(Neighbours space, ModelBundle bundle) {
        int found = 0;
        try (TextEmbedder texts = OnnxTextEmbedder.open(bundle, 1)) {
            for (GateRules.Labelled query : rules.queries()) {
                List<Neighbours.Near> near = space.byGraph(texts.embed(query.text()), K);
                if (near.stream()
                        .anyMatch(n -> query.relevant().contains(n.id())
                                || query.relevant().contains(n.url()))) {
                    found++;
                }
            }
        }
        return (double) found / rules.queries().size();
    }

    /** What the new encoder sees of the copies that are kept, against what it sees of their originals. */
    private GateReport.Check copies(List<String> facts) throws IOException {
        List<StoredImage> originals = originals();
        var cosines = new ArrayList<Double>();
        var maker = new PixelCopy(kept, PipelineConfig.defaults(to.directory()).limits());
        if (!originals.isEmpty()) {
            try (EmbeddingPipeline pipeline = EmbeddingPipeline.open(PipelineConfig.defaults(to.directory()))) {
                for (StoredImage image : originals) {
                    Optional<byte[]> copy = maker.of(image.bytes());
                    if (copy.isPresent()) {
                        cosines.add(Cosine.dot(
                                pipeline.embedQuery(image.bytes()).embedding(),
                                pipeline.embedQuery(copy.get()).embedding()));
                    }
                }
            } catch (ImageRejectedException e) {
                facts.add("an original could not be embedded: " + e.getMessage());
            }
        }
        cosines.sort(Comparator.naturalOrder());
        double mean = cosines.stream().mapToDouble(c -> c).average().orElse(Double.NaN);
        if (!cosines.isEmpty()) {
            facts.add(String.format(
                    Locale.ROOT,
                    "cosine of original and copy, the longest %d originals: mean %.4f, lowest %.4f",
                    cosines.size(),
                    mean,
                    cosines.getFirst()));
        }
        return new GateReport.Check(
                "copy cosine", mean, true, rules.minCopyCosine(), "what a stored copy keeps of its original");
    }

    private List<StoredImage> originals() throws IOException {
        var longest = new PriorityQueue<StoredImage>(Comparator.comparingInt(image -> image.bytes().length));
        var looked = new int[1];
        StoreFiles files = StoreFiles.at(store);
        for (StoreFiles.StoreFile file : files.list()) {
            if (looked[0] < LOOKED_AT) {
                files.read(file, image -> {
                    if (image.source() == PixelSource.ORIGINAL) {
                        longest.add(image);
                        if (longest.size() > COPIES) {
                            longest.remove();
                        }
                    }
                    return ++looked[0] < LOOKED_AT;
                });
            }
        }
        return List.copyOf(longest);
    }
}
