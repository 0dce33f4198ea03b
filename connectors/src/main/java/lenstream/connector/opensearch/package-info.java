/**
 * Writes embedded images, thumbnails and rejections to OpenSearch: at least once, never older over newer, one outcome an
 * item. Entry point: {@link lenstream.connector.opensearch.OpenSearchSink}.
 */
@NullMarked
package lenstream.connector.opensearch;

import org.jspecify.annotations.NullMarked;
