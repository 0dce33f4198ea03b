package lenstream.cli;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;

/** The house's rules: which module may see which, and which library stays in which room. */
@AnalyzeClasses(packages = "lenstream", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
    @ArchTest
    static final ArchRule modulesLookDownwardsOnly = layeredArchitecture()
            .consideringOnlyDependenciesInLayers()
            .layer("core")
            .definedBy("lenstream.core..")
            .layer("gpu-operators")
            .definedBy("lenstream.gpu..")
            .layer("connectors")
            .definedBy("lenstream.connector..")
            .layer("flink-jobs")
            .definedBy("lenstream.job..")
            .layer("search-api")
            .definedBy("lenstream.search..")
            .layer("client")
            .definedBy("lenstream.client..")
            .layer("gallery")
            .definedBy("lenstream.gallery..")
            .layer("cli")
            .definedBy("lenstream.cli..")
            .whereLayer("cli")
            .mayNotBeAccessedByAnyLayer()
            .whereLayer("flink-jobs")
            .mayOnlyBeAccessedByLayers("cli")
            .whereLayer("search-api")
            .mayOnlyBeAccessedByLayers("cli")
            .whereLayer("connectors")
            .mayOnlyBeAccessedByLayers("flink-jobs", "cli")
            .whereLayer("gpu-operators")
            .mayOnlyBeAccessedByLayers("flink-jobs", "search-api", "cli")
            .whereLayer("client")
            .mayOnlyBeAccessedByLayers("cli")
            .whereLayer("client")
            .mayNotAccessAnyLayer()
            .whereLayer("gallery")
            .mayOnlyBeAccessedByLayers("cli");

    @ArchTest
    static final ArchRule flinkStaysInItsAdapters = noClasses()
            .that()
            .resideOutsideOfPackages("lenstream.gpu.operator..", "lenstream.connector..", "lenstream.job..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.apache.flink..");

    @ArchTest
    static final ArchRule onnxRuntimeStaysInOneRoom = noClasses()
            .that()
            .resideOutsideOfPackages("lenstream.gpu.embed.onnx..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("ai.onnxruntime..");

    @ArchTest
    static final ArchRule nativesStayInTheirRooms = noClasses()
            .that()
            .resideOutsideOfPackages(
                    "lenstream.gpu.decode..",
                    "lenstream.gpu.cuda..",
                    "lenstream.gpu.codec..",
                    "lenstream.gpu.ocr..",
                    "lenstream.gpu.preprocess.cuda..",
                    "lenstream.gpu.embed.trt..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.bytedeco..");

    @ArchTest
    static final ArchRule onlyTheGuardedClientReachesTheWeb = noClasses()
            .that()
            .resideInAnyPackage("lenstream.connector..", "lenstream.search..", "lenstream.gpu..")
            .and()
            .resideOutsideOfPackage(
                    "lenstream.search.remote..") // the operator's own inference servers are no part of the web
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage("java.net.http..", "org.apache.hc.client5..");

    @ArchTest
    static final ArchRule everyPackageIsNullMarked = classes()
            .that()
            .resideInAPackage("lenstream..")
            .should(new ArchCondition<JavaClass>("lie in a package that is @NullMarked") {
                @Override
                public void check(JavaClass type, ConditionEvents events) {
                    if (!type.getPackage().isAnnotatedWith("org.jspecify.annotations.NullMarked")) {
                        events.add(SimpleConditionEvent.violated(
                                type, type.getPackageName() + " has no @NullMarked package-info"));
                    }
                }
            });

    @ArchTest
    static final ArchRule namesSayWhatAThingIs = noClasses()
            .should()
            .haveSimpleNameEndingWith("Manager")
            .orShould()
            .haveSimpleNameEndingWith("Helper")
            .orShould()
            .haveSimpleNameEndingWith("Util")
            .orShould()
            .haveSimpleNameEndingWith("Utils")
            .orShould()
            .haveSimpleNameEndingWith("Impl");
}
