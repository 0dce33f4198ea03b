package lenstream.search;

import io.helidon.http.HeaderNames;
import lenstream.search.http.Exchange;
import lenstream.search.http.ProblemException;
import lenstream.search.http.RouteTable;
import lenstream.search.http.Routes;

/** The web page. Its files hold no data, so no token guards them. Thread-safe. */
final class PageRoutes implements Routes {
    private final UiFiles ui = UiFiles.load();

    @Override
    public void register(RouteTable table) {
        table.get("/", "page", exchange -> page(exchange, "index.html")).open().light();
        table.get("/status", "page", exchange -> page(exchange, "status.html"))
                .open()
                .light();
        table.get("/ui/{file}", "page", exchange -> page(exchange, exchange.pathParameter("file")))
                .open()
                .light();
    }

    private void page(Exchange exchange, String name) {
        UiFiles.UiFile file = ui.file(name)
                .orElseThrow(() -> ProblemException.notFound("The page has no file of this name; it begins at /."));
        exchange.set(HeaderNames.ETAG, file.etag()).set(HeaderNames.CACHE_CONTROL, "no-cache");
        if (exchange.holds(file.etag())) {
            exchange.sendEmpty(304);
        } else {
            exchange.send(200, file.type(), file.bytes());
        }
    }
}
