"""
Carrying out what operators decide about dead letters. Each decision is an event: `dead_letter.decided`.

A record is written to its topic first, and the decision after Kafka has acknowledged it. So if this is killed
in between, the letter still waits, and is sent once more. Its id is the same, so nothing is done twice.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from ops.dead.letters import Letter
from ops.deployment.whole_topics import records_of
from shared.contracts import topics
from shared.contracts.envelope import REDRIVEN_FROM, REDRIVEN_TIMES, enclose
from shared.contracts.events import DeadLetterDecided
from shared.contracts.sources import OPERATIONS
from shared.messaging.connection import Kafka
from shared.messaging.publisher import Publisher, Record, to_record
from shared.runtime import clock
from shared.runtime.ids import derived_id

# Records in one write. A killed command sends at most so many once more.
CHUNK = 100
RECORD_IDS = UUID("5a0a3e0c-3f0e-5a7f-8d0b-6c1f0b9e7d42")


async def redrive(
    publisher: Publisher,
    letters: Sequence[Letter],
    *,
    by: str,
    reason: str | None,
    rate: float,
    told: Callable[[int], None],
) -> None:
    """
    Write the records of letters to their topics again.

    Args:
        rate: records a second at the most.
        told: is called with the number of records, after each write.
    """
    begun = asyncio.get_running_loop().time()
    size = max(1, min(CHUNK, int(rate)))
    for begins in range(0, len(letters), size):
        some = letters[begins : begins + size]
        await publisher.write([_again(letter) for letter in some])
        now = clock.now()
        await publisher.write(
            [_decided(letter, "redriven", by, reason, now, times=letter.times + 1) for letter in some]
        )
        told(len(some))
        due = begun + (begins + len(some)) / rate
        await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))


async def discard(
    publisher: Publisher, letters: Sequence[Letter], *, by: str, reason: str, told: Callable[[int], None]
) -> None:
    """Note that nothing more is to be done with these letters."""
    for begins in range(0, len(letters), CHUNK):
        some = letters[begins : begins + CHUNK]
        now = clock.now()
        await publisher.write(
            [_decided(letter, "discarded", by, reason, now, times=letter.times) for letter in some]
        )
        told(len(some))


async def bury(
    publisher: Publisher, group: str, places: Iterable[str], *, by: str, reason: str | None
) -> None:
    """Name records that a group is to leave alone."""
    now = clock.now()
    events = [
        DeadLetterDecided(
            record_id=_record_id(group, place),
            group=group,
            place=place,
            decision="bury",
            by=by,
            reason=reason,
            decided_at=now,
        )
        for place in places
    ]
    await publisher.write([_recorded(event, now) for event in events])


def replaced(kafka: Kafka, letters: Sequence[Letter]) -> set[str]:
    """The names of letters of compacted topics whose key has a later record there."""
    compacted = {topic.name for topic in topics.LIVE if topic.compacted}
    asked = [letter for letter in letters if letter.topic in compacted]
    if not asked:
        return set()
    last: dict[tuple[str, bytes | None], tuple[int, int]] = {}
    for message in records_of(kafka, sorted({letter.topic for letter in asked})):
        place = message.partition() or 0, message.offset() or 0
        last[message.topic() or "", message.key()] = place
    found = set()
    for letter in asked:
        _, partition, offset = letter.place.rsplit("/", 2)
        # Records of one key are in one partition, so their offsets are their order.
        later = last.get((letter.topic, letter.key))
        if later and later[0] == int(partition) and later[1] > int(offset):
            found.add(letter.name)
    return found


def _again(letter: Letter) -> Record:
    again = [(REDRIVEN_FROM, letter.first.encode()), (REDRIVEN_TIMES, str(letter.times + 1).encode())]
    return letter.topic, letter.key, letter.value, [*letter.headers, *again]


def _decided(
    letter: Letter, decision: str, by: str, reason: str | None, now: datetime, *, times: int
) -> Record:
    event = DeadLetterDecided.model_validate(
        {
            "record_id": _record_id(letter.group, letter.place),
            "group": letter.group,
            "place": letter.place,
            "letter": letter.name,
            "decision": decision,
            "times": times,
            "by": by,
            "reason": reason,
            "decided_at": now,
        }
    )
    return _recorded(event, now)


def _recorded(event: DeadLetterDecided, now: datetime) -> Record:
    cause = f"{event.record_id}/{event.letter}/{event.decision}/{event.times}/{now.isoformat()}"
    return to_record(enclose(event, source=OPERATIONS, cause=cause, now=now))


def _record_id(group: str, place: str) -> str:
    return derived_id(RECORD_IDS, group, place)
