package lenstream.search.quality;

import java.nio.file.Path;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.function.BiPredicate;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import lenstream.core.config.ConfigException;
import lenstream.core.index.Cosine;
import lenstream.core.model.Calibration;
import org.apache.commons.math3.stat.descriptive.SummaryStatistics;
import org.apache.commons.math3.stat.regression.SimpleRegression;
import org.jspecify.annotations.Nullable;

/**
 * Fits a {@link Calibration} to labelled images.
 *
 * <p>Scores are logistic curves (Platt) over right and wrong pairs, weighted so that one pair in ten is right, as on a page of
 * ten hits of which one was meant. Noise is measured with words for things that the labels do not name: the half of
 * {@link lenstream.core.model.Vocabulary#things()} that is farthest from every label. When nothing matches is a logistic
 * regression of two figures, how far the nearest images stand out of that noise and whether the text names something that
 * can be seen; labels that find an image of theirs are to match, absent things and texts without a picture are not. Its threshold
 * is lowered until no more than one such label in ten would be denied. When nothing resembles a picture is measured on the
 * same pictures, once with and once without those that are like them; one picture in twenty that finds one like it may be denied. What is
 * random here has a fixed seed. Confined to one thread.
 */
public final class CalibrationFit {
    /** One pair in ten. */
    private static final double RIGHT_SHARE = 0.1;

    private static final double MOST_DENIED = 0.1;

    /** Fewer than of labels: who brings a picture sees at once whether the hits are like it. */
    private static final double MOST_PICTURES_DENIED = 0.05;

    /** Place of {@link Calibration.Meaning} above which a text means something, and more of it says no more of what is there. */
    private static final double MEANS_SOMETHING = 0;

    private static final int MOST_QUERIES = 1_000;
    private static final int FEWEST_IMAGES = 50;
    private static final int FEWEST_LABELS = 10;

    /** Right pairs of pictures below which labels are too fine to say what is alike, and folders say it. */
    private static final int FEWEST_PAIRS = 200;

    private static final int MOST_PAIRS = 400_000;
    private static final int FOLDS = 5;
    private static final double MEANING_RIDGE = 1;
    private static final double RIDGE = 0.1;
    private static final long SEED = 7;

    private final List<LabelledImage> images;
    private final List<float[]> vectors;
    private final List<String> labels;
    private final List<float[]> words;
    private final MeasuringTexts texts;
    private final Calibration.Background background;

    /**
     * What was fitted.
     *
     * @param calibration to be kept with the bundle
     * @param text reliability of the score for words, on labels held out of the fit
     * @param image the same for pictures, on pictures held out; null if too few share a label or a folder
     * @param imageBy {@code label} or {@code folder}: what makes two pictures alike
     * @param separation of held-out labels that find an image from things that no label names, over all folds
     * @param worst the fold with the least area under the curve
     * @param best the fold with the greatest
     * @param held shares of held-out texts that were judged right: labels with an image among the first ten, absent things and texts without a
     *     picture that do not
     * @param pictures the same of pictures; null if too few share a label or a folder
     * @param before how the calibration that the bundle has judges the same texts; null if it has none
     */
    public record Result(
            Calibration calibration,
            Reliability text,
            @Nullable Reliability image,
            String imageBy,
            Separation separation,
            Separation worst,
            Separation best,
            Held held,
            @Nullable HeldPictures pictures,
            @Nullable Held before) {
        /** Shares, 0..1. */
        public record Held(double labels, double absent, double unseen) {}

        /**
         * Shares, 0..1.
         *
         * @param found pictures that find one like them and are said to
         * @param alone pictures without those that are like them that are refused
         */
        public record HeldPictures(double found, double alone, Separation separation) {}
    }

    private record Pairs(double[][] cosine, boolean[] right, double[] weight, int[] fold) {}

    private record Examples(double[][] x, boolean[] matches, double[] weight, int[] kind, int[] fold) {}

    /** Of all folds together, and of single ones. */
    private record Separations(Separation all, Separation worst, Separation best) {}

    /** Best cosines of pictures: of those that find one like them among the first ten, and of all without those. */
    private record Alone(Calibration.Noise noise, double[] found, double[] alone) {}

    /**
     * @param vectors of the images, in their order, unit length
     * @param labels distinct labels of the images
     * @param words vectors of the labels, in their order
     * @throws ConfigException if the sample is too small to say anything
     */
    public CalibrationFit(
            List<LabelledImage> images,
            List<float[]> vectors,
            List<String> labels,
            List<float[]> words,
            MeasuringTexts texts) {
        if (images.size() < FEWEST_IMAGES || labels.size() < FEWEST_LABELS) {
            throw new ConfigException(
                    "calibration",
                    List.of("needs at least " + FEWEST_IMAGES + " readable images with " + FEWEST_LABELS
                            + " labels, there are " + images.size() + " with " + labels.size()));
        }
        this.images = images;
        this.vectors = vectors;
        this.labels = labels;
        this.words = words;
        this.texts = texts;
        this.background = background();
    }

    /** The mean of the bare words; five digits are kept, of which the file is made. */
    private Calibration.Background background() {
        var mean = new double[vectors.getFirst().length];
        for (float[] thing : texts.things()) {
            for (int i = 0; i < mean.length; i++) {
                mean[i] += thing[i] / texts.things().size();
            }
        }
        var bare = new Calibration.Background(
                Arrays.stream(mean).map(CalibrationFit::rounded).boxed().toList(), 0);
        double typical = vectors.stream().mapToDouble(bare::of).average().orElse(0);
        return new Calibration.Background(bare.mean(), rounded(typical));
    }

    /**
     * @param fingerprint of the encoder that made the vectors
     * @param source what the images are, for people
     * @param before what is known of the encoder so far, to compare with; also keeps what these images cannot tell of pictures
     */
    public Result fit(String fingerprint, String source, @Nullable Calibration before) {
        Pairs textPairs = textPairs();
        boolean byLabel = rightPairs(LabelledImage::isLike) >= FEWEST_PAIRS;
        BiPredicate<LabelledImage, LabelledImage> alike = byLabel ? LabelledImage::isLike : CalibrationFit::together;
        Pairs imagePairs = byLabel || rightPairs(alike) >= FEWEST_PAIRS ? imagePairs(alike) : null;
        List<float[]> absent = absent();
        Calibration.Noise noise = noise(absent);
        Calibration.Meaning meaning = meaning();
        Examples examples = examples(absent, noise, meaning);
        Alone alone = imagePairs == null ? null : alone(alike);
        var calibration = new Calibration(
                fingerprint,
                Calibration.VERSION,
                LocalDate.now().toString(),
                source + ": " + images.size() + " images, " + labels.size() + " labels",
                curve(textPairs, -1),
                imagePairs != null ? curve(imagePairs, -1) : before == null ? null : before.image(),
                noise,
                meaning,
                decision(examples, -1),
                background,
                alone != null ? resemblance(alone, alone.found()) : before == null ? null : before.resemblance());
        Separations separations = separations(examples);
        return new Result(
                calibration,
                reliability(textPairs),
                imagePairs == null ? null : reliability(imagePairs),
                byLabel ? "label" : "folder",
                separations.all(),
                separations.worst(),
                separations.best(),
                held(examples),
                alone == null ? null : heldPictures(alone),
                before == null ? null : judged(before, absent));
    }

    private static boolean together(LabelledImage a, LabelledImage b) {
        @Nullable Path folder = a.file().getParent();
        return folder != null && folder.equals(b.file().getParent());
    }

    private long rightPairs(BiPredicate<LabelledImage, LabelledImage> alike) {
        return IntStream.range(0, images.size())
                .mapToLong(i -> IntStream.range(i + 1, images.size())
                        .filter(j -> alike.test(images.get(i), images.get(j)))
                        .count())
                .sum();
    }

    private Pairs textPairs() {
        var random = new Random(SEED);
        var pairs = new PairList();
        int each = Math.max(1, MOST_PAIRS / labels.size());
        for (int label = 0; label < labels.size(); label++) {
            for (int image : some(images.size(), each, random)) {
                boolean right = images.get(image).labels().contains(labels.get(label));
                pairs.add(Cosine.dot(words.get(label), vectors.get(image)), right, label % FOLDS);
            }
        }
        return pairs.weighted();
    }

    private Pairs imagePairs(BiPredicate<LabelledImage, LabelledImage> alike) {
        var random = new Random(SEED);
        var pairs = new PairList();
        int each = Math.max(1, MOST_PAIRS / images.size());
        for (int i = 0; i < images.size(); i++) {
            for (int j : some(images.size(), each, random)) {
                if (i != j) {
                    boolean right = alike.test(images.get(i), images.get(j));
                    pairs.add(Cosine.dot(vectors.get(i), vectors.get(j)), right, i % FOLDS);
                }
            }
        }
        return pairs.weighted();
    }

    /** All numbers below a bound, or as many of them as are wanted, at random. */
    private static List<Integer> some(int bound, int wanted, Random random) {
        List<Integer> all = IntStream.range(0, bound).boxed().collect(Collectors.toList());
        if (wanted < bound) {
            Collections.shuffle(all, random);
            return all.subList(0, wanted);
        }
        return all;
    }

    private static final class PairList {
        private final List<double[]> cosine = new ArrayList<>();
        private final List<Boolean> right = new ArrayList<>();
        private final List<Integer> fold = new ArrayList<>();

        void add(double cosine, boolean right, int fold) {
            this.cosine.add(new double[] {cosine});
            this.right.add(right);
            this.fold.add(fold);
        }

        Pairs weighted() {
            long rights = right.stream().filter(r -> r).count();
            var is = new boolean[right.size()];
            var weight = new double[is.length];
            for (int i = 0; i < is.length; i++) {
                is[i] = right.get(i);
                weight[i] = is[i] ? RIGHT_SHARE / rights : (1 - RIGHT_SHARE) / (is.length - rights);
            }
            return new Pairs(
                    cosine.toArray(double[][]::new),
                    is,
                    weight,
                    fold.stream().mapToInt(Integer::intValue).toArray());
        }
    }

    /** @param without the fold that is left out; -1 for none */
    private static Calibration.Curve curve(Pairs pairs, int without) {
        int[] rows = rows(pairs.fold(), fold -> fold != without);
        // the ridge holds down what perfectly parted pairs would let grow without end; on others it does nothing
        LogisticRegression line = LogisticRegression.fit(
                pick(pairs.cosine(), rows), pick(pairs.right(), rows), pick(pairs.weight(), rows), 1e-3);
        return new Calibration.Curve(rounded(line.coefficients()[0]), rounded(line.intercept()));
    }

    private static Reliability reliability(Pairs pairs) {
        var score = new double[pairs.right().length];
        for (int fold = 0; fold < FOLDS; fold++) {
            Calibration.Curve curve = curve(pairs, fold);
            int left = fold;
            for (int row : rows(pairs.fold(), f -> f == left)) {
                score[row] = curve.score(pairs.cosine()[row][0]);
            }
        }
        return Reliability.of(score, pairs.right(), pairs.weight());
    }

    /** Vectors of words for things that the labels do not name. */
    private List<float[]> absent() {
        List<float[]> things = texts.things();
        var nearest = new double[things.size()];
        for (int i = 0; i < nearest.length; i++) {
            float[] thing = things.get(i);
            nearest[i] = words.stream()
                    .mapToDouble(word -> Cosine.dot(word, thing))
                    .max()
                    .orElse(-1);
        }
        return IntStream.range(0, nearest.length)
                .boxed()
                .sorted(Comparator.comparingDouble(i -> nearest[i]))
                .limit(nearest.length / 2)
                .sorted()
                .map(texts.asked()::get)
                .toList();
    }

    private Calibration.Noise noise(List<float[]> absent) {
        List<Integer> order = some(images.size(), images.size(), new Random(SEED));
        Collections.shuffle(order, new Random(SEED));
        List<Integer> sizes = sizes(images.size());
        var best = new ArrayList<SummaryStatistics>();
        for (int count : sizes) {
            var ofSize = new SummaryStatistics();
            for (float[] text : absent) {
                for (int from = 0; from + count <= order.size(); from += count) {
                    ofSize.addValue(standing(text, order.subList(from, from + count)));
                }
            }
            best.add(ofSize);
        }
        return noise(sizes, best);
    }

    /** @param best what chance reached among so many images, by size */
    private Calibration.Noise noise(List<Integer> sizes, List<SummaryStatistics> best) {
        var growth = new SimpleRegression();
        var spread = new SummaryStatistics();
        for (int i = 0; i < sizes.size(); i++) {
            if (best.get(i).getN() > 1) {
                growth.addData(Math.log(sizes.get(i)), best.get(i).getMean());
                spread.addValue(best.get(i).getStandardDeviation());
            }
        }
        return new Calibration.Noise(
                rounded(growth.getIntercept()), rounded(growth.getSlope()), rounded(spread.getMean()), images.size());
    }

    /** How far the nearest of some images stand out for a text. */
    private double standing(float[] text, List<Integer> among) {
        int first = -1;
        int second = -1;
        double most = -2;
        double next = -2;
        for (int image : among) {
            double cosine = Cosine.dot(text, vectors.get(image));
            if (cosine > most) {
                second = first;
                next = most;
                first = image;
                most = cosine;
            } else if (cosine > next) {
                second = image;
                next = cosine;
            }
        }
        var best = new Calibration.Neighbour(most, vectors.get(first));
        return Calibration.standing(
                background,
                text,
                second < 0 ? List.of(best) : List.of(best, new Calibration.Neighbour(next, vectors.get(second))));
    }

    /** 10, 30, 100, 300, … and all. */
    private static List<Integer> sizes(int all) {
        var sizes = new ArrayList<Integer>();
        for (int ten = 10; ten < all; ten *= 10) {
            sizes.add(ten);
            if (3 * ten < all) {
                sizes.add(3 * ten);
            }
        }
        sizes.add(all);
        return sizes;
    }

    private Calibration.Meaning meaning() {
        List<float[]> all =
                Stream.concat(texts.seen().stream(), texts.unseen().stream()).toList();
        var x = new double[all.size()][];
        var seen = new boolean[x.length];
        var weight = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            float[] text = all.get(i);
            x[i] = IntStream.range(0, text.length).mapToDouble(j -> text[j]).toArray();
            seen[i] = i < texts.seen().size();
            weight[i] = 1.0 / (seen[i] ? texts.seen().size() : texts.unseen().size());
        }
        LogisticRegression line = LogisticRegression.fit(x, seen, weight, MEANING_RIDGE);
        return new Calibration.Meaning(
                Arrays.stream(line.coefficients())
                        .map(CalibrationFit::rounded)
                        .boxed()
                        .toList(),
                rounded(line.intercept()),
                MEANS_SOMETHING);
    }

    /**
     * Labels with a right image among the first ten. Of the others the encoder knows too little: that nothing in their list
     * matches is true.
     */
    private List<float[]> found() {
        var found = new ArrayList<float[]>();
        for (int i = 0; i < labels.size(); i++) {
            String label = labels.get(i);
            boolean listed = ExactSearch.nearest(words.get(i), vectors, -1).stream()
                    .limit(10)
                    .anyMatch(image -> images.get(image).labels().contains(label));
            if (listed) {
                found.add(words.get(i));
            }
        }
        return found.size() < FEWEST_LABELS ? words : found;
    }

    private Examples examples(List<float[]> absent, Calibration.Noise noise, Calibration.Meaning meaning) {
        List<List<float[]>> kinds = List.of(found(), absent, texts.heldUnseen());
        double[] share = {1, 0.5, 0.5};
        int size = kinds.stream().mapToInt(List::size).sum();
        var x = new double[size][];
        var matches = new boolean[size];
        var weight = new double[size];
        var kind = new int[size];
        var fold = new int[size];
        double level = noise.level(images.size());
        List<Integer> all = IntStream.range(0, images.size()).boxed().toList();
        int row = 0;
        for (int k = 0; k < kinds.size(); k++) {
            for (int i = 0; i < kinds.get(k).size(); i++, row++) {
                float[] text = kinds.get(k).get(i);
                x[row] = new double[] {(standing(text, all) - level) / noise.spread(), meaning.of(text)};
                matches[row] = k == 0;
                weight[row] = share[k] / kinds.get(k).size();
                kind[row] = k;
                fold[row] = i % FOLDS;
            }
        }
        return new Examples(x, matches, weight, kind, fold);
    }

    private static Calibration.Decision decision(Examples examples, int without) {
        int[] rows = rows(examples.fold(), fold -> fold != without);
        LogisticRegression line = LogisticRegression.fit(
                pick(examples.x(), rows), pick(examples.matches(), rows), pick(examples.weight(), rows), RIDGE);
        double[] labels = Arrays.stream(rows)
                .filter(row -> examples.matches()[row])
                .mapToDouble(row -> line.of(examples.x()[row]))
                .sorted()
                .toArray();
        double denied = labels[(int) (MOST_DENIED * labels.length)];
        return new Calibration.Decision(
                rounded(line.coefficients()[0]),
                rounded(line.coefficients()[1]),
                rounded(line.intercept() - Math.min(0, denied)));
    }

    private static Result.Held held(Examples examples) {
        var judged = new double[3];
        var all = new double[3];
        for (int fold = 0; fold < FOLDS; fold++) {
            int left = fold;
            Calibration.Decision decision = decision(examples, fold);
            for (int row : rows(examples.fold(), f -> f == left)) {
                double[] x = examples.x()[row];
                boolean matches = decision.excess() * x[0] + decision.meaning() * x[1] + decision.intercept() >= 0;
                judged[examples.kind()[row]] += matches == examples.matches()[row] ? 1 : 0;
                all[examples.kind()[row]]++;
            }
        }
        return new Result.Held(judged[0] / all[0], judged[1] / all[1], judged[2] / all[2]);
    }

    /** Of labels from absent things by decisions that have not seen them: of all folds together, of the worst and of the best. */
    private static Separations separations(Examples examples) {
        var present = new ArrayList<Double>();
        var absent = new ArrayList<Double>();
        var folds = new ArrayList<Separation>();
        for (int fold = 0; fold < FOLDS; fold++) {
            Calibration.Decision decision = decision(examples, fold);
            int left = fold;
            double[][] ours = new double[2][];
            for (int kind = 0; kind < 2; kind++) {
                int of = kind;
                ours[kind] = Arrays.stream(rows(examples.fold(), f -> f == left))
                        .filter(row -> examples.kind()[row] == of)
                        .mapToDouble(row -> decision.excess() * examples.x()[row][0]
                                + decision.meaning() * examples.x()[row][1]
                                + decision.intercept())
                        .toArray();
            }
            Arrays.stream(ours[0]).forEach(present::add);
            Arrays.stream(ours[1]).forEach(absent::add);
            folds.add(Separation.of(ours[0], ours[1]));
        }
        folds.sort(Comparator.comparingDouble(Separation::auc));
        return new Separations(
                Separation.of(
                        present.stream().mapToDouble(value -> value).toArray(),
                        absent.stream().mapToDouble(value -> value).toArray()),
                folds.getFirst(),
                folds.getLast());
    }

    private Alone alone(BiPredicate<LabelledImage, LabelledImage> alike) {
        List<Integer> order = some(images.size(), images.size(), new Random(SEED));
        Collections.shuffle(order, new Random(SEED));
        List<Integer> queries = order.subList(0, Math.min(MOST_QUERIES, order.size()));
        List<Integer> sizes = sizes(images.size());
        var best = IntStream.range(0, sizes.size())
                .mapToObj(i -> new SummaryStatistics())
                .toList();
        var found = new ArrayList<Double>();
        var alone = new ArrayList<Double>();
        for (int query : queries) {
            LabelledImage image = images.get(query);
            List<Integer> nearest = ExactSearch.nearest(vectors.get(query), vectors, query);
            if (nearest.stream().limit(10).anyMatch(other -> alike.test(image, images.get(other)))) {
                found.add(Cosine.dot(vectors.get(query), vectors.get(nearest.getFirst())));
            }
            double[] others = order.stream()
                    .filter(other -> other != query && !alike.test(image, images.get(other)))
                    .mapToDouble(other -> Cosine.dot(vectors.get(query), vectors.get(other)))
                    .toArray();
            Arrays.stream(others).max().ifPresent(alone::add);
            for (int i = 0; i < sizes.size(); i++) {
                int count = sizes.get(i) == images.size() ? others.length : sizes.get(i);
                for (int from = 0; from + count <= others.length && count > 0; from += count) {
                    best.get(i)
                            .addValue(Arrays.stream(others, from, from + count)
                                    .max()
                                    .orElseThrow());
                }
            }
        }
        return new Alone(
                noise(sizes, best),
                found.stream().mapToDouble(value -> value).toArray(),
                alone.stream().mapToDouble(value -> value).toArray());
    }

    /** @param found best cosines of pictures of which no more than one in twenty may be denied */
    private Calibration.Resemblance resemblance(Alone alone, double[] found) {
        double[] rising = Arrays.stream(found).sorted().toArray();
        double denied = rising.length == 0 ? 1 : rising[(int) (MOST_PICTURES_DENIED * rising.length)];
        double level = alone.noise().level(images.size());
        return new Calibration.Resemblance(
                alone.noise(), Math.floor((denied - level) / alone.noise().spread() * 1e5) / 1e5);
    }

    private Result.HeldPictures heldPictures(Alone alone) {
        int seen = 0;
        int refused = 0;
        double[] found = alone.found();
        for (int fold = 0; fold < FOLDS; fold++) {
            int left = fold;
            double[] others = IntStream.range(0, found.length)
                    .filter(i -> i % FOLDS != left)
                    .mapToDouble(i -> found[i])
                    .toArray();
            Calibration.Resemblance rule = resemblance(alone, others);
            double least = rule.leastCosine(images.size());
            seen += (int) IntStream.range(0, found.length)
                    .filter(i -> i % FOLDS == left && found[i] >= least)
                    .count();
            refused += (int) IntStream.range(0, alone.alone().length)
                    .filter(i -> i % FOLDS == left && alone.alone()[i] < least)
                    .count();
        }
        return new Result.HeldPictures(
                (double) seen / found.length,
                (double) refused / alone.alone().length,
                Separation.of(found, alone.alone()));
    }

    /** How another calibration judges the texts that this one is fitted with. */
    private Result.Held judged(Calibration other, List<float[]> absent) {
        return new Result.Held(1 - refused(other, found()), refused(other, absent), refused(other, texts.heldUnseen()));
    }

    private double refused(Calibration other, List<float[]> queries) {
        int refused = 0;
        for (float[] text : queries) {
            List<Calibration.Neighbour> nearest = ExactSearch.nearest(text, vectors, -1).stream()
                    .limit(Calibration.NEAREST)
                    .map(image -> new Calibration.Neighbour(Cosine.dot(text, vectors.get(image)), vectors.get(image)))
                    .toList();
            refused += nearest.getFirst().cosine() < other.leastCosine(text, nearest, images.size()) ? 1 : 0;
        }
        return (double) refused / queries.size();
    }

    private static int[] rows(int[] fold, IntPredicate wanted) {
        return IntStream.range(0, fold.length)
                .filter(row -> wanted.test(fold[row]))
                .toArray();
    }

    private static double[][] pick(double[][] from, int[] rows) {
        return Arrays.stream(rows).mapToObj(row -> from[row]).toArray(double[][]::new);
    }

    private static double[] pick(double[] from, int[] rows) {
        return Arrays.stream(rows).mapToDouble(row -> from[row]).toArray();
    }

    private static boolean[] pick(boolean[] from, int[] rows) {
        var picked = new boolean[rows.length];
        for (int i = 0; i < rows.length; i++) {
            picked[i] = from[rows[i]];
        }
        return picked;
    }

    /** Five digits behind the point: more than the sample can tell. */
    private static double rounded(double value) {
        return Math.round(value * 1e5) / 1e5;
    }
}
