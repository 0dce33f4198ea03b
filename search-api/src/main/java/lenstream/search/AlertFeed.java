package lenstream.search;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.time.Instant;
import java.util.Collection;
import java.util.regex.Pattern;
import javax.xml.stream.XMLOutputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamWriter;
import lenstream.core.alert.Alert;
import org.jspecify.annotations.Nullable;

/**
 * Matches as an Atom feed (RFC 4287), pages of it by RFC 5005, thumbnails by Media RSS. The ids are made of those of alert
 * and match and stay the same for ever. Stateless.
 */
final class AlertFeed {
    static final String MEDIA_TYPE = "application/atom+xml; charset=utf-8";

    private static final String ATOM = "http://www.w3.org/2005/Atom";
    private static final String MEDIA = "http://search.yahoo.com/mrss/";
    private static final XMLOutputFactory XML = XMLOutputFactory.newFactory();
    /** What XML 1.0 has no character for. */
    private static final Pattern NO_CHARACTER =
            Pattern.compile("[^\\u0009\\u000A\\u000D\\u0020-\\uD7FF\\uE000-\\uFFFD\\x{10000}-\\x{10FFFF}]");

    private AlertFeed() {}

    /**
     * One page.
     *
     * @param self address of this page
     * @param next address of the next one; null if this is the last
     * @param matches as {@link ShownMatches} gives them, the newest first
     */
    static byte[] of(Alert alert, URI self, @Nullable URI next, Collection<ObjectNode> matches) {
        var bytes = new ByteArrayOutputStream();
        try {
            XMLStreamWriter out = XML.createXMLStreamWriter(bytes, "UTF-8");
            out.writeStartDocument("UTF-8", "1.0");
            out.writeStartElement("feed");
            out.writeDefaultNamespace(ATOM);
            out.writeNamespace("media", MEDIA);
            text(out, "id", urn(alert.id()));
            text(out, "title", alert.name());
            text(out, "subtitle", "New images: " + alert.asked());
            text(
                    out,
                    "updated",
                    matches.stream()
                            .map(match -> match.path("matched").asText())
                            .findFirst()
                            .orElse(Instant.ofEpochMilli(alert.createdAtMillis())
                                    .toString()));
            out.writeStartElement("author");
            text(out, "name", "Lenstream");
            out.writeEndElement();
            link(out, "self", self.toString(), "application/atom+xml");
            if (next != null) {
                link(out, "next", next.toString(), "application/atom+xml");
            }
            for (ObjectNode match : matches) {
                entry(out, match, self);
            }
            out.writeEndElement();
            out.writeEndDocument();
            out.close();
        } catch (XMLStreamException e) {
            throw new IllegalStateException("nothing but memory is written to", e);
        }
        return bytes.toByteArray();
    }

    private static void entry(XMLStreamWriter out, ObjectNode match, URI self) throws XMLStreamException {
        JsonNode image = match.path("image");
        String url = image.path("url").asText();
        String matched = match.path("matched").asText();
        String title = image.path("title").asText(image.path("alt").asText(url));
        out.writeStartElement("entry");
        text(out, "id", urn(match.path("id").asText()));
        text(out, "title", title);
        text(out, "updated", matched);
        if (image.hasNonNull("published")) {
            text(out, "published", image.path("published").asText());
        }
        boolean paged = image.hasNonNull("page_url");
        link(
                out,
                "alternate",
                image.path("page_url").asText(url),
                paged ? "text/html" : image.path("mime").asText());
        out.writeEmptyElement("link");
        attribute(out, "rel", "enclosure");
        attribute(out, "type", image.path("mime").asText());
        attribute(out, "href", url);
        String thumbnail = self.resolve(image.path("thumbnail").asText()).toString();
        out.writeEmptyElement("media", "thumbnail", MEDIA);
        attribute(out, "url", thumbnail);
        text(
                out,
                "summary",
                image.path("alt").asText(title) + " (" + image.path("width").asInt() + " x "
                        + image.path("height").asInt() + " pixels, cosine "
                        + match.path("cosine").asText() + ", "
                        + image.path("host").asText() + ")");
        out.writeEndElement();
    }

    private static void link(XMLStreamWriter out, String rel, String href, String type) throws XMLStreamException {
        out.writeEmptyElement("link");
        attribute(out, "rel", rel);
        attribute(out, "type", type);
        attribute(out, "href", href);
    }

    private static void attribute(XMLStreamWriter out, String name, String value) throws XMLStreamException {
        out.writeAttribute(name, NO_CHARACTER.matcher(value).replaceAll(""));
    }

    private static void text(XMLStreamWriter out, String element, String text) throws XMLStreamException {
        out.writeStartElement(element);
        out.writeCharacters(NO_CHARACTER.matcher(text).replaceAll(""));
        out.writeEndElement();
    }

    /** 128 bits in hex as the URN of a UUID. */
    private static String urn(String hex) {
        return "urn:uuid:" + hex.substring(0, 8) + "-" + hex.substring(8, 12) + "-" + hex.substring(12, 16) + "-"
                + hex.substring(16, 20) + "-" + hex.substring(20);
    }
}
