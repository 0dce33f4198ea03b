package lenstream.job;

import java.util.ArrayList;
import java.util.List;
import lenstream.core.image.CrawlTarget;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.connector.datagen.source.GeneratorFunction;

/** A source of targets that are known beforehand; the job ends with the last of them. */
public final class TargetList implements GeneratorFunction<Long, CrawlTarget> {
    private static final long serialVersionUID = 1;

    private final ArrayList<CrawlTarget> targets;

    private TargetList(List<CrawlTarget> targets) {
        this.targets = new ArrayList<>(targets);
    }

    /** @param targets travel with the job: some ten thousand at most */
    public static Source<CrawlTarget, ?, ?> of(List<CrawlTarget> targets) {
        return new DataGeneratorSource<>(
                new TargetList(targets), targets.size(), TypeInformation.of(CrawlTarget.class));
    }

    @Override
    public CrawlTarget map(Long number) {
        return targets.get(number.intValue());
    }
}
