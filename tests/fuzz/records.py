"""Malformed records for every topic that our groups read: kinds with a known fault, and mutants of any."""

import json
import random
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import cycle
from typing import Any, NamedTuple

from confluent_kafka import Message, Producer

from ops.contracts.documents import GOLDEN
from shared.contracts import events, topics
from shared.contracts.envelope import Event, Headers
from shared.messaging.batches import HEADER_BYTES
from shared.messaging.decoding import Rule
from shared.messaging.fetched import Batches
from shared.messaging.policy import BAD_BODY, UNREADABLE
from shared.messaging.received import Raw
from shared.runtime.errors import Rejected
from tests.flow.test_nasty_values import NASTY, places, record_of
from tests.fuzz.batches import ENCODERS, FIELDS, FIELDS_AT, read_alone, whole
from tests.fuzz.damage import NUMBERS, damaged
from tests.fuzz.kinds import kinds
from tests.fuzz.ledger import Place
from tests.shared.messaging.raw_batches import batch_of
from tests.support.service import new_id

READ = tuple(contract for contract in events.ALL if topics.declared(contract).groups)
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
# Of kinds that are very large, one in so many.
LARGE_EVERY = 500
FLUSH_SECONDS_MAX = 120.0


class Malformed(NamedTuple):
    """A record, and the code with which its contract refuses it (None: it does not)."""

    contract: type[Event]
    key: bytes | None
    value: bytes | None
    headers: Headers
    code: str | None


class Golden:
    """The golden record of a contract, and mutants of it."""

    def __init__(self, contract: type[Event]) -> None:
        self.contract = contract
        whole_one = json.loads((GOLDEN / f"{contract.type}.json").read_text())
        self._data: dict[str, Any] = whole_one["data"]
        self._ways = list(places(self._data))
        # From another system, as all malformed records are.
        headers = {**whole_one["headers"], "ce_source": "fuzz/elsewhere"}
        self._headers: Headers = [(name, text.encode()) for name, text in headers.items()]
        self._rule = Rule(contract)
        self._keeps_keyed = topics.declared(contract).compacted

    def mutant(self, dice: random.Random) -> Malformed:
        """The record with a value, a header, its key or any bytes changed."""
        key = new_id("fuzzed")
        data = json.loads(json.dumps({**self._data, self.contract.key_field: key}))
        value = json.dumps(data).encode()
        headers = [*self._headers]
        at = next(place for place, (name, _) in enumerate(headers) if name == "ce_id")
        headers[at] = ("ce_id", new_id("fuzzed").encode())
        told: bytes | None = key.encode()
        match dice.randrange(6):
            case 0 | 1:
                value = self._with_nasty(data, dice)
            case 2:
                value = damaged(value, dice)
            case 3:
                headers = _with_wrong(headers, dice)
            case 4:
                told = damaged(key.encode(), dice)
            case _:
                value = self._with_nasty(json.loads(self._with_nasty(data, dice, plain=True)), dice)
        if told is not None and not told and self._keeps_keyed:
            told = b"k"
        return Malformed(self.contract, told, value, headers, self._code(told, value, headers))

    def _with_nasty(self, data: dict[str, Any], dice: random.Random, *, plain: bool = False) -> bytes:
        way = dice.choice(self._ways)
        inner: Any = data
        try:
            for step in way[:-1]:
                inner = inner[step]
            inner[way[-1]] = "@@"
        except (KeyError, IndexError, TypeError):
            # What was put in before is no longer such a tree.
            return json.dumps(data).encode()
        nasty = dice.choice(list(NASTY.values()))
        if plain:
            nasty = dice.choice(("null", "[]", "{}", "0", '""'))
        return json.dumps(data).replace('"@@"', nasty).encode("utf-8", "surrogatepass")

    def _code(self, key: bytes | None, value: bytes | None, headers: Headers) -> str | None:
        return code_of(
            self._rule, replace_of(record_of(self.contract, key or b"", value or b""), key, headers)
        )


def replace_of(record: Raw, key: bytes | None, headers: Headers) -> Raw:
    """The record with another key and other headers."""
    return replace(record, key=key, headers=tuple(headers))


def code_of(rule: Rule, record: Raw) -> str | None:
    """The code with which a contract refuses a record; None if it does not."""
    try:
        rule.context(record)
        rule.events([record])
    except Rejected as why:
        return why.code
    except Exception:  # noqa: BLE001 (as the consumer does: the record is wrong)
        return BAD_BODY
    return None


def _with_wrong(headers: Headers, dice: random.Random) -> Headers:
    found = [*headers]
    at = dice.randrange(len(found))
    name, value = found[at]
    match dice.randrange(5):
        case 0:
            found[at] = (name, damaged(value or b"", dice))
        case 1:
            del found[at]
        case 2:
            found.insert(at, (name, damaged(value or b"", dice)))
        case 3:
            number = dice.choice((*NUMBERS, 10**30, 10**4_000))
            added = dice.choice(
                ("redriven_from", "redriven_times", "dead_offset", "dead_time", "traceparent")
            )
            found.append((added, dice.choice((b"%d/%d" % (number, number), b"9" * 5_000, b"0/0"))))
        case _:
            found[at] = (dice.choice(("", "CE_ID", "ce_", "字", "a" * 300)), value)
    return found


def malformed(dice: random.Random) -> Iterator[Malformed]:
    """Records of all topics in turn, without end: half of a known kind, half mutants."""
    small, large, golden = {}, {}, {}
    for contract in READ:
        all_kinds = kinds(contract)
        small[contract] = cycle([one for one in all_kinds if not one.is_large])
        large[contract] = cycle([one for one in all_kinds if one.is_large])
        golden[contract] = Golden(contract)
    number = 0
    while True:
        for contract in READ:
            number += 1
            if number % 2:
                yield golden[contract].mutant(dice)
                continue
            kind = next(small[contract] if number % LARGE_EVERY else large[contract])
            yield Malformed(contract, kind.key, kind.value, kind.headers, kind.code)


@dataclass
class Written:
    """What Kafka has taken: by place, the code with which its contract refuses it; and what Kafka refused."""

    places: dict[Place, str | None]
    refused: int = 0


def write(kafka: str, records: int, dice: random.Random) -> Written:
    """Write so many malformed records, compressed in all ways."""
    written = Written({})
    producers = [_producer(kafka, codec) for codec in CODECS]

    def delivered(code: str | None, error: Any, message: Message) -> None:
        if error:
            written.refused += 1
            return
        written.places[message.topic() or "", message.partition() or 0, message.offset() or 0] = code

    for number, one in zip(range(records), malformed(dice), strict=False):
        producer = producers[number % len(producers)]
        while True:
            try:
                producer.produce(
                    one.contract.topic,
                    one.value,
                    one.key,
                    headers=[*one.headers],
                    on_delivery=partial(delivered, one.code),
                )
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    for producer in producers:
        assert not producer.flush(FLUSH_SECONDS_MAX), "Kafka has not answered"
    return written


def _producer(kafka: str, codec: str) -> Producer:
    return Producer(
        {
            "bootstrap.servers": kafka,
            "compression.type": codec,
            "linger.ms": 20,
            "message.max.bytes": topics.RECORD_BYTES_MAX,
            "queue.buffering.max.kbytes": 16_384,
            "partitioner": "random",
            "log_level": 0,
        }
    )


def damaged_batch(contract: type[Event], golden: Golden, dice: random.Random) -> bytes:
    """A batch of malformed records as no client writes it; often Kafka takes it all the same."""
    some = [golden.mutant(dice) for _ in range(dice.choice((1, 3)))]
    batch = bytes(batch_of([(contract.topic, one.key or b"k", one.value, one.headers) for one in some]))
    fields, plain = list(FIELDS.unpack_from(batch, FIELDS_AT)), batch[HEADER_BYTES:]
    codec = dice.choice((0, 0, *ENCODERS))
    match dice.randrange(4):
        case 0:
            plain = damaged(plain, dice)
        case 1:
            fields[dice.randrange(len(fields))] = dice.choice((0, 1, -1, 7, 0x10, 0x20, 2_000))
        case 2:
            # An offset of later batches: Kafka does not look at it.
            at = plain.index(b"\0\0", 1) + 2
            plain = plain[:at] + bytes([dice.choice((2, 14, 126))]) + plain[at + 1 :]
        case _:
            plain = plain.replace(b"ce_id", b"\xff\xfe_id", 1)
    fields[0] = fields[0] & ~7 | codec
    packed = ENCODERS[codec](plain) if codec else plain
    if codec and dice.random() < 0.2:
        packed = damaged(packed, dice)
    return whole(batch[:FIELDS_AT] + FIELDS.pack(*fields) + packed)


def expected_of(contract: type[Event], partition: int, base: int, batch: bytes) -> dict[Place, str | None]:
    """
    What the contract says about each offset of a batch that Kafka has put at `base`.

    Our own reading decides what can be read: tests/fuzz/batches.py proves that each offset is accounted for.
    """
    moved = bytearray(batch)
    struct.pack_into(">q", moved, 0, base)
    assert Batches(bytes(moved)).has_next()
    rule = Rule(contract)
    found: dict[Place, str | None] = {}
    for record in read_alone(bytes(moved), base):
        # Kafka gives each record the time of its arrival.
        timed = replace(record, timestamp=round(time.time() * 1000))
        code = UNREADABLE if record.value is None and hasattr(record, "why") else code_of(rule, timed)
        found[contract.topic, partition, record.offset] = code
    return found
