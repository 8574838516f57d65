"""
Partners: other systems that each write to topics of their own, from which a bridge forwards.

Kafka does not tell a reader who wrote a record. So a partner may only write to `partner.NAME.TOPIC`, for each
TOPIC that it may write, and only its user may do so. What stands there is the partner's. The service
`partners` checks it and writes it to TOPIC (docs/decisions/0103-partners.md).

    {"partners": [{"name": "hall", "source": "schools/hall", "writes": ["registration.requested"],
                   "reads": ["registration.confirmed"], "rate_per_second": 20, "added_at": "…"}]}
"""

import types
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Annotated

import msgspec

from shared.contracts import events
from shared.contracts.envelope import Event
from shared.contracts.sources import OURS
from shared.contracts.topics import (
    COMMAND_DAYS_KEPT,
    LIVE,
    PARTNERS_PREFIX,
    Topic,
    dead_letters,
    declared,
    ingress,
)

# What a partner may write, by topic.
WRITABLE: dict[str, type[Event]] = {
    contract.topic: contract
    for contract in (events.RegistrationRequested, events.QuizSubmitted, events.NotificationRequested)
}
# Keys, codes and names of people, commands of others, and what operators decide: no partner reads these.
_NEVER_READ = {
    *WRITABLE,
    events.ParticipantKeyed.topic,
    events.ParticipantNamed.topic,
    events.ParticipantCodeRequested.topic,
    events.QuizAnswersSaved.topic,
    events.DeadLetterDecided.topic,
}
READABLE = frozenset(topic.name for topic in LIVE) - _NEVER_READ

_OUR_GROUPS = frozenset(group for topic in LIVE for group in topic.all_groups)

PARTNERS_MAX = 20
RATE_PER_SECOND_MAX = 1_000
FILE_BYTES_MAX = 262_144
# A partner's unread commands: without this bound a flood would fill the disk. It is days of work at the
# highest rate of most partners.
INGRESS_BYTES_MAX = 268_435_456
# Users and sources of our own begin with this word.
RESERVED = "kepu"
_MAY_BE = {
    "name": "a name has 2 to 30 small letters, digits and dashes, and begins with a letter",
    "source": "a source has 2 to 80 small letters, digits and . _ / -, and begins with a letter",
}
SERVICE = "partners"


class Partner(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    One partner as the file has it.

    Attributes:
        source: the `ce_source` of all its records.
        writes, reads: names of topics.
        rate_per_second: how many of its commands are forwarded a second, of all topics together.
    """

    name: Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9-]{1,29}$")]
    source: Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9._/-]{1,79}$")]
    writes: Annotated[tuple[str, ...], msgspec.Meta(max_length=len(WRITABLE))]
    reads: Annotated[tuple[str, ...], msgspec.Meta(max_length=len(READABLE))]
    rate_per_second: Annotated[int, msgspec.Meta(ge=1, le=RATE_PER_SECOND_MAX)]
    added_at: datetime

    @property
    def group(self) -> str:
        """The group of the bridge that reads what this partner writes."""
        return f"{SERVICE}-{self.name}"

    def ingress(self, topic: str) -> str:
        """The topic that this partner writes to, instead of `topic`."""
        return ingress(self.name, topic)

    @property
    def contracts(self) -> list[type[Event]]:
        """The contracts of its own topics: those of the shared topics under another topic."""
        return [_own(WRITABLE[topic], self.ingress(topic)) for topic in self.writes]

    @property
    def topics(self) -> list[Topic]:
        """Its own topics, and those of their dead letters."""
        live = [
            Topic(
                self.ingress(topic),
                (self.group,),
                # The order of each key is kept, and one partition takes far more than the highest rate.
                partitions=1,
                retention_days=min(COMMAND_DAYS_KEPT, declared(WRITABLE[topic]).retention_days),
                bytes_kept_max=INGRESS_BYTES_MAX,
            )
            for topic in self.writes
        ]
        return live + [topic.dead(self.group) for topic in live]


class PartnerFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file of partners."""

    partners: Annotated[tuple[Partner, ...], msgspec.Meta(max_length=PARTNERS_MAX)] = ()


def read_partners(content: bytes) -> PartnerFile:
    """
    The partners of a file.

    Raises:
        ValueError: it is too large or no such JSON, or it allows what no partner may do. The text says what
            to change.
    """
    if len(content) > FILE_BYTES_MAX:
        raise ValueError(f"it has more than {FILE_BYTES_MAX} bytes")
    try:
        found = msgspec.json.decode(content, type=PartnerFile)
    except msgspec.MsgspecError as error:
        raise ValueError(_in_words(str(error))) from None
    for what in ("name", "source"):
        given = [getattr(partner, what) for partner in found.partners]
        if twice := {one for one in given if given.count(one) > 1}:
            raise ValueError(f"the {what} {min(twice)} stands twice: each partner has its own")
    for partner in found.partners:
        check(partner)
    return found


def check(partner: Partner) -> None:
    """
    Check what the types do not say.

    Raises:
        ValueError: the partner's name or source is one of ours, or it may not write or read a topic.
    """
    if partner.name.startswith(RESERVED):
        raise ValueError(f"{partner.name}: names that begin with {RESERVED} are those of our services")
    # A partner may read in the group of its name, and must not take the records of one of ours.
    if partner.name in _OUR_GROUPS or partner.name.startswith(f"{SERVICE}-"):
        raise ValueError(f"{partner.name} is the name of a group of our services: choose another name")
    if partner.source in OURS or partner.source.startswith(f"{RESERVED}/"):
        raise ValueError(f"{partner.name}: the source {partner.source} is one of ours")
    if not partner.writes and not partner.reads:
        raise ValueError(f"{partner.name} may write and read nothing: give at least one topic")
    for topics, allowed, verb in ((partner.writes, WRITABLE, "write"), (partner.reads, READABLE, "read")):
        if unknown := sorted(set(topics) - set(allowed)):
            raise ValueError(
                f"{partner.name}: no partner may {verb} {', '.join(unknown)};"
                f" it can {verb} {', '.join(sorted(allowed))}"
            )
        if len(set(topics)) < len(topics):
            raise ValueError(f"{partner.name}: a topic that it may {verb} stands twice")


def _in_words(said: str) -> str:
    """Msgspec's words, which name the field, and what the field may be."""
    return next((f"{said}: {words}" for field, words in _MAY_BE.items() if f".{field}`" in said), said)


def ingress_topics(names: Iterable[str]) -> list[Topic]:
    """
    Which of these topics of a Kafka are a partner's, with the group that reads them.

    Also those of partners that were removed: what they wrote may be decided about later.
    """
    there = set(names)
    found = []
    for name in sorted(there):
        partner, _, topic = name.removeprefix(PARTNERS_PREFIX).partition(".")
        group = f"{SERVICE}-{partner}"
        if name.startswith(PARTNERS_PREFIX) and topic in WRITABLE and dead_letters(name, group) in there:
            found.append(Topic(name, (group,), 1))
    return found


@lru_cache(maxsize=PARTNERS_MAX * len(WRITABLE))
def _own(contract: type[Event], topic: str) -> type[Event]:
    arguments = {"topic": topic, "key": contract.key_field, "bytes_max": contract.bytes_max}
    own: type[Event] = types.new_class(contract.__name__, (contract,), arguments)
    # The records are the same as in the shared topic, so they have its type.
    own.type = contract.type
    return own
