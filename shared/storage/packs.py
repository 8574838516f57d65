"""
Packs: many events of the outbox in one document.

One document costs about the same for one event and for a hundred. It is compressed, because its bytes cost
too.
"""

from collections.abc import Iterator, Mapping, Sequence

import cramjam
import msgspec

from shared.messaging.publisher import Record
from shared.storage.mongo import Document

PACK_EVENTS_MAX = 100
# A document may have 16 MiB, and a pack has at least one event, which is smaller than this.
PACK_BYTES_MAX = 1_048_576
# As much as the relay publishes at once in a rush.
WRITTEN_BYTES_MAX = 8 * PACK_BYTES_MAX
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Record])


def in_packs(records: Sequence[Record]) -> Iterator[list[Record]]:
    """The records in this order, as many in each pack as it may have."""
    pack: list[Record] = []
    size_bytes = 0
    for record in records:
        record_bytes = len(record[2] or b"")
        if pack and (len(pack) == PACK_EVENTS_MAX or size_bytes + record_bytes > PACK_BYTES_MAX):
            yield pack
            pack, size_bytes = [], 0
        pack.append(record)
        size_bytes += record_bytes
    yield pack


def packed(records: Sequence[Record]) -> Document:
    """A pack's content."""
    # The server writes each byte several times, and events of one kind are much alike. As nested documents
    # they would have three times the bytes, and take three times as long to encode.
    return {"packed": bytes(cramjam.lz4.compress_block(_encoder.encode(records)))}


def unpacked(pack: Document) -> list[Record]:
    """The records of a pack."""
    if "packed" in pack:
        return _decoder.decode(cramjam.lz4.decompress_block(pack["packed"]))
    # Written by release 0.1.0, and not published before this one began.
    return [
        (event["topic"], event["key"], event["value"], list(event["headers"].items()))
        for event in pack["events"]
    ]


class Written:
    """
    The packs that this process has written last, by their ids.

    A relay need not decode them again. It decodes what other processes have written, and what does not fit
    here.
    """

    def __init__(self, bytes_max: int = WRITTEN_BYTES_MAX) -> None:
        self._bytes_max = bytes_max
        self._packs: dict[str, tuple[Sequence[Record], int]] = {}
        self._bytes = 0

    def remember(self, packs: Mapping[str, Sequence[Record]]) -> None:
        """Remember these, and forget the first ones if all do not fit. Their transaction may still fail."""
        for id_, records in packs.items():
            size_bytes = sum(len(record[2] or b"") for record in records)
            self._packs[id_] = records, size_bytes
            self._bytes += size_bytes
        while self._bytes > self._bytes_max:
            self.take(next(iter(self._packs)))

    def take(self, id_: str) -> Sequence[Record] | None:
        """The records of this pack, if they are remembered. They are not any more after that."""
        records, size_bytes = self._packs.pop(id_, (None, 0))
        self._bytes -= size_bytes
        return records
