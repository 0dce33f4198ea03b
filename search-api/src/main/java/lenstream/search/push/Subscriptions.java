package lenstream.search.push;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import lenstream.core.alert.SecretSeal;
import lenstream.core.config.Secret;
import lenstream.core.index.IndexAnswer;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.IndexSetup;
import org.jspecify.annotations.Nullable;

/**
 * The WebSub subscriptions in their index, which every process of the API shares. Their secrets stand there sealed; one in
 * clear, as versions before this kept them, is read, and sealed when its subscription is written next. Thread-safe; blocks.
 */
final class Subscriptions {
    private static final int MOST = 10_000;

    private final IndexClient client;
    private final IndexLayout layout;
    private final SecretSeal seal;
    private final String index;

    Subscriptions(IndexClient client, IndexLayout layout, SecretSeal seal) {
        this.client = client;
        this.layout = layout;
        this.seal = seal;
        this.index = layout.subscriptionIndex();
    }

    void put(Subscription subscription) {
        IndexSetup.create(client, index, layout.subscriptionIndexBody());
        Secret secret = subscription.secret();
        Subscription kept = secret == null || SecretSeal.isSealed(secret)
                ? subscription
                : subscription.with(seal.seal(secret, subscription.id()));
        client.required(client.send("PUT", "/" + index + "/_doc/" + kept.id() + "?refresh=true", kept.toJson()));
    }

    /**
     * What its deliveries are signed with; null where they are not.
     *
     * @throws IllegalArgumentException if it was sealed with another key: not the same as null
     */
    @Nullable
    String secret(Subscription subscription) {
        Secret secret = subscription.secret();
        return secret == null ? null : seal.open(secret, subscription.id()).value();
    }

    /** Whether its secret was sealed with a key that is not here. */
    boolean isClosed(Subscription subscription) {
        try {
            secret(subscription);
            return false;
        } catch (IllegalArgumentException e) {
            return true;
        }
    }

    Optional<Subscription> get(String id) {
        IndexAnswer answer = client.send("GET", "/" + index + "/_doc/" + id, null);
        return answer.status() == 404
                ? Optional.empty()
                : Optional.of(Subscription.of(client.required(answer).path("_source")));
    }

    void remove(String id) {
        IndexAnswer answer = client.send("DELETE", "/" + index + "/_doc/" + id + "?refresh=true", null);
        if (answer.status() != 404) {
            client.required(answer);
        }
    }

    /** All of them, the oldest first. */
    List<Subscription> all() {
        ObjectNode search = JsonNodeFactory.instance.objectNode().put("size", MOST);
        search.putArray("sort").addObject().put("created", "asc");
        IndexAnswer answer = client.send("POST", "/" + index + "/_search", search);
        var found = new ArrayList<Subscription>();
        if (answer.status() != 404) {
            client.required(answer).at("/hits/hits").forEach(hit -> found.add(Subscription.of(hit.path("_source"))));
        }
        return found;
    }
}
