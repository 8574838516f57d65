"""
What each user may do at Kafka: exactly what its service writes and reads, and no more.

The list follows from the topics. `kepu acls` prints it as Kafka's own commands, and `kepu check-config
--connect` asks Kafka whether it is granted.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from shared.contracts import events, topics
from shared.contracts.partners import SERVICE, WRITABLE, Partner
from shared.contracts.topics import Topic

OTHERS = "other systems"
# The topics that other systems may write to.
COMMANDS = tuple(sorted(WRITABLE))
# The writer of the topics that begin with this word; the contracts do not say it.
_WRITERS = {
    "session": "registration",
    "participant": "registration",
    "group": "registration",
    "registration": "registration",
    "shift": "registration",
    "quiz": "quiz",
    "award": "awards",
    "draw": "awards",
    "selection": "awards",
    "notification": "notifications",
    "dead_letter": "kepu dead",
}

Operation = Literal["READ", "WRITE", "DESCRIBE", "CREATE", "DESCRIBE_CONFIGS"]


class UnknownWriter(Exception):
    """Nobody has said who writes a topic."""


@dataclass(frozen=True, slots=True)
class Grant:
    """
    What one user may do with some topics or groups. The name `*` stands for all.

    Args:
        prefixed: with all whose names begin with one of these names.
    """

    kind: Literal["topic", "group"]
    operations: tuple[Operation, ...]
    names: tuple[str, ...]
    prefixed: bool = False


def writers_of(topic: str) -> tuple[str, ...]:
    """
    Our services that write this topic, and `other systems` if they do.

    Raises:
        UnknownWriter: nobody has said it here.
    """
    if topic == events.NotificationRequested.topic:
        return "quiz", "registration", OTHERS
    if topic.endswith(".requested"):
        return (OTHERS,)
    if topic == events.QuizSubmitted.topic:
        return "quiz", OTHERS
    try:
        return (_WRITERS[topic.partition(".")[0]],)
    except KeyError:
        raise UnknownWriter(f"say in ops/deployment/access.py who writes {topic}") from None


def of_service(service: str) -> list[Grant]:
    """What a service needs. Who may read or write also sees that a topic is there."""
    read = [(topic, group) for topic in topics.LIVE for group in topic.all_groups if _is_of(group, service)]
    dead = [topics.dead_letters(topic.name, group) for topic, group in read]
    written = [topic.name for topic in topics.LIVE if service in writers_of(topic.name)]
    # What operators have decided is read when a group gets no further.
    decided = [events.DeadLetterDecided.topic] if read else []
    # It shows how far the others are behind.
    watched = tuple(topics.WATCHED) if service == topics.OVERVIEW else ()
    grants = [
        Grant("topic", ("WRITE",), (*written, *dead)),
        Grant("topic", ("READ",), (*_once(topic for topic, _ in read), *decided, *dead)),
        Grant("group", ("READ",), tuple(sorted({group for _, group in read}))),
        Grant("group", ("DESCRIBE",), watched),
    ]
    return [grant for grant in grants if grant.names]


def of_another_system() -> list[Grant]:
    """A system that sends commands and submissions, and reads nothing."""
    return [Grant("topic", ("WRITE",), COMMANDS)]


def of_partner(partner: Partner) -> list[Grant]:
    """
    A partner: it writes to topics of its own, and reads in groups of its own, named NAME or NAME.something.

    It may use no transactions. One that is left open would stop the readers of its topics.
    """
    grants = [
        Grant("topic", ("WRITE",), tuple(partner.ingress(topic) for topic in partner.writes)),
        Grant("topic", ("READ",), partner.reads),
        Grant("group", ("READ",), (partner.name,)),
        Grant("group", ("READ",), (f"{partner.name}.",), prefixed=True),
    ]
    return [grant for grant in grants if grant.names]


def of_bridge() -> list[Grant]:
    """The bridge for partners: the topics of all partners, also of those to come, and the shared topics."""
    readers = sorted({topics.declared(contract).groups[0] for contract in WRITABLE.values()})
    return [
        Grant("topic", ("READ", "WRITE"), (topics.PARTNERS_PREFIX,), prefixed=True),
        Grant("group", ("READ",), (f"{SERVICE}-",), prefixed=True),
        Grant("topic", ("WRITE",), COMMANDS),
        Grant("topic", ("READ",), (events.DeadLetterDecided.topic,)),
        # It asks what they have read.
        Grant("group", ("DESCRIBE",), tuple(readers)),
    ]


def of_operators() -> list[Grant]:
    """Whoever runs `kepu topics`, `kepu audit` and `kepu dead`."""
    everything: tuple[Operation, ...] = ("CREATE", "READ", "WRITE", "DESCRIBE_CONFIGS")
    return [Grant("topic", everything, ("*",)), Grant("group", ("READ",), ("*",))]


def _is_of(group: str, service: str) -> bool:
    return group.partition("-")[0] == service


def _once(read: Iterable[Topic]) -> Sequence[str]:
    return list(dict.fromkeys(topic.name for topic in read))
