"""
The envelope of every event: CloudEvents 1.0, Kafka binding, binary content mode.

An `Event` is the data of a past fact. An `Envelope` is an event with its context: who sent it, when, and
what caused it. On Kafka the context is in the headers, and the record's value is only the data. So any
client that reads headers and JSON can take part.

Source: CloudEvents 1.0.2, Kafka protocol binding, section 3.2 (binary content mode)
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, ClassVar, Generic, TypeAlias, TypeVar
from uuid import UUID

import msgspec
from pydantic import BaseModel, ConfigDict, ValidationError

from shared.contracts.checked import YEARS
from shared.contracts.first_wrong import FirstWrong, check_numbers, first_problem, to_first_wrong
from shared.contracts.traces import Step, new_traceparent
from shared.runtime.errors import Rejected
from shared.runtime.ids import derived_id

CONTENT_TYPE = b"application/json"
# The largest value of one header, and of all names and values of a record. Ours have about 500 bytes.
HEADER_BYTES_MAX = 1_024
HEADERS_BYTES_MAX = 16_384
HEADERS_MAX = 64
# The largest body of an event without a limit of its own. A message may take 50 KB, all of it escaped.
EVENT_BYTES_MAX = 65_536
LIST_BYTES_MAX = 786_432  # Of the few events that contain lists.
# Of a record that `kepu dead` has sent again: where it was first ("partition/offset"), and how often.
REDRIVEN_FROM = "redriven_from"
REDRIVEN_TIMES = "redriven_times"
FACT_ID = "ce_factid"
EVENT_IDS = UUID("9a4f3f5e-2f0c-5b7e-8d52-6f1f6c7c9a10")

Headers = list[tuple[str, bytes]]
Found = Sequence[tuple[str, bytes | None]]


class Part(BaseModel):
    """A piece of an event's data."""

    # Strict: a number sent as text is a mistake of the sender. We do not guess what it means.
    # Unknown fields are ignored, so that a newer sender does not break an older reader.
    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")


class Event(Part):
    """
    The data of an event. Each subclass gives its topic, key field and version as class arguments.

    `bytes_max`: no event of this type has a larger body. All readers refuse it. `succeeds`: the version
    before it. A version after the first has a topic of its own: `quiz.completed.v2`.
    """

    topic: ClassVar[str]
    type: ClassVar[str]
    key_field: ClassVar[str]
    bytes_max: ClassVar[int]
    first_type: ClassVar[str | None]

    def __init_subclass__(
        cls,
        *,
        topic: str = "",
        key: str = "",
        version: int = 1,
        bytes_max: int = EVENT_BYTES_MAX,
        succeeds: "EventType | None" = None,
        **kwargs: Any,
    ) -> None:
        super().__init_subclass__(**kwargs)
        cls.bytes_max = bytes_max
        if topic:
            cls.topic = topic if version == 1 else f"{topic}.v{version}"
            cls.type = f"kepu.{topic}.v{version}"
            cls.key_field = key
            cls.first_type = (succeeds.first_type or succeeds.type) if succeeds else None

    @property
    def key(self) -> str:
        """Kafka's record key: the events of one key are read in order."""
        return str(getattr(self, self.key_field))


# Inside `Event` the word `type` means the type of an event.
EventType: TypeAlias = type[Event]
E_co = TypeVar("E_co", bound=Event, covariant=True)
E = TypeVar("E", bound=Event)


# Structs, not frozen dataclasses: they are made in a fifth of the time, and each event has two.
class Context(msgspec.Struct, frozen=True, gc=False):
    """Who sent an event, when, what caused it, and where its record says that it was first."""

    id: str
    source: str
    type: str
    time: datetime
    subject: str
    correlation_id: str
    causation_id: str | None = None
    # Of the step that made the event; for a handler, of its own step (traces.py): what follows carries it.
    traceparent: str | None = None
    redriven_from: str | None = None
    # Of a version after the first: the id that the same event has in the first version.
    fact_id: str | None = None


class Envelope(msgspec.Struct, Generic[E_co], frozen=True):
    """One event with its context."""

    context: Context
    event: E_co


def event_id(cause: str, type_: str) -> str:
    """The id of the event of this type that follows from this cause. It is the same on every repeat."""
    return derived_id(EVENT_IDS, cause, type_)


def enclose(
    event: E,
    *,
    source: str,
    cause: str,
    now: datetime,
    parent: Context | None = None,
    correlation_id: str | None = None,
    traceparent: str | None = None,
) -> Envelope[E]:
    """
    Put an event into its envelope.

    Args:
        cause: the id of the thing that makes this event a fact, such as a result, an award, or a change of a
            registration. The event's id is computed from it, so a repeat is the same event and not a second
            one.
        parent: the context of the event that is being handled, if there is one.
        traceparent: the trace of the request that is being answered. Without one and without a parent, a
            trace begins.
    """
    context = context_of(
        event.type,
        event.key,
        source=source,
        cause=cause,
        now=now,
        parent=parent,
        correlation_id=correlation_id,
        traceparent=traceparent,
        first_type=event.first_type,
    )
    return Envelope(context, event)


def context_of(
    type_: str,
    key: str,
    *,
    source: str,
    cause: str,
    now: datetime,
    parent: Context | None = None,
    correlation_id: str | None = None,
    traceparent: str | None = None,
    first_type: str | None = None,
) -> Context:
    """The context that `enclose` would give to the event, for senders that write the record themselves."""
    # In each version the id follows from that in the first version: so one version can be made from another.
    fact_id = event_id(cause, first_type) if first_type else None
    id_ = event_id(fact_id or cause, type_)
    return Context(
        id=id_,
        source=source,
        type=type_,
        time=now,
        subject=key,
        correlation_id=correlation_id or (parent.correlation_id if parent else id_),
        causation_id=parent.id if parent else None,
        traceparent=parent.traceparent if parent else traceparent or new_traceparent(),
        fact_id=fact_id,
    )


@lru_cache(maxsize=256)
def _encoded(text: str) -> bytes:
    # Sources and types: there are few, and each event has them.
    return text.encode()


@lru_cache(maxsize=256)
def written_time(moment: datetime) -> bytes:
    """A moment as the header `ce_time` has it."""
    # All events that follow from one batch have the same time.
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z").encode()


def to_headers(context: Context) -> Headers:
    """The Kafka headers of an envelope, all UTF-8."""
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", context.id.encode()),
        ("ce_source", _encoded(context.source)),
        ("ce_type", _encoded(context.type)),
        ("ce_time", written_time(context.time)),
        ("ce_subject", context.subject.encode()),
        ("ce_correlationid", context.correlation_id.encode()),
        ("content-type", CONTENT_TYPE),
    ]
    if context.causation_id is not None:
        headers.append(("ce_causationid", context.causation_id.encode()))
    if context.traceparent is not None:
        headers.append(("traceparent", context.traceparent.encode()))
    if context.fact_id is not None:
        headers.append((FACT_ID, context.fact_id.encode()))
    return headers


def from_headers(
    headers: Found, *, appended_at: Callable[[], datetime], key: bytes | None, step: Step | None = None
) -> Context:
    """
    Read the context of a record.

    Other senders have to give what CloudEvents requires: id, source, type and specversion. Without a time
    the record's own time counts, without a correlation id the event's id, and without a subject its key.

    Args:
        appended_at: returns the record's time. Most records have one in their headers.
        step: of the group that handles the event.
    Raises:
        Rejected: a header is missing, null, too long or not UTF-8; there are too many; or the time is wrong.
    """
    if len(headers) > HEADERS_MAX:
        raise Rejected(f"there are {len(headers)} of at most {HEADERS_MAX} headers", code="bad_header")
    found = _all_together(headers) or _one_by_one(headers)
    try:
        id_, source, type_ = found["ce_id"], found["ce_source"], found["ce_type"]
        version = found["ce_specversion"]
    except KeyError as missing:
        raise Rejected(f"header {missing.args[0]} is missing", code="bad_header") from None
    if version != "1.0":
        raise Rejected(f"ce_specversion is {version[:20]!r}, not '1.0'", code="bad_header")
    if not id_ or not type_:
        raise Rejected(f"header {'ce_type' if id_ else 'ce_id'} is empty", code="bad_header")
    content_type = found.get("content-type", "application/json")
    if not content_type.startswith("application/json"):
        raise Rejected(f"content-type is {content_type[:80]!r}, not application/json", code="bad_header")
    return Context(
        id=id_,
        source=source,
        type=type_,
        time=_time(found["ce_time"]) if "ce_time" in found else appended_at(),
        subject=found["ce_subject"] if "ce_subject" in found else (key or b"").decode(errors="replace"),
        correlation_id=found.get("ce_correlationid", id_),
        causation_id=found.get("ce_causationid"),
        traceparent=step.after(found.get("traceparent"), id_) if step else found.get("traceparent"),
        redriven_from=found.get(REDRIVEN_FROM),
        fact_id=found.get(FACT_ID),
    )


def _all_together(headers: Found) -> dict[str, str] | None:
    """
    Decode all headers in one call, in a fifth of the time; None if one of them may be wrong.

    The values "a" and "b" become "a\\0b", which is decoded once and split again.
    """
    if not headers:
        return {}
    names, values = zip(*headers, strict=True)
    try:
        joined = b"\0".join(values)
        if len(joined) > HEADER_BYTES_MAX:
            return None
        texts = joined.decode().split("\0")
    except (TypeError, UnicodeDecodeError):
        # A value is null, or not UTF-8.
        return None
    # If a value has a zero byte itself, there are more parts than headers.
    return dict(zip(names, texts, strict=True)) if len(texts) == len(values) else None


def _one_by_one(headers: Found) -> dict[str, str]:
    found: dict[str, str] = {}
    size_bytes = 0
    for name, value in headers:
        size_bytes += len(name) + len(value or b"")
        if size_bytes > HEADERS_BYTES_MAX:
            raise Rejected(f"the headers have more than {HEADERS_BYTES_MAX} bytes", code="bad_header")
        if value is None:
            raise Rejected(f"header {name} is null", code="bad_header")
        if len(value) > HEADER_BYTES_MAX:
            raise Rejected(f"header {name} is longer than {HEADER_BYTES_MAX} bytes", code="bad_header")
        try:
            found[name] = value.decode()
        except UnicodeDecodeError:
            raise Rejected(f"header {name} is not UTF-8", code="bad_header") from None
    return found


def _time(text: str) -> datetime:
    """
    A time in UTC.

    Raises:
        Rejected: the text is no time, has no zone, or its year is not in `YEARS`.
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise Rejected("ce_time is not an RFC 3339 time", code="bad_header") from None
    if time.tzinfo is None:
        raise Rejected("ce_time has no time zone", code="bad_header")
    # Check the written year: near the ends of the calendar the change to UTC overflows.
    if time.year not in YEARS:
        raise Rejected(f"ce_time lies outside the years {YEARS[0]} to {YEARS[-1]}", code="bad_header")
    return time if time.tzinfo is UTC else time.astimezone(UTC)


def decoder(contract: type[E]) -> Callable[[Sequence[bytes]], Sequence[E]]:
    """
    Decodes the values of many records by their contract, in order.

    A refusal costs no more than a good value of the same size, whatever the value holds.

    The function that is returned raises Rejected (`bad_body`) if any value is wrong.
    """
    validate = to_first_wrong(contract.__pydantic_core_schema__).validate_json

    def decode(values: Sequence[bytes]) -> Sequence[E]:
        for value in values:
            if b"NaN" in value or b"Infinity" in value:
                check_numbers(value)
        try:
            return [validate(value) for value in values]
        except ValidationError as error:
            raise Rejected(first_problem(error), code="bad_body") from error
        except FirstWrong as missing:
            raise Rejected(f"{missing.field}: Field required", code="bad_body") from None

    return decode
