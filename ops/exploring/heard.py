"""What a record of the log is: its place, its headers, its body, and what our groups would say about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

import msgspec
from aiokafka import ConsumerRecord

from ops.deployment.whole_topics import time_of
from ops.exploring.nesting import is_nested_deeply
from shared.contracts import events
from shared.contracts.envelope import Event
from shared.messaging.decoding import Rule
from shared.runtime.errors import Rejected

_CONTRACTS: Mapping[str, type[Event]] = {contract.topic: contract for contract in events.ALL}


@dataclass(frozen=True, slots=True)
class Heard:
    """
    A record, decoded.

    Attributes:
        headers: a value that is not UTF-8 has signs in place of its wrong bytes.
        body: the JSON value; None without one. `value` has the bytes if they are no JSON.
        problem: code and reason, if our groups would refuse the record; None if they would not, and of
            dead letters and topics without a contract of ours.
        given_up: of a dead letter: group, code, reason, and the place of its record.
    """

    at: datetime
    topic: str
    partition: int
    offset: int
    key: str | None
    headers: Mapping[str, str]
    body: Any = None
    value: bytes | None = None
    contract: type[Event] | None = None
    problem: tuple[str, str] | None = None
    given_up: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def place(self) -> str:
        """The record's place in the log."""
        return f"{self.topic}/{self.partition}/{self.offset}"

    @property
    def type(self) -> str:
        """The `ce_type`; empty without one."""
        return self.headers.get("ce_type", "")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records are shown. An empty field means all."""

    key: str = ""
    participant: str = ""
    source: str = ""

    def means(self, message: Any) -> bool:
        """
        Whether a record is meant, before it is decoded.

        A participant is meant by the key, and by any text of the body that is the whole id: an award has a
        recipient, and standings have many participants.
        """
        key, value = message.key() or b"", message.value() or b""
        if self.key and key != self.key.encode():
            return False
        if self.participant:
            wanted = self.participant.encode()
            if key != wanted and b'"' + wanted + b'"' not in value:
                return False
        if self.source:
            sources = [content for name, content in message.headers() or [] if name == "ce_source"]
            return sources[-1:] == [self.source.encode()]
        return True


class Hearing:
    """Decodes records. It keeps the rule of each topic."""

    def __init__(self) -> None:
        self._rules: dict[str, Rule] = {}

    def heard(self, message: Any) -> Heard:
        """What a record of confluent-kafka is."""
        topic, value = message.topic() or "", message.value()
        pairs: list[tuple[str, bytes | None]] = message.headers() or []
        headers = {name: (content or b"").decode(errors="replace") for name, content in pairs}
        key = message.key()
        body, is_json = _body(value)
        given_up = _given_up(headers)
        contract = None if given_up else _CONTRACTS.get(topic)
        return Heard(
            at=time_of(message),
            topic=topic,
            partition=message.partition() or 0,
            offset=message.offset() or 0,
            key=None if key is None else key.decode(errors="replace"),
            headers=headers,
            body=body,
            value=None if is_json else value,
            contract=contract or _CONTRACTS.get(given_up.get("topic", "")),
            problem=self._problem(contract, message) if contract else None,
            given_up=given_up,
        )

    def _problem(self, contract: type[Event], message: Any) -> tuple[str, str] | None:
        """What a group of ours would say, by the same rule."""
        rule = self._rules.setdefault(contract.topic, Rule(contract))
        record = _as_raw(message)
        try:
            rule.context(record)
            rule.events([record])
        except Rejected as why:
            return why.code, why.message
        return None


def _as_raw(message: Any) -> "ConsumerRecord[bytes, bytes]":
    key, value = message.key(), message.value()
    return ConsumerRecord(
        topic=message.topic() or "",
        partition=message.partition() or 0,
        offset=message.offset() or 0,
        timestamp=message.timestamp()[1],
        timestamp_type=0,
        key=key,
        value=value,
        checksum=None,
        serialized_key_size=len(key or b""),
        serialized_value_size=len(value or b""),
        headers=tuple(message.headers() or []),
    )


def _body(value: bytes | None) -> tuple[Any, bool]:
    if value is None:
        return None, True
    try:
        body = msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None, False
    # It is printed as JSON again, which a stranger could let fail by nesting.
    return (None, False) if is_nested_deeply(body) else (body, True)


def _given_up(headers: Mapping[str, str]) -> Mapping[str, str]:
    if "dead_group" not in headers:
        return MappingProxyType({})
    said = {
        name: headers.get(f"dead_{name}", "")
        for name in ("group", "code", "reason", "topic", "partition", "offset")
    }
    return {**said, "place": "/".join(said[name] for name in ("topic", "partition", "offset"))}
