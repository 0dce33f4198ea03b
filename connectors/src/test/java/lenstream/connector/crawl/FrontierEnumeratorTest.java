package lenstream.connector.crawl;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import lenstream.core.web.CanonicalUrl;
import org.apache.flink.api.connector.source.ReaderInfo;
import org.apache.flink.api.connector.source.mocks.MockSplitEnumeratorContext;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class FrontierEnumeratorTest {
    private static final int MAX_PARALLELISM = 128;

    @Test
    void eachSiteGoesToTheOwnerOfItsHostsKeyGroup() {
        List<Site> sites = sites(20);
        var context = context(3);
        start(context, sites, null);
        assertThat(assignments(context))
                .hasSize(20)
                .allSatisfy((url, owner) -> assertThat(owner)
                        .isEqualTo(KeyGroupRangeAssignment.assignKeyToParallelOperator(
                                CanonicalUrl.of(url).orElseThrow().hostAndPort(), MAX_PARALLELISM, 3)));
    }

    @Test
    void nothingIsGivenOutBeforeEveryReaderHasSaidWhatItHolds() {
        var context = context(2);
        var enumerator = new FrontierEnumerator(context, sites(5), MAX_PARALLELISM, null);
        context.registerReader(new ReaderInfo(0, "a"));
        enumerator.addReader(0);
        assertThat(assignments(context)).isEmpty();
    }

    @Test
    void aReaderThatComesBackGetsItsSitesWithTheirProgress() {
        List<Site> sites = sites(1);
        var context = context(1);
        var enumerator = start(context, sites, null);
        SiteSplit progressed = new SiteSplit(sites.get(0), progress());
        enumerator.addSplitsBack(List.of(progressed), 0);
        assertThat(enumerator.snapshotState(1)).containsExactly(progressed);
        enumerator.addReader(0);
        assertThat(split(context, sites.get(0)).state().round()).isEqualTo(1);
        assertThat(enumerator.snapshotState(2)).isEmpty();
    }

    @Test
    void sitesNoLongerNamedAreDroppedAndNewOnesBegin() {
        List<Site> sites = sites(3);
        var checkpoint = List.of(new SiteSplit(sites.get(0), progress()), new SiteSplit(sites.get(1), progress()));
        var context = context(1);
        start(context, sites.subList(1, 3), checkpoint);
        assertThat(assignments(context))
                .containsOnlyKeys(sites.get(1).url(), sites.get(2).url());
        assertThat(split(context, sites.get(1)).state().round()).isEqualTo(1);
        assertThat(split(context, sites.get(2)).state().round()).isZero();
    }

    private static FrontierEnumerator start(
            MockSplitEnumeratorContext<SiteSplit> context, List<Site> sites, @Nullable List<SiteSplit> checkpoint) {
        var enumerator = new FrontierEnumerator(context, sites, MAX_PARALLELISM, checkpoint);
        enumerator.start();
        for (int reader = 0; reader < context.currentParallelism(); reader++) {
            context.registerReader(new ReaderInfo(reader, "host"));
            enumerator.addReader(reader);
        }
        return enumerator;
    }

    private static MockSplitEnumeratorContext<SiteSplit> context(int parallelism) {
        return new MockSplitEnumeratorContext<>(parallelism);
    }

    private static Map<String, Integer> assignments(MockSplitEnumeratorContext<SiteSplit> context) {
        var owners = new HashMap<String, Integer>();
        context.getSplitsAssignmentSequence()
                .forEach(step -> step.assignment()
                        .forEach((reader, splits) -> splits.forEach(split -> owners.put(split.splitId(), reader))));
        return owners;
    }

    private static SiteSplit split(MockSplitEnumeratorContext<SiteSplit> context, Site site) {
        return Objects.requireNonNull(splits(context).get(site.url()), site.url());
    }

    private static Map<String, SiteSplit> splits(MockSplitEnumeratorContext<SiteSplit> context) {
        var last = new HashMap<String, SiteSplit>();
        context.getSplitsAssignmentSequence()
                .forEach(step -> step.assignment()
                        .values()
                        .forEach(splits -> splits.forEach(split -> last.put(split.splitId(), split))));
        return last;
    }

    private static SiteState progress() {
        var state = new SiteState();
        state.apply(new SiteEvent.RoundStarted(true, "run", 1, List.of()));
        return state;
    }

    private static List<Site> sites(int count) {
        var sites = new ArrayList<Site>();
        for (int i = 0; i < count; i++) {
            sites.add(Site.of(CanonicalUrl.of("https://site" + i + ".example/").orElseThrow()));
        }
        return sites;
    }
}
