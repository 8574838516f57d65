"""The map of events: every topic, its key, who writes and who reads it."""

import re

from ops.deployment.access import OTHERS, writers_of
from ops.documents.tables import code, table
from ops.documents.values import in_words
from shared.contracts import events, topics
from shared.contracts.envelope import Event

_COMMAND = "A command from any other system: "


def events_of_the_week() -> str:
    """A row for each topic, in the order in which things happen."""
    declared = {topic.name: topic for topic in topics.LIVE}
    return table(
        ["topic", "what it says", "key", "partitions", "kept", "written by", "read by"],
        (_row(contract, declared[contract.topic]) for contract in events.ALL),
    )


def of_service(service: str) -> str:
    """What a service consumes and emits, as two points of a list."""
    read: dict[str, list[str]] = {}
    for topic in topics.LIVE:
        for group in topic.all_groups:
            if group.partition("-")[0] == service:
                read.setdefault(group, []).append(topic.name)
    emitted = [topic.name for topic in topics.LIVE if service in writers_of(topic.name)]
    consumed = "; ".join(f"{code(*names)} (group `{group}`)" for group, names in read.items())
    return f"- **Consumes**: {consumed}.\n- **Emits**: {code(*emitted) if emitted else 'nothing on Kafka'}."


def _row(contract: type[Event], topic: topics.Topic) -> list[str]:
    return [
        code(topic.name),
        _says(contract),
        code(contract.key_field),
        str(topic.partitions),
        _kept(topic),
        ", ".join(writers_of(topic.name)),
        code(*topic.groups) if topic.groups else f"{OTHERS} only",
    ]


def _kept(topic: topics.Topic) -> str:
    days = in_words("RETENTION_DAYS", topic.retention_days)
    return f"last of each key, at most {days}" if topic.compacted else days


def _says(contract: type[Event]) -> str:
    """The beginning of what the contract says of itself."""
    line = (contract.__doc__ or "").strip().split("\n")[0]
    command = line.removeprefix(_COMMAND)
    says = re.split(r"[.;:](?: |$)", command)[0]
    return says if command == line else f"a command: {says}"
