package lenstream.core.alert;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import lenstream.core.command.Command;
import lenstream.core.command.CommandLog;
import lenstream.core.index.Field;
import lenstream.core.index.IndexAnswer;
import lenstream.core.index.IndexClient;
import lenstream.core.index.IndexLayout;
import lenstream.core.index.IndexSetup;

/**
 * The alerts in their index, which every process of the API shares, and the commands by which the jobs learn of them. The
 * entry is written before its first command and says which spaces have theirs: an entry without the present one was cut
 * short, or waits for another encoder, and is completed by {@link #put}. Thread-safe; blocks. Borrows the client.
 */
public final class AlertRegister {
    /** As many alerts the matching was measured with, and one page of the index holds. */
    public static final int MOST = 10_000;

    /** While there is a move from one encoder to another, both are in force, and afterwards the way back is open. */
    private static final int MOST_SPACES = 2;

    private final IndexClient client;
    private final IndexLayout layout;
    private final CommandLog log;
    private final String index;

    public AlertRegister(IndexClient client, IndexLayout layout) {
        this.client = client;
        this.layout = layout;
        this.log = new CommandLog(client, layout);
        this.index = layout.alertIndex();
    }

    /** Enters a new alert, which nothing is compared with yet. */
    public void enter(Alert alert) {
        IndexSetup.create(client, index, layout.alertIndexBody());
        client.required(client.send("PUT", "/" + index + "/_doc/" + alert.id() + "?refresh=true", alert.json()));
    }

    /**
     * Puts an alert in force in a space; the jobs follow within a second. Of more than two spaces the oldest is given up.
     *
     * @param vector the query in this space, unit length
     * @return the alert as it is now
     */
    public Alert put(Alert alert, Alert.Space space, float[] vector) {
        long now = System.currentTimeMillis();
        var commands = new ArrayList<Command>();
        commands.add(new AlertRule(alert.id(), space.fingerprint(), vector, space.minCosine(), alert.filter())
                .put(alert.name(), now));
        Alert next = alert.in(space);
        List<Alert.Space> kept = next.spaces();
        for (Alert.Space old : kept.subList(0, Math.max(0, kept.size() - MOST_SPACES))) {
            commands.add(AlertRule.delete(alert.id(), old.fingerprint(), now));
        }
        kept = kept.subList(Math.max(0, kept.size() - MOST_SPACES), kept.size());
        log.append(commands);
        ObjectNode change = JsonNodeFactory.instance.objectNode();
        change.putObject("doc").set("spaces", Alert.json(kept));
        if (!update(alert.id(), change)) { // deleted meanwhile
            log.append(AlertRule.delete(alert.id(), space.fingerprint(), now));
        }
        return next;
    }

    /** Tells its webhook no more. */
    public void disable(String id, String why) {
        ObjectNode change = JsonNodeFactory.instance.objectNode();
        change.putObject("doc").put("disabled", why);
        update(id, change);
    }

    /** Whether it was there. */
    private boolean update(String id, ObjectNode change) {
        IndexAnswer answer =
                client.send("POST", "/" + index + "/_update/" + id + "?refresh=true&retry_on_conflict=5", change);
        if (answer.status() == 404) {
            return false;
        }
        client.required(answer);
        return true;
    }

    /** The alert of this id with its query. */
    public Optional<Alert> get(String id) {
        IndexAnswer answer = client.send("GET", "/" + index + "/_doc/" + id, null);
        return answer.status() == 404
                ? Optional.empty()
                : Optional.of(Alert.of(client.required(answer).path("_source")));
    }

    /** Every alert, the newest first, without its query. */
    public List<Alert> all() {
        ObjectNode search = JsonNodeFactory.instance.objectNode().put("size", MOST);
        search.putArray("sort").addObject().put("created", "desc");
        search.putObject("_source").putArray("excludes").add("query");
        IndexAnswer answer = client.send("POST", "/" + index + "/_search", search);
        var found = new ArrayList<Alert>();
        if (answer.status() != 404) {
            client.required(answer).at("/hits/hits").forEach(hit -> found.add(Alert.of(hit.path("_source"))));
        }
        return found;
    }

    /** How many there are. */
    public long count() {
        IndexAnswer answer = client.send("GET", "/" + index + "/_count", null);
        return answer.status() == 404
                ? 0
                : client.required(answer).path("count").asLong();
    }

    /**
     * Ends an alert: its rules, then its matches and what is on its way, then its entry. May be repeated.
     *
     * @return whether there was one
     */
    public boolean remove(String id) {
        Optional<Alert> alert = get(id);
        if (alert.isEmpty()) {
            return false;
        }
        long now = System.currentTimeMillis();
        List<Command> ends = alert.get().spaces().stream()
                .map(space -> AlertRule.delete(id, space.fingerprint(), now))
                .toList();
        if (!ends.isEmpty()) {
            log.append(ends);
        }
        ObjectNode its = JsonNodeFactory.instance.objectNode();
        its.putObject("query").putObject("term").put(Field.ALERT, id);
        for (String of : List.of(layout.matchIndex(), layout.deliveryIndex())) {
            IndexAnswer answer =
                    client.send("POST", "/" + of + "/_delete_by_query?conflicts=proceed&refresh=true", its);
            if (answer.status() != 404) {
                client.required(answer);
            }
        }
        IndexAnswer answer = client.send("DELETE", "/" + index + "/_doc/" + id + "?refresh=true", null);
        if (answer.status() != 404) {
            client.required(answer);
        }
        return true;
    }
}
