"""What the code says about an event: fields, topic, who writes and reads it, and what releases had of it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ops.contracts.documents import GOLDEN
from ops.contracts.releases import releases
from ops.contracts.schemas import schema_of
from ops.contracts.wording import FieldInWords, fields_of
from ops.deployment.access import writers_of
from ops.documents.catalogue import codes, words
from shared.contracts import events, topics
from shared.contracts.envelope import Event
from shared.contracts.topics import Topic


@dataclass(frozen=True, slots=True)
class Reader:
    """
    A group of ours that reads an event.

    Attributes:
        codes: with which it gives a record up after it has understood it.
    """

    group: str
    service: str
    dead_topic: str
    codes: Sequence[str]


@dataclass(frozen=True, slots=True)
class Release:
    """What a release had of an event. `added` and `removed`: fields, compared with the release before."""

    version: str
    added: Sequence[str]
    removed: Sequence[str]
    is_first: bool


@dataclass(frozen=True, slots=True)
class Fact:
    """Everything that the code says about an event."""

    contract: type[Event]
    topic: Topic
    fields: Sequence[tuple[FieldInWords, str]]
    writers: Sequence[str]
    readers: Sequence[Reader]
    releases: Sequence[Release]
    example: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The name of its topic, and of its page."""
        return self.contract.topic

    @property
    def is_command(self) -> bool:
        """Whether it asks for something, and is no fact yet."""
        return self.contract in events.COMMANDS

    @property
    def paragraphs(self) -> Sequence[str]:
        """What the contract says of itself, paragraph by paragraph."""
        text = (self.contract.__doc__ or "").strip()
        return [" ".join(one.split()) for one in text.split("\n\n")]


def all_facts() -> list[Fact]:
    """Of all events, in the order in which things happen."""
    declared = {topic.name: topic for topic in topics.LIVE}
    return [_fact(contract, declared[contract.topic]) for contract in events.ALL]


def _fact(contract: type[Event], topic: Topic) -> Fact:
    fields = [(one, words.of_field(contract.topic, one.path)) for one in fields_of(schema_of(contract))]
    return Fact(
        contract,
        topic,
        fields,
        writers_of(contract.topic),
        [
            Reader(
                group,
                service_of(group),
                topics.dead_letters(topic.name, group),
                codes.OF_GROUP.get(group, ()),
            )
            for group in topic.groups
        ],
        list(_releases(contract)),
        json.loads((GOLDEN / f"{contract.type}.json").read_text()),
    )


def service_of(group: str) -> str:
    """The service of a group: the first word of its name."""
    return group.partition("-")[0]


def _releases(contract: type[Event]) -> Iterator[Release]:
    """What each release had, the oldest first, and at last what this version of the code has."""
    before: set[str] | None = None
    for release in releases():
        if contract.type in release.schemas:
            now = _paths(release.schemas[contract.type])
            yield _release(release.name, before, now)
            before = now
    now = _paths(schema_of(contract))
    if now != before:
        yield _release("not released yet", before, now)


def _release(version: str, before: set[str] | None, now: set[str]) -> Release:
    was = now if before is None else before
    return Release(version, sorted(now - was), sorted(was - now), before is None)


def _paths(schema: Mapping[str, Any]) -> set[str]:
    return {one.path for one in fields_of(schema)}
