/**
 * Finds near-duplicates among embedded images and keeps their groups. Entry point: {@link
 * lenstream.connector.duplicates.NearDuplicates}.
 */
@NullMarked
package lenstream.connector.duplicates;

import org.jspecify.annotations.NullMarked;
