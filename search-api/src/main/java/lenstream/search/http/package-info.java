/**
 * Manners of the HTTP server that do not depend on what is asked: the table of routes, who may use them, errors, limits
 * and metrics. Entry points: {@link lenstream.search.http.Routes} to add a feature's routes, {@link
 * lenstream.search.http.Exchange} to answer.
 */
@NullMarked
package lenstream.search.http;

import org.jspecify.annotations.NullMarked;
