package lenstream.connector.kafka;

import lenstream.connector.source.Arrival;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** Flink's view of the messages; a deletion in a compacted topic says nothing. */
final class UrlMessages implements KafkaRecordDeserializationSchema<Arrival> {
    private static final long serialVersionUID = 1;

    @Override
    public void deserialize(ConsumerRecord<byte[], byte[]> message, Collector<Arrival> out) {
        if (message.value() != null) {
            String site = "kafka://" + message.topic();
            String place = site + "/" + message.partition() + "/" + message.offset();
            long at = message.timestamp() > 0 ? message.timestamp() : System.currentTimeMillis();
            out.collect(UrlMessage.read(message.value(), place, site, Math.min(at, System.currentTimeMillis())));
        }
    }

    @Override
    public TypeInformation<Arrival> getProducedType() {
        return TypeInformation.of(Arrival.class);
    }
}
