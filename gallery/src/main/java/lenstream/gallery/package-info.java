/** The demo's picture set as a web site. Entry point: {@link lenstream.gallery.GallerySite}. */
@NullMarked
package lenstream.gallery;

import org.jspecify.annotations.NullMarked;
