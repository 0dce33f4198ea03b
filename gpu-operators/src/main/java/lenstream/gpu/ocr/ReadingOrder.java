package lenstream.gpu.ocr;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Lines as people read them: from top to bottom, and what stands side by side from left to right. A picture most of whose lines
 * are turned by a quarter or a half is read as if it were turned back.
 */
final class ReadingOrder {
    /** Lines that differ in height by less than this share of the lower one stand side by side. */
    private static final double SAME_LINE = 0.5;

    private ReadingOrder() {}

    /** A line's upright box in the picture as it is read. */
    private record Placed(CutLine line, double left, double top, double right, double bottom) {}

    static List<CutLine> of(List<CutLine> lines) {
        long upright = lines.stream().filter(line -> line.quad().isUpright()).count();
        long onHead = lines.stream().filter(CutLine::onHead).count();
        boolean runsDown = 2 * upright > lines.size();
        boolean turned = 2 * onHead > lines.size();
        List<Placed> byTop = lines.stream()
                .map(line -> placed(line, runsDown, turned))
                .sorted(Comparator.comparingDouble(Placed::top))
                .toList();
        var ordered = new ArrayList<CutLine>(lines.size());
        var row = new ArrayList<Placed>();
        for (Placed next : byTop) {
            if (!row.isEmpty() && isBelow(next, row.getFirst())) {
                take(row, ordered);
            }
            row.add(next);
        }
        take(row, ordered);
        return ordered;
    }

    private static boolean isBelow(Placed next, Placed first) {
        double lower = Math.min(first.bottom - first.top, next.bottom - next.top);
        return next.top - first.top > SAME_LINE * lower;
    }

    private static void take(List<Placed> row, List<CutLine> ordered) {
        row.stream().sorted(Comparator.comparingDouble(Placed::left)).forEach(placed -> ordered.add(placed.line));
        row.clear();
    }

    private static Placed placed(CutLine line, boolean runsDown, boolean turned) {
        Quad quad = line.quad();
        double left = quad.left();
        double top = quad.top();
        double right = quad.right();
        double bottom = quad.bottom();
        if (runsDown) { // clockwise: what is right comes first; the other way: what is left
            return turned ? new Placed(line, -bottom, left, -top, right) : new Placed(line, top, -right, bottom, -left);
        }
        return turned ? new Placed(line, -right, -bottom, -left, -top) : new Placed(line, left, top, right, bottom);
    }
}
