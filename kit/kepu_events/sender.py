"""Makes the records of one system: headers, ids that are the same on every repeat, keys."""

import re
from datetime import datetime
from typing import NamedTuple

from shared.contracts.envelope import (
    EVENT_IDS,
    HEADER_BYTES_MAX,
    Context,
    Event,
    Headers,
    context_of,
    to_headers,
)
from shared.contracts.topics import ingress
from shared.runtime.clock import now as clock_now
from shared.runtime.errors import Rejected
from shared.runtime.ids import derived_id, joined

OURS = "kepu/"
SOURCE_CHARS_MAX = 200
CAUSE_BYTES_MAX = 1_024
# The field from which the id is made, if nothing else is named.
REQUEST = "request_id"
# Longer than any source: every header has this bound.
assert SOURCE_CHARS_MAX < HEADER_BYTES_MAX  # noqa: S101
_SOURCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~:/-]*")
_PARTNER = re.compile(r"[a-z][a-z0-9-]{1,29}")


class Record(NamedTuple):
    """A record of Kafka, ready to be written. Send it again unchanged, and nothing happens twice."""

    topic: str
    key: bytes
    value: bytes
    headers: Headers

    @property
    def id(self) -> str:
        """The event's `ce_id`."""
        return dict(self.headers)["ce_id"].decode()


class Sender:
    """
    Your system, as the sender of events.

    Args:
        source: its name, the same for ever, such as "schools/examination-hall".
        partner: the name under which the organisers know you, if they have made you a partner. Partners write
            to topics of their own.
    Raises:
        ValueError: the name is none that an event, or a partner, can have.
    """

    def __init__(self, source: str, *, partner: str = "") -> None:
        if len(source) > SOURCE_CHARS_MAX or not _SOURCE.fullmatch(source):
            raise ValueError(
                f"the source has 1 to {SOURCE_CHARS_MAX} letters, digits and . _ ~ : / -, and begins with a"
                " letter or a digit: one is schools/examination-hall"
            )
        if source.startswith(OURS):
            raise ValueError(
                f"a source that begins with {OURS} belongs to the week's own services: choose another name"
            )
        if partner and not _PARTNER.fullmatch(partner):
            raise ValueError(
                "a partner's name has 2 to 30 small letters, digits and dashes, and begins with a letter:"
                " ask the organisers for yours"
            )
        self.source = source
        self._partner = partner

    def id_of(self, *parts: str) -> str:
        """
        A UUID for something of yours, such as a person. The same parts always give the same id.

        Two systems never give the same id, also if both have a person "4711".
        """
        return derived_id(EVENT_IDS, self.source, *parts)

    def record(
        self,
        event: Event,
        *,
        cause: str = "",
        parent: Context | None = None,
        now: datetime | None = None,
    ) -> Record:
        """
        The record of an event.

        Args:
            cause: the id of what makes this event a fact, such as your request. The `ce_id` is computed from
                it. If you leave it out, the event's `request_id` is used.
            parent: the context of the event that you answer to.
            now: when it happened; by default at this moment.
        Raises:
            ValueError: there is no cause, or it is too long.
            Rejected: the event is larger than its readers allow (`too_large`).
        """
        cause = cause or getattr(event, REQUEST, "")
        if not 0 < len(cause.encode()) <= CAUSE_BYTES_MAX:
            raise ValueError(
                f"{event.type} needs a cause of 1 to {CAUSE_BYTES_MAX} bytes: the id of what makes it a fact"
            )
        value = event.model_dump_json().encode()
        if len(value) > event.bytes_max:
            raise Rejected(
                f"{event.type} has {len(value)} of at most {event.bytes_max} bytes: make it smaller",
                code="too_large",
            )
        context = context_of(
            event.type,
            event.key,
            source=self.source,
            # Others may have the same cause, and must not get the same id.
            cause=joined(self.source, cause),
            now=now or clock_now(),
            parent=parent,
        )
        topic = ingress(self._partner, event.topic) if self._partner else event.topic
        return Record(topic, event.key.encode(), value, to_headers(context))
