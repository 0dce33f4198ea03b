package lenstream.cli;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.conf.ParquetConfiguration;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.hadoop.ParquetFileWriter;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.api.WriteSupport;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.io.LocalOutputFile;
import org.apache.parquet.io.OutputFile;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.io.api.RecordConsumer;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.TimeUnit;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Type;
import org.apache.parquet.schema.Types;
import org.jspecify.annotations.Nullable;

/**
 * Documents as a Parquet file, its columns those of the index, all optional: dates become timestamps in milliseconds UTC,
 * vectors lists of float32, lists and objects their JSON. Pages are compressed by Snappy, which every reader knows.
 */
final class ParquetExport extends WriteSupport<JsonNode> {
    private static final String LIST = "list";
    private static final String ELEMENT = "element";

    private final MessageType schema;
    private @Nullable RecordConsumer consumer;

    private ParquetExport(MessageType schema) {
        this.schema = schema;
    }

    /**
     * Writes all documents.
     *
     * @param properties the index's mapping
     * @param names its fields that become columns
     */
    static void write(Iterator<JsonNode> documents, Path file, JsonNode properties, List<String> names)
            throws IOException {
        var message = Types.buildMessage();
        names.forEach(name -> message.addField(column(name, properties.path(name))));
        try (ParquetWriter<JsonNode> writer =
                new Builder(new LocalOutputFile(file), new ParquetExport(message.named("image"))).build()) {
            while (documents.hasNext()) {
                writer.write(documents.next());
            }
        }
    }

    private static Type column(String name, JsonNode mapping) {
        return switch (mapping.path("type").asText()) {
            case "integer", "short", "byte" ->
                Types.optional(PrimitiveTypeName.INT32).named(name);
            case "long" -> Types.optional(PrimitiveTypeName.INT64).named(name);
            case "float", "half_float" ->
                Types.optional(PrimitiveTypeName.FLOAT).named(name);
            case "date" ->
                Types.optional(PrimitiveTypeName.INT64)
                        .as(LogicalTypeAnnotation.timestampType(true, TimeUnit.MILLIS))
                        .named(name);
            case "knn_vector" ->
                Types.optionalList().requiredElement(PrimitiveTypeName.FLOAT).named(name);
            default ->
                Types.optional(PrimitiveTypeName.BINARY)
                        .as(LogicalTypeAnnotation.stringType())
                        .named(name);
        };
    }

    @Override
    public WriteContext init(Configuration unused) {
        return init(new PlainParquetConfiguration());
    }

    @Override
    public WriteContext init(ParquetConfiguration unused) {
        return new WriteContext(schema, Map.of());
    }

    @Override
    public void prepareForWrite(RecordConsumer record) {
        consumer = record;
    }

    @Override
    public void write(JsonNode document) {
        RecordConsumer record = requireNonNull(consumer);
        record.startMessage();
        for (int i = 0; i < schema.getFieldCount(); i++) {
            String name = schema.getFieldName(i);
            JsonNode value = document.path(name);
            if (!value.isMissingNode() && !value.isNull()) {
                record.startField(name, i);
                write(record, schema.getType(i), value);
                record.endField(name, i);
            }
        }
        record.endMessage();
    }

    private static void write(RecordConsumer record, Type column, JsonNode value) {
        if (!column.isPrimitive()) {
            vector(record, value);
            return;
        }
        switch (column.asPrimitiveType().getPrimitiveTypeName()) {
            case INT32 -> record.addInteger(value.asInt());
            case INT64 ->
                record.addLong(
                        column.getLogicalTypeAnnotation() == null ? value.asLong() : ExportCommand.epochMillis(value));
            case FLOAT -> record.addFloat(value.floatValue());
            default -> record.addBinary(Binary.fromString(ExportCommand.text(value)));
        }
    }

    private static void vector(RecordConsumer record, JsonNode values) {
        record.startGroup();
        if (!values.isEmpty()) {
            record.startField(LIST, 0);
            for (JsonNode value : values) {
                record.startGroup();
                record.startField(ELEMENT, 0);
                record.addFloat(value.floatValue());
                record.endField(ELEMENT, 0);
                record.endGroup();
            }
            record.endField(LIST, 0);
        }
        record.endGroup();
    }

    private static final class Builder extends ParquetWriter.Builder<JsonNode, Builder> {
        private final ParquetExport export;

        Builder(OutputFile file, ParquetExport export) {
            super(file);
            this.export = export;
            withConf(new PlainParquetConfiguration());
            withCompressionCodec(CompressionCodecName.SNAPPY);
            withWriteMode(ParquetFileWriter.Mode.OVERWRITE);
        }

        @Override
        protected Builder self() {
            return this;
        }

        @Override
        protected WriteSupport<JsonNode> getWriteSupport(Configuration unused) {
            return export;
        }

        @Override
        protected WriteSupport<JsonNode> getWriteSupport(ParquetConfiguration unused) {
            return export;
        }
    }
}
