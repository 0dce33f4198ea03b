package lenstream.connector.rights;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import lenstream.core.image.CrawlTarget;
import lenstream.core.image.FetchedImage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RightsTest {
    private static final String XMP = """
            <x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
            <rdf:Description rdf:about="" xmlns:xmpRights="http://ns.adobe.com/xap/1.0/rights/"
              xmlns:dc="http://purl.org/dc/elements/1.1/" xmpRights:WebStatement="https://l.example/by">
              <dc:creator><rdf:Seq><rdf:li>Ada</rdf:li></rdf:Seq></dc:creator>
              <dc:rights><rdf:Alt><rdf:li xml:lang="x-default">(c) Ada</rdf:li></rdf:Alt></dc:rights>
            </rdf:Description></rdf:RDF></x:xmpmeta>""";

    @TempDir
    Path folder;

    @Test
    void xmpNamesMakerAndTerms() throws Exception {
        assertThat(Rights.of(jpeg(xmp(XMP)))).isEqualTo(new Rights("Ada", "https://l.example/by"));
        assertThat(Rights.of(jpeg(xmp(XMP.replace("xmpRights:WebStatement=\"https://l.example/by\"", "")))))
                .isEqualTo(new Rights("Ada", "(c) Ada"));
    }

    @Test
    void iptcNamesThemWhereThereIsNoXmp() throws Exception {
        assertThat(Rights.of(jpeg(iptc("Bob", "(c) Bob")))).isEqualTo(new Rights("Bob", "(c) Bob"));
    }

    @Test
    void whatThePageSaidCountsMore() throws Exception {
        var target = new CrawlTarget(
                "https://e.example/a.jpg", "e.example", "s", null, null, null, null, "Page", null, -1, 1, "page");
        FetchedImage known = new OwnRights().map(new FetchedImage(target, jpeg(xmp(XMP)), "0".repeat(64), 1));
        assertThat(known.target().credit()).isEqualTo("Page");
        assertThat(known.target().license()).isEqualTo("https://l.example/by");
    }

    @Test
    void hostileMetadataReadNothingAndBreakNothing() throws Exception {
        Path secret = Files.writeString(folder.resolve("secret"), "secret words");
        String entity = "<!DOCTYPE x [<!ENTITY e SYSTEM \"" + secret.toUri() + "\">]>" + XMP.replace("Ada", "&e;");
        assertThat(Rights.of(jpeg(xmp(entity))).toString()).doesNotContain("secret words");
        String deep = "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">" + "<a>".repeat(10_000);
        assertThat(Rights.of(jpeg(xmp(deep)))).isEqualTo(Rights.NONE);
        byte[] whole = jpeg(xmp(XMP), iptc("Bob", "(c)"));
        var random = new Random(7);
        for (int i = 0; i < 2_000; i++) {
            byte[] broken = Arrays.copyOf(whole, random.nextInt(whole.length) + 1);
            broken[random.nextInt(broken.length)] ^= (byte) (1 << random.nextInt(8));
            Rights.of(broken);
        }
    }

    private static byte[] jpeg(byte[]... segments) throws IOException {
        var bytes = new ByteArrayOutputStream();
        bytes.writeBytes(new byte[] {(byte) 0xff, (byte) 0xd8});
        for (byte[] segment : segments) {
            bytes.writeBytes(segment);
        }
        bytes.writeBytes(new byte[] {(byte) 0xff, (byte) 0xda, 0, 2, 0, 0, (byte) 0xff, (byte) 0xd9});
        return bytes.toByteArray();
    }

    private static byte[] xmp(String xml) throws IOException {
        return segment(0xe1, ("http://ns.adobe.com/xap/1.0/\0" + xml).getBytes(StandardCharsets.UTF_8));
    }

    private static byte[] iptc(String byLine, String notice) throws IOException {
        var records = new ByteArrayOutputStream();
        record(records, 80, byLine);
        record(records, 116, notice);
        var bytes = new ByteArrayOutputStream();
        var out = new DataOutputStream(bytes);
        out.write("Photoshop 3.0\0008BIM".getBytes(StandardCharsets.ISO_8859_1));
        out.writeShort(0x0404);
        out.writeShort(0); // no name
        out.writeInt(records.size());
        records.writeTo(out);
        if (records.size() % 2 == 1) {
            out.writeByte(0);
        }
        return segment(0xed, bytes.toByteArray());
    }

    private static void record(ByteArrayOutputStream to, int tag, String text) throws IOException {
        var out = new DataOutputStream(to);
        out.write(new byte[] {0x1c, 2, (byte) tag});
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        out.writeShort(bytes.length);
        out.write(bytes);
    }

    private static byte[] segment(int marker, byte[] content) throws IOException {
        var bytes = new ByteArrayOutputStream();
        var out = new DataOutputStream(bytes);
        out.writeByte(0xff);
        out.writeByte(marker);
        out.writeShort(content.length + 2);
        out.write(content);
        return bytes.toByteArray();
    }
}
