package lenstream.connector.duplicates;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which images belong together. Contents that look alike, directly or by way of others, are one group; its id is the
 * smallest content key that ever belonged to it. So a group does not depend on the order or the repetition of events, its
 * id only ever gets smaller, two groups become one when a content between them appears, and nothing that is removed
 * changes it.
 *
 * <p>A group holds at most {@value #CONTENTS} contents and keeps at most {@value #MEMBERS} members; groups that would
 * exceed this together stay apart, so that nothing grows without bound. Confined to one thread.
 */
final class Groups {
    static final int CONTENTS = 256;
    static final int MEMBERS = 1_000;

    private final Table<String> members;
    private final Table<String> contents;
    private final Table<String> groups;
    private final Table<String> sightings;
    private final Map<String, Long> movedMembers = new LinkedHashMap<>();
    private final Set<String> changedGroups = new LinkedHashSet<>();

    /** An image's document is to name this group; of the observation of that version only. */
    record Assignment(String id, long version, String group) {}

    /** What is to be written: assignments, groups of two images or pages and more, and groups that are no more. */
    record Changes(List<Assignment> assignments, List<Group> written, List<String> removed) {}

    /** @param content the image's; empty for one that is gone */
    private record Member(long version, String content) {
        byte[] bytes() {
            byte[] text = content.getBytes(StandardCharsets.US_ASCII);
            return ByteBuffer.allocate(Long.BYTES + text.length)
                    .putLong(version)
                    .put(text)
                    .array();
        }

        static @Nullable Member of(byte @Nullable [] bytes) {
            return bytes == null
                    ? null
                    : new Member(
                            ByteBuffer.wrap(bytes).getLong(),
                            new String(bytes, Long.BYTES, bytes.length - Long.BYTES, StandardCharsets.US_ASCII));
        }
    }

    /**
     * @param members by image id
     * @param contents the group of each content that is not its own
     * @param groups by id
     * @param sightings pages of images that are not embedded yet, by image id
     */
    Groups(Table<String> members, Table<String> contents, Table<String> groups, Table<String> sightings) {
        this.members = members;
        this.contents = contents;
        this.groups = groups;
        this.sightings = sightings;
    }

    void apply(GroupEvent event) {
        switch (event.kind()) {
            case OBSERVED -> observed(event);
            case GONE -> gone(event);
            case SEEN -> seen(event);
            case ALIKE -> alike(event.subject(), event.content());
        }
    }

    /** How many documents {@link #takeChanges} would have written now, about. */
    int pending() {
        return movedMembers.size() + changedGroups.size();
    }

    /** What is to be written since the last call. */
    Changes takeChanges() {
        var assignments = new ArrayList<Assignment>();
        movedMembers.forEach((id, version) -> {
            Member member = Member.of(members.get(id));
            if (member != null
                    && member.version() == version
                    && !member.content().isEmpty()) {
                assignments.add(new Assignment(id, version, groupOf(member.content())));
            }
        });
        var written = new ArrayList<Group>();
        var removed = new ArrayList<String>();
        for (String id : changedGroups) {
            byte[] bytes = groups.get(id);
            if (bytes == null) {
                removed.add(id);
                continue;
            }
            Group group = Group.of(id, bytes);
            boolean wanted = group.size() > 0 && (group.size() > 1 || group.pages.count() > 1 || group.written);
            if (wanted) {
                written.add(group);
            } else if (group.written) {
                removed.add(id);
            }
            if (group.written != wanted) {
                group.written = wanted;
                groups.put(id, group.bytes());
            }
        }
        movedMembers.clear();
        changedGroups.clear();
        return new Changes(assignments, written, removed);
    }

    private void observed(GroupEvent event) {
        String id = event.subject();
        Member before = Member.of(members.get(id));
        if (before != null && before.version() > event.version()) {
            return; // a replay, or overtaken on the way
        }
        if (before != null && !before.content().isEmpty() && !before.content().equals(event.content())) {
            leave(id, before);
        }
        Group group = load(groupOf(event.content()));
        boolean known = before != null && before.content().equals(event.content());
        if (!known) {
            group.contents.add(event.content());
        }
        if (group.members.containsKey(id) || group.members.size() < MEMBERS) {
            group.members.put(id, new Group.Facts(event.version(), event.pixels(), event.millis()));
        } else if (!known) {
            group.others++;
        }
        group.pages = group.pages.with(event.page()).with(PageSketch.of(sightings.get(id)));
        sightings.remove(id);
        group.firstSeenMillis = Math.min(group.firstSeenMillis, event.millis());
        members.put(id, new Member(event.version(), event.content()).bytes());
        store(group);
        if (!group.id.equals(event.content())) { // the document was just written with its content's own group
            movedMembers.put(id, event.version());
        }
    }

    private void gone(GroupEvent event) {
        String id = event.subject();
        Member before = Member.of(members.get(id));
        if (before != null && before.version() > event.version()) {
            return;
        }
        if (before != null && !before.content().isEmpty()) {
            leave(id, before);
        }
        // remembered, for an older observation may still be on its way
        members.put(id, new Member(event.version(), "").bytes());
        movedMembers.remove(id);
    }

    private void leave(String id, Member member) {
        Group group = load(groupOf(member.content()));
        if (group.members.remove(id) == null) {
            group.others = Math.max(0, group.others - 1);
        }
        store(group);
    }

    private void seen(GroupEvent event) {
        String id = event.subject();
        Member member = Member.of(members.get(id));
        if (member == null || member.content().isEmpty()) {
            PageSketch before = PageSketch.of(sightings.get(id));
            PageSketch after = before.with(event.page());
            if (after != before) {
                sightings.put(id, after.bytes());
            }
            return;
        }
        Group group = load(groupOf(member.content()));
        PageSketch after = group.pages.with(event.page());
        if (after != group.pages) {
            group.pages = after;
            store(group);
        }
    }

    private void alike(String one, String other) {
        Group a = load(groupOf(one));
        Group b = load(groupOf(other));
        a.contents.add(one);
        b.contents.add(other);
        if (a.id.equals(b.id) || a.contents.size() + b.contents.size() > CONTENTS || a.size() + b.size() > MEMBERS) {
            return;
        }
        Group into = a.id.compareTo(b.id) < 0 ? a : b;
        Group from = into == a ? b : a;
        for (String content : from.contents) {
            contents.put(content, into.id.getBytes(StandardCharsets.US_ASCII));
        }
        into.contents.addAll(from.contents);
        into.members.putAll(from.members);
        into.pages = into.pages.with(from.pages);
        into.firstSeenMillis = Math.min(into.firstSeenMillis, from.firstSeenMillis);
        from.members.forEach((id, facts) -> movedMembers.put(id, facts.version()));
        groups.remove(from.id);
        if (from.written) {
            changedGroups.add(from.id);
        } else {
            changedGroups.remove(from.id);
        }
        store(into);
    }

    private String groupOf(String content) {
        byte[] group = contents.get(content);
        return group == null ? content : new String(group, StandardCharsets.US_ASCII);
    }

    private Group load(String id) {
        byte[] bytes = groups.get(id);
        return bytes == null ? new Group(id) : Group.of(id, bytes);
    }

    private void store(Group group) {
        groups.put(group.id, group.bytes());
        if (group.size() > 1 || group.pages.count() > 1 || group.written) {
            changedGroups.add(group.id);
        }
    }
}
