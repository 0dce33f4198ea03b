package lenstream.client;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * An image that met an alert. Immutable.
 *
 * @param id of the match; an image meets an alert under one id, however often it changes
 * @param matched when the image was fetched
 * @param cosine of query and image
 * @param score calibrated, 0 to 1; null if the image was compared in another space than the one that is searched now
 * @param image as it is now
 */
public record AlertMatch(
        String id, Instant matched, double cosine, @Nullable Double score, Hit image) {}
