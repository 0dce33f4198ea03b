package lenstream.core.index;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * How an image index keeps its vectors, and what follows from it for the mapping, for what is written and for how a
 * query is asked, so that a cosine read from a hit is always the cosine of the two embeddings.
 *
 * <p>The levels that keep float32 beside their codes ({@link #X4}, {@link #X32}) search by the codes and rescore more
 * candidates than were asked for with the floats: without it a score carries the error of its code (0.03 on 32
 * dimensions). They save memory, not disk. {@link #BYTE} keeps bytes alone: smallest on disk, and nothing to rescore
 * with. Figures of each: PERFORMANCE.md, "Quantisation".
 */
public enum Quantisation {
    /** float32, exact scores. */
    FP32("fp32", 1),
    /**
     * 7 bits a value, by Lucene's scalar quantiser; float32 is kept for rescoring. Engine {@code lucene} only. No value is
     * cut off: the quantiser's own choice cuts the largest, which is what tells images of one topic apart, and a graph that
     * is built by such codes cannot reach some of them (PERFORMANCE.md, "Quantisation").
     */
    X4("4x", 2),
    /**
     * One bit a value; float32 is kept for rescoring. With engine {@code lucene} the index must not be memory-mapped:
     * OpenSearch 3.6 ends at the first query otherwise.
     */
    X32("32x", 3),
    /**
     * One signed byte a value, made by the writer; nothing else is kept. The vector is rotated ({@link Rotation}) and
     * stretched until its largest value is 127: each has a step of its own, and the index compares directions. Engine
     * {@code lucene} only, as faiss compares no directions of bytes (k-NN pull request 3002).
     */
    BYTE("byte", 1);

    private static final float LARGEST_BYTE = 127;

    /** Candidates that the graph search keeps, at least; the engines' own default is 100 as well. */
    private static final int EF_SEARCH = 100;

    private final String text;
    private final double oversample;

    Quantisation(String text, double oversample) {
        this.text = text;
        this.oversample = oversample;
    }

    /**
     * The level of an existing index.
     *
     * @param embedding the mapping of its vector field
     */
    public static Quantisation of(JsonNode embedding) {
        if (embedding.path("data_type").asText("").equalsIgnoreCase("byte")) {
            return BYTE;
        }
        if (embedding.at("/method/parameters/encoder/name").asText("").equals("sq")) {
            return X4;
        }
        return switch (embedding.path("compression_level").asText("")) {
            case "4x" -> X4;
            case "32x" -> X32;
            default -> FP32;
        };
    }

    /**
     * Completes the mapping of a vector field.
     *
     * @param method of its graph; gets {@code parameters} where there are any
     */
    void describe(ObjectNode embedding, ObjectNode method) {
        switch (this) {
            case FP32 -> {}
            case X4 -> {
                ObjectNode encoder =
                        method.putObject("parameters").putObject("encoder").put("name", "sq");
                encoder.putObject("parameters").put("bits", 7).put("confidence_interval", 1.0);
            }
            case X32 -> embedding.put("compression_level", text);
            case BYTE -> embedding.put("data_type", "byte");
        }
    }

    /** Whether an engine offers this level. */
    boolean isOfferedBy(String engine) {
        return this == FP32 || this == X32 || !engine.equals("faiss");
    }

    /**
     * The body of a {@code knn} clause; a filter may be added.
     *
     * @param vector unit length
     * @param k neighbours that are wanted
     */
    public ObjectNode knn(float[] vector, int k) {
        ObjectNode knn = JsonNodeFactory.instance.objectNode();
        knn.set("vector", written(vector));
        knn.put("k", k);
        knn.putObject("method_parameters").put("ef_search", Math.max(k, EF_SEARCH));
        if (oversample > 1) {
            knn.putObject("rescore").put("oversample_factor", oversample);
        }
        return knn;
    }

    /**
     * The body of a {@code knn} clause for every vector of at least this cosine. Codes cannot be cut at a score, for theirs
     * are rescored only among nearest neighbours: there it asks for so many of these, which the caller cuts.
     *
     * @param most neighbours that are wanted of codes
     */
    public ObjectNode radial(float[] vector, double leastCosine, int most) {
        if (oversample > 1) {
            return knn(vector, most);
        }
        ObjectNode knn = JsonNodeFactory.instance.objectNode();
        knn.set("vector", written(vector));
        return knn.put("min_score", score(leastCosine));
    }

    /** A query that compares a vector with every image, by what the index keeps. */
    public ObjectNode exact(float[] vector) {
        ObjectNode query = JsonNodeFactory.instance.objectNode();
        ObjectNode scored = query.putObject("script_score");
        scored.putObject("query").putObject("match_all");
        ObjectNode script = scored.putObject("script").put("lang", "knn").put("source", "knn_score");
        ObjectNode parameters = script.putObject("params").put("field", Field.EMBEDDING);
        parameters.put("space_type", space()).set("query_value", written(vector));
        return query;
    }

    /** The score that {@link #exact} gives an image of this cosine. Source: k-NN's own scores of its script. */
    public double exactScore(double cosine) {
        return this == BYTE ? 1 + cosine : Cosine.toScore(cosine);
    }

    /** The cosine of a hit of {@link #exact}, from its score. */
    public double exactCosine(double score) {
        return this == BYTE ? score - 1 : Cosine.ofScore(score);
    }

    /** Whether neighbours are found by codes, so that a least cosine holds only once they are rescored. */
    public boolean isCoded() {
        return oversample > 1;
    }

    /** The values that stand for a unit vector in a document or a query. */
    public ArrayNode written(float[] vector) {
        ArrayNode values = JsonNodeFactory.instance.arrayNode(vector.length);
        for (float value : values(vector)) {
            if (this == BYTE) {
                values.add((int) value);
            } else {
                values.add(value);
            }
        }
        return values;
    }

    /** The same as numbers; those of {@link #BYTE} are whole. Not to be written to: it may be the vector itself. */
    public float[] values(float[] vector) {
        if (this != BYTE) {
            return vector;
        }
        float[] codes = Rotation.of(vector);
        float largest = Float.MIN_NORMAL; // a vector of zeros stays one
        for (float value : codes) {
            largest = Math.max(largest, Math.abs(value));
        }
        for (int i = 0; i < codes.length; i++) {
            codes[i] = Math.round(codes[i] / largest * LARGEST_BYTE);
        }
        return codes;
    }

    /** The unit vector that a document's values stand for. */
    public float[] read(JsonNode values) {
        var vector = new float[values.size()];
        for (int i = 0; i < vector.length; i++) {
            vector[i] = values.get(i).floatValue();
        }
        if (this != BYTE) {
            return vector;
        }
        double length = Math.sqrt(Cosine.dot(vector, vector));
        for (int i = 0; i < vector.length && length > 0; i++) {
            vector[i] /= (float) length;
        }
        return Rotation.back(vector);
    }

    /** OpenSearch's name for how the index compares vectors. */
    public String space() {
        return this == BYTE ? "cosinesimil" : "innerproduct";
    }

    /** The cosine of a hit, from its score. */
    public double cosine(double score) {
        return this == BYTE ? 2 * score - 1 : Cosine.ofScore(score);
    }

    /** The score of a hit with this cosine. */
    private double score(double cosine) {
        return this == BYTE ? (1 + cosine) / 2 : Cosine.toScore(cosine);
    }

    /** Bytes that the graph search reads of each vector, besides its links. */
    public double searchedBytes(int dim) {
        return switch (this) {
            case FP32 -> 4.0 * dim;
            case X4, BYTE -> dim;
            case X32 -> dim / 8.0;
        };
    }

    /** Bytes of each vector on disk, besides its links. */
    public double storedBytes(int dim) {
        return switch (this) {
            case FP32 -> 4.0 * dim;
            case X4, X32 -> 4.0 * dim + searchedBytes(dim);
            case BYTE -> dim;
        };
    }

    /** As it is written in configuration and mappings. */
    @Override
    public String toString() {
        return text;
    }
}
