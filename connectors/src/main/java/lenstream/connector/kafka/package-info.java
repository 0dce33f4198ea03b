/** Kafka topics of URLs as a source; Kafka's own classes need not be there. Entry point: {@link KafkaArrivals}. */
@NullMarked
package lenstream.connector.kafka;

import org.jspecify.annotations.NullMarked;
