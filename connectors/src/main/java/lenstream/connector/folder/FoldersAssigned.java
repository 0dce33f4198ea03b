package lenstream.connector.folder;

import org.apache.flink.api.connector.source.SourceEvent;

/** Tells a reader that it has every folder that it will be given; only then can it say that it is dry. */
record FoldersAssigned() implements SourceEvent {}
