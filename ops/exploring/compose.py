"""
A record made of what somebody gave: checked by its contract, with its headers filled in.

All functions are pure: times and new ids are arguments.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, NoReturn

from pydantic import ValidationError

from ops.contracts.schemas import schema_of
from ops.contracts.wording import names_at, wanted_at
from ops.deployment.access import OTHERS, writers_of
from ops.errors import CommandError
from ops.exploring.fields import Path, json_path
from ops.exploring.nesting import is_nested_deeply
from shared.contracts.envelope import (
    HEADERS_BYTES_MAX,
    Event,
    Headers,
    context_of,
    decoder,
    from_headers,
    to_headers,
)
from shared.contracts.events import forged_sources
from shared.contracts.sources import OPERATIONS, OURS
from shared.contracts.topics import RECORD_BYTES_MAX
from shared.messaging.publisher import Record
from shared.runtime.errors import Rejected

# Of what somebody gives: the largest record, and what a listing of it adds.
INPUT_BYTES_MAX = 2 * RECORD_BYTES_MAX
PROBLEMS_MAX = 20
# The sender of events that somebody tries out. It is nobody's name.
EXPLORER = "explorers/kepu-emit"
_TOO_DEEP = "this is no JSON that anybody reads: it is nested too deeply"
_CHOSEN = ("ce_id", "ce_source", "ce_time", "ce_subject", "ce_correlationid", "ce_causationid", "traceparent")
_OF_ONE_EVENT = ("ce_id", "ce_time", "ce_subject", "ce_correlationid", "traceparent")
_FIXED = ("ce_specversion", "ce_type", "content-type")


class NotFitting(CommandError):
    """What was given is no event of this contract."""


class NotYours(CommandError):
    """Only our services say this."""


@dataclass(frozen=True, slots=True)
class Given:
    """What somebody gave: a body, and perhaps headers and a key."""

    body: dict[str, Any]
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    key: str | None = None


def given_of(text: str) -> Given:
    """
    What a file says: a body alone; or an object with `data`, as examples and `kepu listen --json` have it.

    Raises:
        NotFitting: it is neither.
    """
    try:
        said = json.loads(text, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise NotFitting(
            f"this is no JSON: {error.msg} in line {error.lineno}, column {error.colno}"
        ) from None
    except RecursionError:
        raise NotFitting(_TOO_DEEP) from None
    if is_nested_deeply(said):
        raise NotFitting(_TOO_DEEP)
    if not isinstance(said, dict):
        raise NotFitting("an event is a JSON object, such as kepu emit TYPE --example prints")
    if not {"data", "headers"} <= said.keys():
        return Given(said)
    body, headers, key = said["data"], said["headers"], said.get("key")
    if not isinstance(body, dict) or not isinstance(headers, dict) or not isinstance(key, str | None):
        raise NotFitting("with headers, write an object with key (text), headers (object) and data (object)")
    if wrong := [name for name, value in headers.items() if not isinstance(value, str)]:
        raise NotFitting(f"header {wrong[0]} is no text")
    return Given(body, headers, key)


def changed(given: Given, body: dict[str, Any]) -> Given:
    """
    What was given with another body. If it differs, it is another event: without the id and the time of the
    first, which would make a contradiction of two records with one id.
    """
    if body == given.body:
        return given
    kept = {name: value for name, value in given.headers.items() if name not in _OF_ONE_EVENT}
    return Given(body, kept)


def source_for(contract: type[Event], source: str | None, *, as_service: bool) -> str:
    """
    The `ce_source` of the record.

    Raises:
        NotYours: other systems do not send this event, or the source is a name of ours.
    """
    writers = writers_of(contract.topic)
    if OTHERS in writers:
        if as_service:
            raise NotYours(f"every system may send {contract.topic}: leave out --as-service")
        if source is not None and (source in forged_sources(contract) or source.startswith("kepu/")):
            raise NotYours(
                f"only our services use names like {source}: groups refuse such a record (source_ours)."
                " Take a name of your system, such as schools/examination-hall"
            )
        return source or EXPLORER
    writer = writers[0]
    ours = f"kepu/{writer}" if f"kepu/{writer}" in OURS else OPERATIONS
    if not as_service:
        raise NotYours(
            f"{contract.topic} is a fact that {writer} says, and everybody believes it: other systems do not"
            " write it. To play it on servers where nothing depends on it, say --as-service"
        )
    if source not in (None, ours):
        raise NotYours(f"{contract.topic} comes from {ours}: leave out --source")
    return ours


def check(contract: type[Event], body: Mapping[str, Any]) -> None:
    """
    Check a body by its contract, and name everything that is wrong in it.

    Raises:
        NotFitting: with a line for each wrong field: its place, and what is wanted there.
    """
    problems = [*_wrong(contract, body), *_unknown(contract, body, (), schema_of(contract))]
    if problems:
        _refuse(contract, problems)


def record_of(
    contract: type[Event], given: Given, *, source: str, now: datetime, correlation_id: str | None = None
) -> Record:
    """
    The record of an event. Headers that were given stay; the others are filled in.

    `ce_id` is computed from source and body. So the same event again is a repeat, and a changed one is not.

    Raises:
        NotFitting: a header or the key is wrong, or the record is too large.
    """
    if not (source + (correlation_id or "")).isprintable():
        _refuse(contract, ["source and correlation id are plain text, without control characters"])
    event = contract.model_validate_json(json.dumps(given.body))
    value = event.__pydantic_serializer__.to_json(event)
    if len(value) > contract.bytes_max:
        _refuse(contract, [f"the body has {len(value):,} of at most {contract.bytes_max:,} bytes"])
    if given.key not in (None, event.key):
        _refuse(contract, [f"the key is not the event's {contract.key_field}: leave it out"])
    headers = given.headers
    for name, fixed in (("ce_type", contract.type), ("ce_specversion", "1.0")):
        if headers.get(name, fixed) != fixed:
            _refuse(contract, [f"header {name} is {headers[name]!r}, not {fixed!r}"])
    if added := [name for name in headers if name.startswith(("dead_", "redriven_"))]:
        _refuse(contract, [f"header {added[0]} is for kepu dead: leave it out, or use kepu dead redrive"])
    made = to_headers(
        context_of(
            contract.type,
            event.key,
            source=source,
            cause=f"{source}\n{value.decode()}",
            now=now,
            correlation_id=correlation_id,
        )
    )
    chosen = {name: value for name, value in headers.items() if name in _CHOSEN}
    kept = {**{name: text.decode() for name, text in made}, **chosen, "ce_source": source}
    kept["ce_correlationid"] = correlation_id or chosen.get("ce_correlationid") or kept["ce_id"]
    others = {name: value for name, value in headers.items() if name not in (*_CHOSEN, *_FIXED)}
    record = (contract.topic, event.key.encode(), value, _encoded(contract, {**kept, **others}))
    _read_back(contract, record)
    return record


def _encoded(contract: type[Event], headers: Mapping[str, str]) -> Headers:
    try:
        return [(name, text.encode()) for name, text in headers.items()]
    except UnicodeEncodeError:
        _refuse(contract, ["a header has characters that are no Unicode"])


def _read_back(contract: type[Event], record: Record) -> None:
    """Read it as a group of ours will."""
    _, key, value, headers = record
    if sum(len(name) + len(text) for name, text in headers) > HEADERS_BYTES_MAX:
        _refuse(contract, [f"the headers have more than {HEADERS_BYTES_MAX:,} bytes"])
    try:
        from_headers(headers, appended_at=lambda: datetime.now(UTC), key=key)
        decoder(contract)([value or b""])
    except Rejected as why:
        _refuse(contract, [f"{why.message} ({why.code})"])


def _wrong(contract: type[Event], body: Mapping[str, Any]) -> Iterator[str]:
    try:
        contract.model_validate_json(json.dumps(body))
    except ValidationError as error:
        schema = schema_of(contract)
        # Without the input, which may hold personal data.
        for one in error.errors(include_url=False, include_input=False, include_context=False):
            path: Path = tuple(step for step in one["loc"] if step != "[key]")
            said = "is missing" if one["type"] == "missing" else one["msg"]
            wanted = wanted_at(schema, path)
            yield f"{json_path(path)}: {said}" + (f". Wanted: {wanted}" if wanted else "")


def _unknown(contract: type[Event], value: Any, path: Path, schema: Mapping[str, Any]) -> Iterator[str]:
    """Fields that the contract does not have. Groups ignore them, so a slip of the pen would go unnoticed."""
    if isinstance(value, dict):
        known = names_at(schema, path)
        for name, inner in value.items():
            if known is not None and name not in known:
                near = get_close_matches(name, known, n=1)
                perhaps = (
                    f": did you mean {near[0]}?"
                    if near
                    else f". {contract.__name__} has: {', '.join(sorted(known))}"
                )
                yield f"{json_path((*path, name))}: there is no such field{perhaps}"
            else:
                yield from _unknown(contract, inner, (*path, name), schema)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _unknown(contract, inner, (*path, number), schema)


def _refuse(contract: type[Event], problems: list[str]) -> NoReturn:
    told = problems[:PROBLEMS_MAX]
    more = [f"and {len(problems) - len(told)} more"] if len(problems) > len(told) else []
    raise NotFitting("\n  ".join([f"this is no {contract.type}:", *told, *more]))


def _no_number(text: str) -> NoReturn:
    raise NotFitting(f"{text} is no JSON: write a number, or null")
