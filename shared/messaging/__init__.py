"""Records to and from Kafka: publisher, consumer, group commit."""
