package lenstream.connector.crawl;

import org.apache.flink.api.connector.source.SourceEvent;

/** Tells a reader that it has every site that it will be given for now; only then can it say that it is dry. */
record SitesAssigned() implements SourceEvent {}
