package lenstream.core.alert;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import lenstream.core.config.Secret;
import lenstream.core.index.IndexAnswer;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexLayout;

/**
 * What an installation keeps sealed ({@link SecretSeal}): for a backup, which holds it, and not the key that opens it.
 * Immutable.
 *
 * @param webhooks secrets of alerts' webhooks
 * @param subscriptions secrets of WebSub subscriptions
 */
public record SealedSecrets(List<Sealed> webhooks, List<Sealed> subscriptions) {
    private static final int MOST = 10_000;

    /**
     * A sealed secret.
     *
     * @param owner for whom it was sealed
     */
    public record Sealed(String owner, Secret secret) {
        private boolean opensWith(SecretSeal seal) {
            try {
                seal.open(secret, owner);
                return true;
            } catch (IllegalArgumentException e) {
                return false;
            }
        }
    }

    public SealedSecrets {
        webhooks = List.copyOf(webhooks);
        subscriptions = List.copyOf(subscriptions);
    }

    /** All that are kept now; those in clear are none. Blocks. */
    public static SealedSecrets of(IndexClient client, IndexLayout layout) {
        var webhooks = new ArrayList<Sealed>();
        for (Alert alert : new AlertRegister(client, layout).all()) {
            Alert.Webhook webhook = alert.webhook();
            if (webhook != null && SecretSeal.isSealed(webhook.secret())) {
                webhooks.add(new Sealed(alert.id(), webhook.secret()));
            }
        }
        return new SealedSecrets(webhooks, subscriptions(client, layout));
    }

    private static List<Sealed> subscriptions(IndexClient client, IndexLayout layout) {
        ObjectNode search = JsonNodeFactory.instance.objectNode().put("size", MOST);
        search.putArray("_source").add("id").add("secret");
        IndexAnswer answer = client.send("POST", "/" + layout.subscriptionIndex() + "/_search", search);
        var found = new ArrayList<Sealed>();
        if (answer.status() != 404) {
            for (JsonNode hit : client.required(answer).at("/hits/hits")) {
                var secret = new Secret(hit.at("/_source/secret").asText(""));
                if (SecretSeal.isSealed(secret)) {
                    found.add(new Sealed(hit.at("/_source/id").asText(), secret));
                }
            }
        }
        return found;
    }

    /** Those that a key does not open. */
    public SealedSecrets closedTo(SecretSeal seal) {
        return new SealedSecrets(
                webhooks.stream().filter(one -> !one.opensWith(seal)).toList(),
                subscriptions.stream().filter(one -> !one.opensWith(seal)).toList());
    }

    public boolean isEmpty() {
        return webhooks.isEmpty() && subscriptions.isEmpty();
    }
}
