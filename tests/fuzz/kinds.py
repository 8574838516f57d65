"""Malformed records of every kind, by contract: each with the code that it must be buried with."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from ops.contracts.documents import GOLDEN
from shared.contracts.envelope import HEADER_BYTES_MAX, HEADERS_MAX, Event, Headers
from shared.contracts.events import forged_sources
from shared.contracts.topics import declared
from shared.messaging import policy

# So many headers are not even made in memory (shared/messaging/batches.py).
CODES = {"too many headers": policy.UNREADABLE}
Json = dict[str, Any]


class Kind(NamedTuple):
    """
    A malformed record.

    Attributes:
        code: with which it is buried.
        is_large: so many bytes that a few of it are enough.
    """

    name: str
    code: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    is_large: bool = False


def kinds(contract: type[Event]) -> list[Kind]:
    """All kinds for a topic. Each is the golden record of the contract with one fault."""
    whole = json.loads((GOLDEN / f"{contract.type}.json").read_text())
    key, data = whole["key"].encode(), whole["data"]
    # From another system, as all malformed records are.
    headers = {**whole["headers"], "ce_source": "flood/elsewhere"}
    value = json.dumps(data).encode()
    found = [
        Kind(name, CODES.get(name, policy.BAD_HEADER), key, value, list(of.items()))
        for name, of in _of_headers(headers)
    ]
    good = [(name, text.encode()) for name, text in headers.items()]
    for name, changed in (("other type", "kepu.other.v1"), ("next version", f"{contract.type[:-1]}9")):
        found.append(Kind(name, policy.UNKNOWN_TYPE, key, value, _with(good, ce_type=changed.encode())))
    bodies = {**dict(_of_bytes(value)), **dict(_of_fields(contract, data))}
    found += [Kind(name, policy.BAD_BODY, key, body, good) for name, body in bodies.items()]
    other_keys: dict[str, bytes | None] = {
        "empty key": b"",
        "other key": b"somebody-else",
        "no text": b"\xff",
    }
    if not declared(contract).compacted:
        # Kafka takes no record without a key into a compacted topic.
        other_keys["no key"] = None
    found += [Kind(name, policy.KEY_DIFFERS, other, value, good) for name, other in other_keys.items()]
    large = value[:-1] + b', "more": "' + b"x" * contract.bytes_max + b'"}'
    found.append(Kind("too large", policy.TOO_LARGE, key, large, good, is_large=True))
    if forged := sorted(forged_sources(contract)):
        found.append(
            Kind("forged source", policy.SOURCE_OURS, key, value, _with(good, ce_source=forged[0].encode()))
        )
    return found


def _of_headers(headers: dict[str, str]) -> Iterator[tuple[str, dict[str, bytes]]]:
    good = {name: text.encode() for name, text in headers.items()}
    yield "no headers", {}
    for name in ("ce_id", "ce_source", "ce_type", "ce_specversion"):
        yield f"no {name}", {one: value for one, value in good.items() if one != name}
    wrong: dict[str, tuple[str, bytes]] = {
        "empty id": ("ce_id", b""),
        "id too long": ("ce_id", b"x" * (HEADER_BYTES_MAX + 1)),
        "id is no text": ("ce_id", b"\xff\xfe"),
        "other specversion": ("ce_specversion", b"0.3"),
        "type is no text": ("ce_type", b"\x80"),
        "time in words": ("ce_time", b"yesterday"),
        "time without zone": ("ce_time", b"2026-11-28T09:00:00"),
        "time before all": ("ce_time", b"0001-01-01T00:00:00+23:59"),
        "time after all": ("ce_time", b"9999-12-31T23:59:59-23:59"),
        "xml": ("content-type", b"application/xml"),
        "correlation too long": ("ce_correlationid", b"x" * (HEADER_BYTES_MAX + 1)),
    }
    for name, (header, value) in wrong.items():
        yield name, {**good, header: value}
    yield "too many headers", {**good, **{f"h{number}": b"x" for number in range(HEADERS_MAX)}}
    yield "headers too large", {**good, **{f"h{number}": b"x" * 1_000 for number in range(20)}}


def _of_bytes(value: bytes) -> Iterator[tuple[str, bytes | None]]:
    yield "no value", None
    yield "empty", b""
    yield "half", value[: len(value) // 2]
    yield "one bracket", b"{"
    yield "no text", value[:-1] + b"\xff}"
    yield "byte order mark", b"\xef\xbb\xbf" + value
    yield "two bodies", value + value
    yield "null", b"null"
    yield "a list", b"[" + value + b"]"
    yield "a text", b'"' + b"x" * 100 + b'"'
    yield "a number", b"9" * 400
    yield "an empty object", b"{}"
    yield "nested lists", b"[" * 20_000
    yield "nested objects", b'{"a":' * 10_000
    yield "nested whole", b'{"a":' * 5_000 + b"1" + b"}" * 5_000
    yield "xml", b"<event/>"


def _of_fields(contract: type[Event], data: Json) -> Iterator[tuple[str, bytes]]:
    required = [name for name, field in contract.model_fields.items() if field.is_required()]
    first = next(name for name in required if name != contract.key_field)
    yield "a field is missing", json.dumps({k: v for k, v in data.items() if k != first}).encode()
    for name, nasty in {
        "a field is a list": "[[[]]]",
        "a field is an object": '{"$where": 1, "a.b": 2}',
        "a field is not finite": "NaN",
        "a field is infinite": "-Infinity",
        "a field is half a character": '"\\ud800"',
        "a field has a zero byte": '"a\\u0000b"',
        "a field is beyond numbers": "9" * 400,
    }.items():
        text = json.dumps({**data, first: "@@"})
        yield name, text.replace('"@@"', nasty).encode()
    without = {k: v for k, v in data.items() if k != contract.key_field}
    yield "the key field is missing", json.dumps(without).encode()
    yield "the key field is a number", json.dumps({**data, contract.key_field: 7}).encode()


def _with(headers: Headers, **instead: bytes) -> Headers:
    return [(name, instead.get(name, value)) for name, value in headers]
