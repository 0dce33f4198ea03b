package lenstream.core.index;

import java.util.List;

/**
 * How far a move from one encoder to another is: which spaces are written and which one is searched. It is one document
 * that jobs and search APIs look at every few seconds. Immutable.
 *
 * @param phase how far it is
 * @param from the space that was searched when the move began
 * @param to the space that it leads to
 * @param startedMillis when it began, epoch ms
 * @param changedMillis when the phase was reached, epoch ms
 * @param owner the process that works on it; empty for none
 * @param ownedUntilMillis until when it has the right to, epoch ms; it renews that while it lives
 * @param note what people should know, such as why the gate refused
 */
public record SpacePlan(
        Phase phase,
        Space from,
        Space to,
        long startedMillis,
        long changedMillis,
        String owner,
        long ownedUntilMillis,
        String note) {

    /** What comes after what: each step may be repeated, and after a crash is. */
    public enum Phase {
        /** Both spaces are written, the new one is being filled; the old one is searched. */
        BACKFILL,
        /** The gate kept the old space; the new one is no longer written. */
        REFUSED,
        /** The new space is searched, both are written: the way back is open. */
        SWITCHED,
        /** The old space is searched again, both are written. */
        ROLLED_BACK,
        /** The old index is gone. */
        FINISHED,
        /** The new index is gone. */
        DROPPED
    }

    /** The space that is searched. */
    public Space active() {
        return phase == Phase.SWITCHED || phase == Phase.FINISHED ? to : from;
    }

    /** The other one. */
    public Space inactive() {
        return active().equals(to) ? from : to;
    }

    /** The spaces that running jobs write to. */
    public List<Space> written() {
        return switch (phase) {
            case BACKFILL, SWITCHED, ROLLED_BACK -> List.of(from, to);
            case REFUSED, DROPPED -> List.of(from);
            case FINISHED -> List.of(to);
        };
    }

    /** Whether both indices are there and complete, so that searches can be switched between them at once. */
    public boolean isReversible() {
        return phase == Phase.SWITCHED || phase == Phase.ROLLED_BACK;
    }

    public SpacePlan in(Phase next, String why, long nowMillis) {
        return new SpacePlan(next, from, to, startedMillis, nowMillis, owner, ownedUntilMillis, why);
    }

    public SpacePlan ownedBy(String process, long untilMillis) {
        return new SpacePlan(phase, from, to, startedMillis, changedMillis, process, untilMillis, note);
    }
}
