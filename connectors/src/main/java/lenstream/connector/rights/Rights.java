package lenstream.connector.rights;

import com.adobe.internal.xmp.XMPException;
import com.adobe.internal.xmp.XMPMeta;
import com.adobe.internal.xmp.properties.XMPProperty;
import com.drew.imaging.ImageMetadataReader;
import com.drew.imaging.ImageProcessingException;
import com.drew.metadata.Directory;
import com.drew.metadata.Metadata;
import com.drew.metadata.exif.ExifIFD0Directory;
import com.drew.metadata.iptc.IptcDirectory;
import com.drew.metadata.xmp.XmpDirectory;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Who made an image and on what terms it may be used, as its own metadata say: XMP before IPTC before Exif. Immutable.
 *
 * <p>Source: IPTC Photo Metadata Standard (creator, credit line, copyright notice, web statement of rights), and Google's
 * use of them for licensable images.
 *
 * @param credit the maker, else the credit line; null if nothing is said
 * @param license the URL of the terms, else the copyright notice; null if nothing is said
 */
record Rights(@Nullable String credit, @Nullable String license) {
    static final Rights NONE = new Rights(null, null);

    /** Metadata stand in front of the pixels; what lies behind is not looked for. */
    private static final int LONGEST_HEAD = 1 << 20;

    private static final int LONGEST_TEXT = 2_000;
    private static final String PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/";
    private static final String DUBLIN_CORE = "http://purl.org/dc/elements/1.1/";
    private static final String XMP_RIGHTS = "http://ns.adobe.com/xap/1.0/rights/";
    private static final String CREATIVE_COMMONS = "http://creativecommons.org/ns#";

    /** One of these stands in every image that says anything; looking for them costs far less than reading it. */
    private static final List<byte[]> SIGNS = Stream.of(
                    "Photoshop 3.0", "ns.adobe.com/xap/1.0/", "<x:xmpmeta", "Exif\0\0", "eXIf")
            .map(sign -> sign.getBytes(StandardCharsets.ISO_8859_1))
            .toList();

    /** XMP has no use for a document type; who writes one wants something else to be read. */
    private static final byte[] DOCTYPE = "<!DOCTYPE".getBytes(StandardCharsets.US_ASCII);

    /** What an encoded image says; nothing if it says nothing or cannot be read. */
    static Rights of(byte[] image) {
        byte[] head = image.length <= LONGEST_HEAD ? image : Arrays.copyOf(image, LONGEST_HEAD);
        if (SIGNS.stream().noneMatch(sign -> contains(head, sign)) || contains(head, DOCTYPE)) {
            return NONE;
        }
        try {
            Metadata metadata = ImageMetadataReader.readMetadata(new ByteArrayInputStream(head), head.length);
            return new Rights(credit(metadata), license(metadata));
        } catch (ImageProcessingException | IOException | RuntimeException | StackOverflowError e) {
            return NONE; // broken metadata break no image
        }
    }

    private static @Nullable String credit(Metadata metadata) {
        return first(
                xmp(metadata, DUBLIN_CORE, "creator[1]"),
                iptc(metadata, IptcDirectory.TAG_BY_LINE),
                exif(metadata, ExifIFD0Directory.TAG_ARTIST),
                xmp(metadata, PHOTOSHOP, "Credit"),
                iptc(metadata, IptcDirectory.TAG_CREDIT));
    }

    private static @Nullable String license(Metadata metadata) {
        return first(
                xmp(metadata, XMP_RIGHTS, "WebStatement"),
                xmp(metadata, CREATIVE_COMMONS, "license"),
                xmp(metadata, DUBLIN_CORE, "rights[1]"),
                iptc(metadata, IptcDirectory.TAG_COPYRIGHT_NOTICE),
                exif(metadata, ExifIFD0Directory.TAG_COPYRIGHT));
    }

    @SafeVarargs
    private static @Nullable String first(Optional<String>... said) {
        return Stream.of(said).flatMap(Optional::stream).findFirst().orElse(null);
    }

    private static Optional<String> xmp(Metadata metadata, String namespace, String property) {
        for (XmpDirectory directory : metadata.getDirectoriesOfType(XmpDirectory.class)) {
            XMPMeta meta = directory.getXMPMeta();
            try {
                XMPProperty value = meta == null ? null : meta.getProperty(namespace, property);
                if (value == null && meta != null && property.equals("license")) {
                    value = meta.getProperty(namespace, property + "/rdf:resource");
                }
                Optional<String> text = value == null ? Optional.empty() : text(value.getValue());
                if (text.isPresent()) {
                    return text;
                }
            } catch (XMPException e) {
                // another packet may say it
            }
        }
        return Optional.empty();
    }

    private static Optional<String> iptc(Metadata metadata, int tag) {
        return text(metadata.getFirstDirectoryOfType(IptcDirectory.class), tag);
    }

    private static Optional<String> exif(Metadata metadata, int tag) {
        return text(metadata.getFirstDirectoryOfType(ExifIFD0Directory.class), tag);
    }

    private static Optional<String> text(@Nullable Directory directory, int tag) {
        return directory == null ? Optional.empty() : text(directory.getString(tag));
    }

    private static Optional<String> text(@Nullable String raw) {
        if (raw == null) {
            return Optional.empty();
        }
        String clean = raw.replace('\0', ' ').strip().replaceAll("\\s+", " ");
        return clean.isEmpty()
                ? Optional.empty()
                : Optional.of(clean.substring(0, Math.min(LONGEST_TEXT, clean.length())));
    }

    private static boolean contains(byte[] bytes, byte[] sign) {
        for (int at = 0; at + sign.length <= bytes.length; at++) {
            if (bytes[at] == sign[0] && Arrays.equals(bytes, at, at + sign.length, sign, 0, sign.length)) {
                return true;
            }
        }
        return false;
    }
}
