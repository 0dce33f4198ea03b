package lenstream.gpu.decode;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The boxes of an AVIF file, as far as one still picture needs them: the primary item, its alpha plane, their AV1 data
 * and properties. Sources: ISO/IEC 14496-12 and 23008-12, the AV1 Image File Format 1.1, the AV1 bitstream
 * specification 5.5 (sequence header).
 *
 * @param colour AV1 data of the primary item
 * @param alpha AV1 data of its alpha plane, null if it has none
 * @param matrix matrix coefficients of ITU-T H.273, 2 if the file does not say
 * @param fullRange whether samples use the full range; null if the file does not say
 */
record AvifFile(
        ImageHeader header,
        byte[] colour,
        byte @Nullable [] alpha,
        int matrix,
        @Nullable Boolean fullRange) {
    private static final int UNSPECIFIED_MATRIX = 2;
    /** The way to the sample sizes is trak, mdia, minf, stbl; deeper nesting only feeds the stack. */
    private static final int DEEPEST_TRACK = 8;

    static AvifFile read(ByteBuffer bytes) throws UndecodableException {
        return new Parser(bytes).parse();
    }

    private static final class Parser {
        private final ByteBuffer bytes;
        private final List<Box> properties = new ArrayList<>();
        private final Map<Integer, List<Integer>> propertiesOf = new HashMap<>();
        private final Map<Integer, List<long[]>> extentsOf = new HashMap<>();
        private final Map<Integer, Integer> typeOf = new HashMap<>();
        private final List<int[]> auxiliaryOf = new ArrayList<>();
        private int primary = -1;
        private int frames = 1;
        private @Nullable Box data;

        private record Box(int type, int start, int end) {}

        private interface Visitor {
            void visit(Box box) throws UndecodableException;
        }

        Parser(ByteBuffer bytes) {
            this.bytes = bytes;
        }

        AvifFile parse() throws UndecodableException {
            boxes(0, bytes.limit(), box -> {
                if (is(box, "meta")) {
                    boxes(box.start + 4, box.end, this::meta);
                } else if (is(box, "moov")) {
                    boxes(box.start, box.end, inner -> track(inner, 0));
                }
            });
            Integer type = typeOf.get(primary);
            if (primary < 0 || type == null) {
                throw UndecodableException.corrupt("AVIF: it names no primary picture");
            }
            if (type != fourCc("av01")) {
                throw UndecodableException.unsupported(
                        "AVIF whose picture is not one AV1 frame (a grid or an overlay) is not" + " supported");
            }
            int width = 0;
            int height = 0;
            int rotation = 0;
            int mirror = -1;
            int matrix = UNSPECIFIED_MATRIX;
            Boolean fullRange = null;
            byte[] configuration = {};
            for (Box box : propertiesOf(primary)) {
                if (is(box, "ispe")) {
                    width = bytes.getInt(box.start + 4);
                    height = bytes.getInt(box.start + 8);
                } else if (is(box, "irot")) {
                    rotation = bytes.get(box.start) & 3;
                } else if (is(box, "imir")) {
                    mirror = bytes.get(box.start) & 1;
                } else if (is(box, "clap")) {
                    throw UndecodableException.unsupported("AVIF with a clean aperture is not supported");
                } else if (is(box, "colr") && bytes.getInt(box.start) == fourCc("nclx")) {
                    matrix = bytes.getShort(box.start + 8) & 0xFFFF;
                    fullRange = bytes.get(box.start + 10) < 0;
                } else if (is(box, "av1C")) {
                    configuration = copy(box.start + 4, box.end);
                }
            }
            byte[] colour = av1(primary, configuration);
            checkSize(colour, width, height);
            byte[] alpha = null;
            for (int[] reference : auxiliaryOf) {
                if (reference[1] == primary && isAlpha(reference[0])) {
                    byte[] alphaConfiguration = {};
                    for (Box box : propertiesOf(reference[0])) {
                        if (is(box, "av1C")) {
                            alphaConfiguration = copy(box.start + 4, box.end);
                        }
                    }
                    alpha = av1(reference[0], alphaConfiguration);
                    checkSize(alpha, width, height);
                }
            }
            var header = new ImageHeader(Format.AVIF, width, height, orientation(rotation, mirror), frames);
            return new AvifFile(header, colour, alpha, matrix, fullRange);
        }

        /** The EXIF orientation that equals a counter-clockwise rotation by quarters followed by a mirroring. */
        private static int orientation(int rotation, int mirror) {
            return switch (rotation) {
                case 1 -> mirror < 0 ? 8 : mirror == 1 ? 7 : 5;
                case 2 -> mirror < 0 ? 3 : mirror == 1 ? 4 : 2;
                case 3 -> mirror < 0 ? 6 : mirror == 1 ? 5 : 7;
                default -> mirror < 0 ? 1 : mirror == 1 ? 2 : 4;
            };
        }

        private void meta(Box box) throws UndecodableException {
            int version = bytes.get(box.start) & 0xFF;
            if (is(box, "pitm")) {
                primary = version == 0 ? bytes.getShort(box.start + 4) & 0xFFFF : bytes.getInt(box.start + 4);
            } else if (is(box, "iinf")) {
                boxes(box.start + (version == 0 ? 6 : 8), box.end, entry -> {
                    if (is(entry, "infe") && bytes.get(entry.start) >= 2) {
                        boolean wide = bytes.get(entry.start) >= 3;
                        int id = wide ? bytes.getInt(entry.start + 4) : bytes.getShort(entry.start + 4) & 0xFFFF;
                        typeOf.put(id, bytes.getInt(entry.start + (wide ? 10 : 8)));
                    }
                });
            } else if (is(box, "iloc")) {
                locations(box, version);
            } else if (is(box, "iref")) {
                boxes(box.start + 4, box.end, reference -> {
                    if (is(reference, "auxl")) {
                        boolean wide = version > 0;
                        int id = wide ? bytes.getInt(reference.start) : bytes.getShort(reference.start) & 0xFFFF;
                        int to =
                                wide ? bytes.getInt(reference.start + 6) : bytes.getShort(reference.start + 4) & 0xFFFF;
                        auxiliaryOf.add(new int[] {id, to});
                    }
                });
            } else if (is(box, "iprp")) {
                boxes(box.start, box.end, part -> {
                    if (is(part, "ipco")) {
                        boxes(part.start, part.end, properties::add);
                    } else if (is(part, "ipma")) {
                        associations(part);
                    }
                });
            } else if (is(box, "idat")) {
                data = box;
            }
        }

        private void track(Box box, int depth) throws UndecodableException {
            if (is(box, "trak") || is(box, "mdia") || is(box, "minf") || is(box, "stbl")) {
                if (depth == DEEPEST_TRACK) {
                    throw UndecodableException.corrupt("AVIF: boxes nested more than " + DEEPEST_TRACK + " deep");
                }
                boxes(box.start, box.end, inner -> track(inner, depth + 1));
            } else if (is(box, "stsz")) {
                frames = Math.max(frames, bytes.getInt(box.start + 8));
            }
        }

        private void associations(Box box) throws UndecodableException {
            boolean wideItem = bytes.get(box.start) > 0;
            boolean wideIndex = (bytes.get(box.start + 3) & 1) != 0;
            int count = bytes.getInt(box.start + 4);
            int at = box.start + 8;
            for (int i = 0; i < count && at < box.end; i++) {
                int id = wideItem ? bytes.getInt(at) : bytes.getShort(at) & 0xFFFF;
                at += wideItem ? 4 : 2;
                int number = bytes.get(at++) & 0xFF;
                var list = new ArrayList<Integer>();
                for (int j = 0; j < number; j++) {
                    list.add((wideIndex ? bytes.getShort(at) & 0x7FFF : bytes.get(at) & 0x7F) - 1);
                    at += wideIndex ? 2 : 1;
                }
                propertiesOf.put(id, list);
            }
        }

        private void locations(Box box, int version) throws UndecodableException {
            int sizes = bytes.getShort(box.start + 4) & 0xFFFF;
            int offsetSize = sizes >> 12;
            int lengthSize = sizes >> 8 & 15;
            int baseSize = sizes >> 4 & 15;
            int indexSize = version == 0 ? 0 : sizes & 15;
            int at = box.start + 6;
            int count = version < 2 ? bytes.getShort(at) & 0xFFFF : bytes.getInt(at);
            at += version < 2 ? 2 : 4;
            for (int i = 0; i < count && at < box.end; i++) {
                int id = version < 2 ? bytes.getShort(at) & 0xFFFF : bytes.getInt(at);
                at += version < 2 ? 2 : 4;
                int method = 0;
                if (version > 0) {
                    method = bytes.getShort(at) & 15;
                    at += 2;
                }
                at += 2;
                long base = number(at, baseSize);
                at += baseSize;
                int extents = bytes.getShort(at) & 0xFFFF;
                at += 2;
                var list = new ArrayList<long[]>();
                for (int j = 0; j < extents && at < box.end; j++) {
                    at += indexSize;
                    long offset = base + number(at, offsetSize);
                    at += offsetSize;
                    list.add(new long[] {method, offset, number(at, lengthSize)});
                    at += lengthSize;
                }
                extentsOf.put(id, list);
            }
        }

        private long number(int at, int size) throws UndecodableException {
            return switch (size) {
                case 0 -> 0;
                case 4 -> Integer.toUnsignedLong(bytes.getInt(at));
                case 8 -> bytes.getLong(at);
                default ->
                    throw UndecodableException.corrupt("AVIF: numbers of " + size + " bytes in its item locations");
            };
        }

        /** The AV1 data of an item, headed by its configuration unless it brings its own sequence header. */
        private byte[] av1(int item, byte[] configuration) throws UndecodableException {
            long length = 0;
            List<long[]> extents = extentsOf.getOrDefault(item, List.of());
            for (long[] extent : extents) {
                // each bounded by the file, so that the sum cannot overflow
                length += Math.clamp(extent[2], 0, bytes.limit() + 1L);
            }
            if (length > bytes.limit()) {
                throw UndecodableException.truncated(
                        "AVIF: a picture of " + length + " bytes in a file of " + bytes.limit());
            }
            if (length <= 0) {
                throw UndecodableException.corrupt("AVIF: its picture has no data");
            }
            var item1 = new byte[(int) length];
            int to = 0;
            for (long[] extent : extents) {
                Box inside = data;
                long start = extent[0] == 1 && inside != null ? inside.start + extent[1] : extent[1];
                if (extent[0] > 1 || start < 0 || extent[2] < 0) {
                    throw UndecodableException.corrupt("AVIF: an item lies outside the file");
                }
                if (extent[2] > bytes.limit() - start) {
                    throw UndecodableException.truncated(
                            "AVIF: " + extent[2] + " bytes of the picture at byte " + start + " of " + bytes.limit());
                }
                bytes.get((int) start, item1, to, (int) extent[2]);
                to += (int) extent[2];
            }
            if (sequenceHeader(ByteBuffer.wrap(item1)) >= 0) {
                return item1;
            }
            var whole = new byte[configuration.length + item1.length];
            System.arraycopy(configuration, 0, whole, 0, configuration.length);
            System.arraycopy(item1, 0, whole, configuration.length, item1.length);
            return whole;
        }

        /** AV1 allocates by its own header, so it has to agree with the size that was checked against the limits. */
        private static void checkSize(byte[] av1, int width, int height) throws UndecodableException {
            int start = sequenceHeader(ByteBuffer.wrap(av1));
            if (start < 0) {
                throw UndecodableException.corrupt("AVIF: no AV1 sequence header");
            }
            var bits = new Bits(av1, start);
            bits.read(3);
            bits.read(1);
            if (bits.read(1) == 1) {
                bits.read(5);
            } else {
                operatingPoints(bits);
            }
            int widthBits = 1 + bits.read(4);
            int heightBits = 1 + bits.read(4);
            int codedWidth = 1 + bits.read(widthBits);
            int codedHeight = 1 + bits.read(heightBits);
            if (codedWidth != width || codedHeight != height) {
                throw UndecodableException.corrupt("AVIF: the container says " + width + " x " + height
                        + ", the picture " + codedWidth + " x " + codedHeight);
            }
        }

        private static void operatingPoints(Bits bits) {
            boolean decoderModel = false;
            int delayBits = 0;
            if (bits.read(1) == 1) {
                bits.read(32);
                bits.read(32);
                if (bits.read(1) == 1) {
                    int zeros = 0;
                    while (zeros < 32 && bits.read(1) == 0) {
                        zeros++;
                    }
                    bits.read(zeros);
                }
                decoderModel = bits.read(1) == 1;
                if (decoderModel) {
                    delayBits = 1 + bits.read(5);
                    bits.read(32);
                    bits.read(10);
                }
            }
            boolean displayDelay = bits.read(1) == 1;
            int points = 1 + bits.read(5);
            for (int i = 0; i < points; i++) {
                bits.read(12);
                if (bits.read(5) > 7) {
                    bits.read(1);
                }
                if (decoderModel && bits.read(1) == 1) {
                    bits.read(delayBits);
                    bits.read(delayBits);
                    bits.read(1);
                }
                if (displayDelay && bits.read(1) == 1) {
                    bits.read(4);
                }
            }
        }

        /** Where the payload of the first sequence header is, or -1. */
        private static int sequenceHeader(ByteBuffer av1) {
            int at = 0;
            while (at < av1.limit()) {
                int head = av1.get(at) & 0xFF;
                int start = at + ((head & 4) != 0 ? 2 : 1);
                if ((head & 2) == 0) {
                    return (head >> 3 & 15) == 1 ? start : -1;
                }
                long size = 0;
                for (int i = 0; i < 5; i++) {
                    if (start >= av1.limit()) {
                        return -1;
                    }
                    int part = av1.get(start++) & 0xFF;
                    size |= (long) (part & 0x7F) << 7 * i;
                    if (part < 0x80) {
                        break;
                    }
                }
                if ((head >> 3 & 15) == 1) {
                    return start;
                }
                if (start + size > av1.limit()) {
                    return -1;
                }
                at = start + (int) size;
            }
            return -1;
        }

        private List<Box> propertiesOf(int item) {
            var list = new ArrayList<Box>();
            for (int index : propertiesOf.getOrDefault(item, List.of())) {
                if (index >= 0 && index < properties.size()) {
                    list.add(properties.get(index));
                }
            }
            return list;
        }

        private boolean isAlpha(int item) {
            for (Box box : propertiesOf(item)) {
                if (is(box, "auxC")) {
                    var text = new StringBuilder();
                    for (int i = box.start + 4; i < box.end && bytes.get(i) != 0; i++) {
                        text.append((char) bytes.get(i));
                    }
                    return text.toString().endsWith(":alpha") || text.toString().endsWith("auxid:1");
                }
            }
            return false;
        }

        private byte[] copy(int start, int end) {
            var copy = new byte[Math.max(0, end - start)];
            bytes.get(start, copy);
            return copy;
        }

        private void boxes(int start, int end, Visitor visitor) throws UndecodableException {
            int at = start;
            while (at + 8 <= end) {
                long size = Integer.toUnsignedLong(bytes.getInt(at));
                int body = at + 8;
                if (size == 1) {
                    size = bytes.getLong(at + 8);
                    body = at + 16;
                } else if (size == 0) {
                    size = end - at;
                }
                if (size < body - at) {
                    throw UndecodableException.corrupt("AVIF: a box of " + size + " bytes at byte " + at);
                }
                if (size > end - at) { // a 64-bit length would overflow a sum
                    if (bytes.getInt(at + 4) == fourCc("mdat")) {
                        return; // whether the picture itself is whole is seen from its location
                    }
                    throw UndecodableException.truncated("AVIF: a box of " + size + " bytes ends beyond byte " + end);
                }
                visitor.visit(new Box(bytes.getInt(at + 4), body, (int) (at + size)));
                at += (int) size;
            }
        }

        private static boolean is(Box box, String type) {
            return box.type == fourCc(type);
        }

        private static int fourCc(String type) {
            return type.charAt(0) << 24 | type.charAt(1) << 16 | type.charAt(2) << 8 | type.charAt(3);
        }
    }

    /** Reads numbers bit by bit, highest bit first. */
    private static final class Bits {
        private final byte[] bytes;
        private int at;

        Bits(byte[] bytes, int start) {
            this.bytes = bytes;
            this.at = start * 8;
        }

        int read(int count) {
            int value = 0;
            for (int i = 0; i < count; i++, at++) {
                value = value << 1 | bytes[at >> 3] >> (7 - (at & 7)) & 1;
            }
            return value;
        }
    }
}
