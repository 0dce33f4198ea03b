package lenstream.core.ledger;

import java.util.Locale;

/** The parts of an image's way to the searcher whose duration is measured. */
public enum Milestone {
    DISCOVERED_TO_FETCHED("its host was waited for and asked"),
    FETCHED_TO_EMBEDDED("decoded, preprocessed, embedded"),
    EMBEDDED_TO_INDEXED("written to the index"),
    INDEXED_TO_SEARCHABLE("the index was refreshed"),
    DISCOVERED_TO_SEARCHABLE("from its discovery"),
    /** Only of images that were published at most {@link Freshness#NEWS} before they were discovered. */
    PUBLISHED_TO_SEARCHABLE("from its publication, of news");

    private final String meaning;

    Milestone(String meaning) {
        this.meaning = meaning;
    }

    /** For people. */
    public String meaning() {
        return meaning;
    }

    /** In metrics and JSON, such as {@code discovered_to_fetched}. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }
}
