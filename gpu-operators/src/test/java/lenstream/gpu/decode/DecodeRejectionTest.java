package lenstream.gpu.decode;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32;
import lenstream.core.image.Reason;
import org.apache.arrow.memory.RootAllocator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class DecodeRejectionTest {
    private final HostImageDecoder decoder = new HostImageDecoder(DecodeLimits.defaults(), DecodeRules.defaults(), 1);

    private Decoded.Rejected reject(byte[] bytes) {
        Decoded decoded = decoder.decode(Images.direct(bytes));
        assertThat(decoded).isInstanceOf(Decoded.Rejected.class);
        return (Decoded.Rejected) decoded;
    }

    private Decoded.Rejected reject(String text) {
        return reject(text.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void anEmptyFileIsEmpty() {
        assertThat(reject("").reason()).isEqualTo(Reason.EMPTY);
    }

    @Test
    void aPageIsNotAnImage() {
        Decoded.Rejected rejected = reject("<!DOCTYPE html>\n<html><body>not found</body></html>");
        assertThat(rejected.reason()).isEqualTo(Reason.NOT_AN_IMAGE);
        assertThat(rejected.detail()).contains("HTML page");
    }

    @Test
    void textIsNotAnImage() {
        assertThat(reject("{\"error\":\"no such picture\"}").reason()).isEqualTo(Reason.NOT_AN_IMAGE);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
                "<?xml version=\"1.0\"?>\n<!-- drawn -->\n<svg width=\"1\"/>",
                "%PDF-1.7 and so on",
                "8BPS and so on",
                "\0\0\0\u0018ftypheic\0\0\0\0mif1heic"
            })
    void knownButUnsupportedFormatsAreNamed(String start) {
        assertThat(reject(start).reason()).isEqualTo(Reason.UNSUPPORTED_FORMAT);
        assertThat(reject(start).detail()).contains("not");
    }

    @Test
    void unknownBytesAreShown() {
        Decoded.Rejected rejected = reject(new byte[] {1, 2, 3, 4, 5, 6, 7, 8, 9});
        assertThat(rejected.reason()).isEqualTo(Reason.UNSUPPORTED_FORMAT);
        assertThat(rejected.detail()).contains("01 02 03");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "jpeg-420.jpg",
                "jpeg-progressive.jpg",
                "png-rgb.png",
                "gif.gif",
                "webp-lossy.webp",
                "bmp.bmp",
                "tiff-lzw.tif",
                "avif-420.avif",
                "jpeg-cmyk.jpg",
                "jpeg-arithmetic.jpg",
                "jp2-lossless.jp2",
                "jp2-tiles.jp2",
                "j2k-codestream.j2k",
                "pnm-rgb.ppm",
                "pnm-text-gray.pgm"
            })
    void aFileThatEndsTooEarlyIsTruncated(String name) throws IOException {
        byte[] whole = Images.read(name);
        for (double share : new double[] {0.5, 0.8, 0.95}) {
            Decoded.Rejected rejected = reject(Arrays.copyOf(whole, (int) (whole.length * share)));
            assertThat(rejected.reason()).as("%s of %s", share, name).isEqualTo(Reason.TRUNCATED_IMAGE);
            assertThat(rejected.detail()).isNotBlank();
        }
    }

    @Test
    void aPngWithAWrongChecksumIsCorrupt() throws IOException {
        byte[] png = Images.read("png-rgb.png");
        png[png.length / 2] ^= 1;
        assertThat(reject(png).reason()).isEqualTo(Reason.CORRUPT);
    }

    @ParameterizedTest
    @CsvSource({"60000,60000,TOO_MANY_PIXELS", "0,5,CORRUPT", "-1,5,CORRUPT", "100000,3,UNSUPPORTED_FORMAT"})
    void sizesAreJudgedByTheHeaderAlone(int width, int height, Reason reason) throws IOException {
        byte[] png = Images.read("png-rgb.png");
        ByteBuffer header = ByteBuffer.wrap(png);
        header.putInt(16, width).putInt(20, height);
        var crc = new CRC32();
        crc.update(png, 12, 17);
        header.putInt(29, (int) crc.getValue());
        assertThat(reject(png).reason()).isEqualTo(reason);
    }

    @Test
    void aFileOfTooManyBytesIsTooLarge() throws IOException {
        var small = new HostImageDecoder(new DecodeLimits(1_000_000, 100, 100), DecodeRules.defaults(), 1);
        Decoded decoded = small.decode(Images.direct(Images.read("png-rgb.png")));
        assertThat(decoded)
                .isInstanceOfSatisfying(
                        Decoded.Rejected.class, r -> assertThat(r.reason()).isEqualTo(Reason.TOO_LARGE));
    }

    @Test
    void oneCorruptJpegDoesNotRejectItsBatch() throws IOException {
        byte[] good = Images.read("jpeg-420.jpg");
        byte[] bad = Arrays.copyOf(good, good.length / 2);
        try (var allocator = new RootAllocator();
                EncodedBatch batch = EncodedBatch.of(List.of(good, bad, good), allocator)) {
            List<Decoded> decoded = decoder.decode(batch);
            assertThat(decoded).hasSize(3);
            assertThat(decoded.get(0)).isInstanceOf(Decoded.Image.class);
            assertThat(decoded.get(1)).isInstanceOf(Decoded.Rejected.class);
            assertThat(decoded.get(2)).isInstanceOf(Decoded.Image.class);
        }
    }

    @Test
    void droppedAlphaShowsTheColoursUnderIt() throws IOException {
        var dropping = new HostImageDecoder(DecodeLimits.defaults(), new DecodeRules(true, Ground.DROP), 1);
        byte[] opaque = Images.read("png-rgb.png");
        byte[] transparent = Images.read("png-rgba.png");
        try (Pixels expected = ((Decoded.Image) dropping.decode(Images.direct(opaque))).pixels();
                Pixels found = ((Decoded.Image) dropping.decode(Images.direct(transparent))).pixels()) {
            int samples = expected.width() * expected.height() * 3;
            assertThat(Arrays.copyOf(found.rgbView(), samples)).isEqualTo(Arrays.copyOf(expected.rgbView(), samples));
        }
    }

    /** A box length that makes a sum of positions wrap, where a careless reader starts over for ever. */
    @Test
    @Timeout(10)
    void aJpegOfFarTooManyScansIsRefusedFromItsMarkers() throws IOException {
        byte[] jpeg = Images.read("jpeg-progressive.jpg");
        int frame = indexOf(jpeg, 0xC2, 2);
        int scan = 0;
        for (int at = indexOf(jpeg, 0xDA, frame); at > 0; at = indexOf(jpeg, 0xDA, at + 2)) {
            scan = at;
        }
        int length = jpeg.length - 2 - scan;
        ByteBuffer scans = ByteBuffer.allocate(jpeg.length + 40 * length).put(jpeg, 0, jpeg.length - 2);
        for (int i = 0; i < 40; i++) {
            scans.put(jpeg, scan, length);
        }
        scans.put(jpeg, jpeg.length - 2, 2);
        assertThat(decoder.probe(Images.direct(scans.array())))
                .as("a small picture is soon walked over")
                .isInstanceOf(Probed.Image.class);
        scans.putShort(frame + 5, (short) 8_000).putShort(frame + 7, (short) 8_000);
        Decoded.Rejected rejected = reject(scans.array());
        assertThat(rejected.reason()).isEqualTo(Reason.UNSUPPORTED_FORMAT);
        assertThat(rejected.detail()).contains("8000 x 8000 in ").contains("scans takes too long");
    }

    /** Where the marker begins; -1 if it does not follow. */
    private static int indexOf(byte[] jpeg, int marker, int from) {
        for (int at = from; at + 1 < jpeg.length; at++) {
            if (jpeg[at] == (byte) 0xFF && jpeg[at + 1] == (byte) marker) {
                return at;
            }
        }
        return -1;
    }

    @Test
    @Timeout(10)
    void aBoxLengthThatOverflowsEndsTheFile() {
        ByteBuffer file = ByteBuffer.allocate(64);
        avifStart(file)
                .putInt(1)
                .put("free".getBytes(StandardCharsets.US_ASCII))
                .putLong(Long.MAX_VALUE - 15);
        assertThat(reject(file.array()).reason()).isIn(Reason.TRUNCATED_IMAGE, Reason.CORRUPT);
    }

    @Test
    @Timeout(10)
    void boxesNestedWithoutEndAreCorrupt() {
        int depth = 12_000;
        ByteBuffer file = ByteBuffer.allocate(16 + 8 + 8 * depth);
        avifStart(file).putInt(8 + 8 * depth).put("moov".getBytes(StandardCharsets.US_ASCII));
        for (int left = depth; left > 0; left--) {
            file.putInt(8 * left).put("trak".getBytes(StandardCharsets.US_ASCII));
        }
        Decoded.Rejected rejected = reject(file.array());
        assertThat(rejected.reason()).isEqualTo(Reason.CORRUPT);
        assertThat(rejected.detail()).contains("nested");
    }

    @Test
    void aPictureThatTheHeapCannotHoldIsRefusedFromItsHeader() throws IOException {
        long pixels = Runtime.getRuntime().maxMemory() / 3 / 3 + 4_000_000;
        int side = (int) Math.ceil(Math.sqrt(pixels));
        var limits = new DecodeLimits(700_000_000, 200, 64 << 20);
        try (var roomy = new HostImageDecoder(limits, DecodeRules.defaults(), 1)) {
            Decoded decoded = roomy.decode(Images.direct(pngHeader(side, side)));
            assertThat(decoded).isInstanceOfSatisfying(Decoded.Rejected.class, rejected -> {
                assertThat(rejected.reason()).isEqualTo(Reason.TOO_MANY_PIXELS);
                assertThat(rejected.detail()).contains("LENSTREAM_HEAP");
            });
        }
    }

    /** A PNG that is all header: signature, IHDR of 8-bit RGB, an IDAT that holds nothing, and the end. */
    private static byte[] pngHeader(int width, int height) {
        ByteBuffer png = ByteBuffer.allocate(8 + 25 + 12 + 12);
        png.putLong(0x89504E470D0A1A0AL).putInt(13);
        byte[] header = ByteBuffer.allocate(17)
                .put("IHDR".getBytes(StandardCharsets.US_ASCII))
                .putInt(width)
                .putInt(height)
                .put(new byte[] {8, 2, 0, 0, 0})
                .array();
        var crc = new CRC32();
        crc.update(header);
        png.put(header).putInt((int) crc.getValue());
        png.putInt(0).put("IDAT".getBytes(StandardCharsets.US_ASCII)).putInt(0x35AF061E);
        png.putInt(0).put("IEND".getBytes(StandardCharsets.US_ASCII)).putInt(0xAE426082);
        return png.array();
    }

    private static ByteBuffer avifStart(ByteBuffer file) {
        return file.putInt(16)
                .put("ftypavif".getBytes(StandardCharsets.US_ASCII))
                .putInt(0);
    }
}
