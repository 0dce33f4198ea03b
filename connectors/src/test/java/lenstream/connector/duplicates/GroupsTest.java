package lenstream.connector.duplicates;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GroupsTest {
    private final Groups groups = new Groups(table(), table(), table(), table());

    @Test
    void equalContentIsOneGroupOfItsOwnId() {
        groups.apply(observed("i1", "c1", 1, 100, 11));
        groups.apply(observed("i2", "c1", 2, 400, 12));
        Groups.Changes changes = groups.takeChanges();
        assertThat(changes.assignments()).as("the documents say so themselves").isEmpty();
        Group group = changes.written().getFirst();
        assertThat(group.id).isEqualTo("c1");
        assertThat(group.size()).isEqualTo(2);
        assertThat(group.canonical()).as("the larger one").isEqualTo("i2");
        assertThat(group.pages.count()).isEqualTo(2);
    }

    @Test
    void aLonelyImageIsNoGroupUntilASecondPageShowsIt() {
        groups.apply(observed("i1", "c1", 1, 100, 11));
        assertThat(groups.takeChanges().written()).isEmpty();
        groups.apply(seen("i1", 11));
        assertThat(groups.takeChanges().written()).isEmpty();
        groups.apply(seen("i1", 12));
        Group group = groups.takeChanges().written().getFirst();
        assertThat(group.pages.count()).isEqualTo(2);
        assertThat(group.size()).isEqualTo(1);
    }

    @Test
    void pagesCountFromBeforeTheImageWasEmbedded() {
        groups.apply(seen("i1", 12));
        groups.apply(seen("i1", 13));
        groups.apply(observed("i1", "c1", 1, 100, 11));
        assertThat(groups.takeChanges().written().getFirst().pages.count()).isEqualTo(3);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8})
    void orderAndRepetitionChangeNothing(int seed) {
        List<GroupEvent> events = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            events.add(observed("i" + i, content(i % 20), 1 + i, i * 7 % 100, i % 13));
        }
        for (int[] pair : new int[][] {{0, 1}, {1, 2}, {5, 6}, {7, 6}, {9, 19}, {19, 3}}) {
            events.add(GroupEvent.alike(content(pair[0]), content(pair[1])));
        }
        Map<String, String> expected = result(events);
        assertThat(expected.get("i2")).as("0, 1 and 2").isEqualTo(content(0));
        assertThat(expected.get("i19")).as("3, 9 and 19").isEqualTo(content(3));
        List<GroupEvent> again = new ArrayList<>(events);
        again.addAll(events.subList(0, 20));
        Collections.shuffle(again, new Random(seed));
        assertThat(result(again)).isEqualTo(expected);
    }

    @Test
    void aBridgeMergesTwoGroups() {
        groups.apply(observed("i1", "c1", 1, 100, 1));
        groups.apply(observed("i2", "c2", 2, 100, 2));
        groups.apply(observed("i3", "c5", 3, 100, 3));
        groups.apply(observed("i4", "c6", 4, 100, 4));
        groups.apply(GroupEvent.alike("c1", "c2"));
        groups.apply(GroupEvent.alike("c5", "c6"));
        groups.takeChanges();
        groups.apply(observed("i5", "c9", 5, 900, 5));
        groups.apply(GroupEvent.alike("c2", "c9"));
        groups.apply(GroupEvent.alike("c9", "c6"));
        Groups.Changes changes = groups.takeChanges();
        assertThat(changes.assignments())
                .extracting(Groups.Assignment::id, Groups.Assignment::group)
                .containsExactlyInAnyOrder(
                        org.assertj.core.groups.Tuple.tuple("i3", "c1"),
                        org.assertj.core.groups.Tuple.tuple("i4", "c1"),
                        org.assertj.core.groups.Tuple.tuple("i5", "c1"));
        assertThat(changes.removed()).containsExactly("c5");
        Group group = changes.written().getFirst();
        assertThat(group.size()).isEqualTo(5);
        assertThat(group.canonical()).isEqualTo("i5");
        assertThat(group.pages.count()).isEqualTo(5);
    }

    @Test
    void theGroupOutlivesItsBestAndItsFirstMember() {
        groups.apply(observed("i1", "c1", 1, 900, 1));
        groups.apply(observed("i2", "c2", 2, 100, 2));
        groups.apply(observed("i3", "c3", 3, 400, 3));
        groups.apply(GroupEvent.alike("c1", "c2"));
        groups.apply(GroupEvent.alike("c3", "c2"));
        groups.takeChanges();
        groups.apply(gone("i1", 10));
        Groups.Changes changes = groups.takeChanges();
        Group group = changes.written().getFirst();
        assertThat(group.id).as("stays").isEqualTo("c1");
        assertThat(group.canonical()).isEqualTo("i3");
        assertThat(group.size()).isEqualTo(2);
        groups.apply(observed("i1", "c1", 5, 900, 1)); // overtaken by its removal
        assertThat(groups.takeChanges().written()).isEmpty();
        groups.apply(gone("i2", 11));
        groups.apply(gone("i3", 12));
        assertThat(groups.takeChanges().removed()).containsExactly("c1");
        groups.apply(observed("i2", "c2", 20, 100, 2));
        assertThat(groups.takeChanges().assignments()).containsExactly(new Groups.Assignment("i2", 20, "c1"));
    }

    @Test
    void anImageThatChangesItsContentChangesItsGroup() {
        groups.apply(observed("i1", "c1", 1, 100, 1));
        groups.apply(observed("i2", "c1", 2, 100, 2));
        groups.takeChanges();
        groups.apply(observed("i2", "c7", 3, 100, 2));
        Groups.Changes changes = groups.takeChanges();
        assertThat(changes.assignments()).isEmpty();
        assertThat(changes.written()).singleElement().satisfies(group -> {
            assertThat(group.id).isEqualTo("c1");
            assertThat(group.size()).isEqualTo(1);
        });
    }

    @Test
    void nothingGrowsWithoutBound() {
        for (int i = 0; i < Groups.MEMBERS + 500; i++) {
            groups.apply(observed("i" + i, "c1", 1, i, i));
        }
        Group hot = groups.takeChanges().written().getFirst();
        assertThat(hot.size()).isEqualTo(Groups.MEMBERS + 500);
        assertThat(hot.members).hasSize(Groups.MEMBERS);
        assertThat(hot.pages.count()).isBetween(1_100L, 1_900L);
        assertThat(hot.bytes().length).isLessThan(80_000);
        groups.apply(observed("x", "c0", 1, 1, 1));
        groups.apply(GroupEvent.alike("c0", "c1"));
        assertThat(groups.takeChanges().assignments())
                .as("too large to be renamed")
                .isEmpty();
        for (int i = 0; i < Groups.CONTENTS + 50; i++) {
            groups.apply(GroupEvent.alike(content(i), content(i + 1)));
        }
        groups.apply(observed("y", content(Groups.CONTENTS + 49), 1, 1, 1));
        assertThat(groups.takeChanges().assignments().getFirst().group()).isNotEqualTo(content(0));
    }

    /** The group of each image after all events. */
    private static Map<String, String> result(List<GroupEvent> events) {
        var groups = new Groups(table(), table(), table(), table());
        var result = new TreeMap<String, String>();
        var random = new Random(events.size());
        for (GroupEvent event : events) {
            groups.apply(event);
            if (event.kind() == GroupEvent.Kind.OBSERVED) {
                result.put(event.subject(), event.content()); // as its document has it
            }
            if (random.nextBoolean()) {
                groups.takeChanges().assignments().forEach(change -> result.put(change.id(), change.group()));
            }
        }
        groups.takeChanges().assignments().forEach(change -> result.put(change.id(), change.group()));
        return result;
    }

    private static String content(int number) {
        return "c%03d".formatted(number);
    }

    private static GroupEvent observed(String id, String content, long version, long pixels, long page) {
        return new GroupEvent(GroupEvent.Kind.OBSERVED, id, content, version, pixels, spread(page), version);
    }

    private static GroupEvent seen(String id, long page) {
        return new GroupEvent(GroupEvent.Kind.SEEN, id, "", 0, 0, spread(page), 1);
    }

    private static GroupEvent gone(String id, long version) {
        return new GroupEvent(GroupEvent.Kind.GONE, id, "", version, 0, PageSketch.NONE, 0);
    }

    private static long spread(long page) {
        return PageSketch.hash("http://page.test/" + page);
    }

    static <K> Table<K> table() {
        var map = new HashMap<K, byte[]>();
        return new Table<>() {
            @Override
            public byte @Nullable [] get(K key) {
                return map.get(key);
            }

            @Override
            public void put(K key, byte[] value) {
                map.put(key, value);
            }

            @Override
            public void remove(K key) {
                map.remove(key);
            }
        };
    }
}
