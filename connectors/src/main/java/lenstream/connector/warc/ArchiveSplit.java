package lenstream.connector.warc;

import org.apache.flink.api.connector.source.SourceSplit;

/**
 * An archive and how far it has been read. Immutable.
 *
 * @param url of the archive
 * @param mark tells it from what lay there at another time; empty where that is not known
 * @param place offset of the last record that was read to its end; {@link Archive#NOWHERE} for none
 */
public record ArchiveSplit(String url, String mark, long place) implements SourceSplit {
    @Override
    public String splitId() {
        return url + '#' + mark;
    }

    ArchiveSplit at(long reached) {
        return new ArchiveSplit(url, mark, reached);
    }
}
