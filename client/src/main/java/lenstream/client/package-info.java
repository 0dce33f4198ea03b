/**
 * The search API from Java. Start reading at {@link lenstream.client.LensClient}.
 *
 * <pre>{@code
 * try (LensClient lens = LensClient.connect("http://127.0.0.1:8080")) {
 *     for (Hit hit : lens.search(Search.text("a red flower").k(5)).hits()) {
 *         System.out.printf("%.2f  %s%n", hit.score(), hit.url());
 *     }
 * }
 * }</pre>
 */
@NullMarked
package lenstream.client;

import org.jspecify.annotations.NullMarked;
