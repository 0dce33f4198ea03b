package lenstream.search.remote;

import com.google.errorprone.annotations.MustBeClosed;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import lenstream.core.config.ConfigException;
import lenstream.core.model.ModelBundle;
import lenstream.gpu.embed.ImageEmbedder;
import lenstream.gpu.text.OnnxTextEmbedder;
import lenstream.gpu.text.TextEmbedder;
import lenstream.search.http.Metrics;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The two towers of a bundle, run by other servers. At the start each server must have both models with the tensors that the bundle
 * says, and the same fingerprint where it tells one; the golden vectors are checked by whoever opens the pipeline around {@link
 * #images}. Thread-safe; owns the connections.
 */
public final class RemoteEncoder implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RemoteEncoder.class);
    private static final long PAUSE_MILLIS = 500;

    /** How servers of ours call themselves: they take preprocessed tensors although they describe encoded images. */
    private static final String OURS = "lenstream";

    private final RemoteConfig config;
    private final ModelBundle bundle;
    private final Servers servers;
    private final InferenceClient.Model image;
    private final InferenceClient.Model text;

    private RemoteEncoder(
            RemoteConfig config,
            ModelBundle bundle,
            Servers servers,
            InferenceClient.Model image,
            InferenceClient.Model text) {
        this.config = config;
        this.bundle = bundle;
        this.servers = servers;
        this.image = image;
        this.text = text;
    }

    /**
     * Waits until every server has the models, and checks them.
     *
     * @throws ConfigException if they are not there in time, or are others than the bundle says
     */
    @MustBeClosed
    public static RemoteEncoder open(RemoteConfig config, ModelBundle bundle, Metrics metrics) {
        var servers = new Servers(config, metrics);
        try {
            String name = bundle.encoder().name();
            String imageModel = config.imageModel() == null ? name + "-image" : config.imageModel();
            String textModel = config.textModel() == null ? name + "-text" : config.textModel();
            long end = System.nanoTime() + config.startTimeout().toNanos();
            InferenceClient.Model image = null;
            InferenceClient.Model text = null;
            for (InferenceClient client : servers.clients()) {
                boolean ours = await(end, () -> client.server(config.timeout())).equals(OURS);
                image = await(end, () -> client.model(imageModel, config.timeout()));
                text = await(end, () -> client.model(textModel, config.timeout()));
                check(bundle, image, text, ours);
            }
            LOG.info("event=remote_encoder urls={} image={} text={}", config.urls(), image, text);
            return new RemoteEncoder(
                    config,
                    bundle,
                    servers,
                    java.util.Objects.requireNonNull(image),
                    java.util.Objects.requireNonNull(text));
        } catch (RuntimeException e) {
            servers.close();
            throw e;
        }
    }

    private interface Question<T> {
        T ask() throws RemoteException;
    }

    private static <T> T await(long end, Question<T> question) {
        while (true) {
            try {
                return question.ask();
            } catch (RemoteException e) {
                boolean permanent =
                        e.kind() == RemoteException.Kind.REFUSED && !e.reason().contains("404");
                if (permanent || System.nanoTime() - end > 0) {
                    throw new ConfigException(
                            "encoder",
                            List.of(e.reason() + "; start the inference server with the bundle's models, name them with"
                                    + " image_model and text_model, or leave encoder out to embed in this process"));
                }
            }
            try {
                Thread.sleep(PAUSE_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new ConfigException("encoder", List.of("interrupted while waiting for the inference server"));
            }
        }
    }

    private static void check(
            ModelBundle bundle, InferenceClient.Model image, InferenceClient.Model text, boolean ours) {
        var problems = new ArrayList<String>();
        for (InferenceClient.Model model : List.of(image, text)) {
            if (!model.fingerprint().isEmpty()
                    && !model.fingerprint().equals(bundle.fingerprint().value())) {
                problems.add("the model " + model.name() + " is of " + model.fingerprint() + ", the bundle is "
                        + bundle.fingerprint() + ": give both the same encoder");
            }
        }
        boolean tensors = image.inputs().size() == 1
                && (ours || image.inputs().getFirst().datatype().equals("FP32"));
        if (!tensors) {
            problems.add("the model " + image.name() + " must take one FP32 tensor [n, 3, size, size], it takes "
                    + image.inputs());
        }
        int dim = bundle.encoder().dim();
        InferenceClient.Tensor output = RemoteImages.output(bundle, image);
        if (!output.datatype().equals("FP32")
                || output.shape().getLast() != dim && output.shape().getLast() != -1) {
            problems.add("the model " + image.name() + " must give FP32 [n, " + dim + "], it gives " + output);
        }
        if (!problems.isEmpty()) {
            throw new ConfigException("encoder", problems);
        }
    }

    /** The image tower; does not own the connections. */
    public ImageEmbedder images() {
        return new RemoteImages(servers, bundle, image, new ImageEmbedder.Queries(config.batch(), config.calls()));
    }

    /**
     * The text tower, as texts or as tokens go to it.
     *
     * @throws ConfigException if the model takes neither
     */
    @MustBeClosed
    @SuppressWarnings("MustBeClosed") // returned
    public TextEmbedder texts() {
        boolean strings =
                text.inputs().size() == 1 && text.inputs().getFirst().datatype().equals("BYTES");
        TextEmbedder texts = strings
                ? RemoteTexts.open(servers, bundle, text)
                : OnnxTextEmbedder.over(bundle, () -> new RemoteTower(servers, text));
        try {
            GoldenTexts.check(bundle, texts);
            return texts;
        } catch (RuntimeException e) {
            texts.close();
            throw e;
        }
    }

    /** Calls of a tower at once. */
    public int calls() {
        return config.calls();
    }

    /** How long the servers may take for an answer. */
    public Duration timeout() {
        return config.timeout();
    }

    @Override
    public void close() {
        servers.close();
    }
}
