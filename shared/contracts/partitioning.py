"""Which partition of a topic a key belongs to. All who write a topic must agree, or its order is lost."""

from zlib import crc32


def partition_of(key: bytes | None, partitions: int) -> int:
    """
    The partition for the records of this key; a record without a key goes to the first partition.

    It is crc32(key) mod partitions, as the clients of librdkafka (kcat, confluent-kafka) compute it by
    default (docs/decisions/0002-log-first-intake.md).
    """
    return crc32(key) % partitions if key else 0
