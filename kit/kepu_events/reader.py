"""Makes events of records, by the same rules as the services of the week."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from shared.contracts.envelope import Envelope, Event, Found, decoder, from_headers
from shared.runtime.errors import Rejected

log = logging.getLogger(__name__)

TYPE = "ce_type"


class Reader:
    """
    Reads records of some contracts.

    Args:
        contracts: at least one, such as `events.RegistrationConfirmed`.
    """

    def __init__(self, *contracts: type[Event]) -> None:
        if not contracts:
            raise ValueError("name at least one contract, such as events.RegistrationConfirmed")
        self._contracts = {contract.type: contract for contract in contracts}
        self._decoders: dict[str, Callable[[list[bytes]], Any]] = {
            contract.type: decoder(contract) for contract in contracts
        }
        self.topics = sorted({contract.topic for contract in contracts})

    def read(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Found,
        timestamp_ms: int,
    ) -> Envelope[Event] | None:
        """
        The event of a record with its context; None if you have not asked for this type.

        A later version of a contract has another type, so a program that does not know it yet ignores it.

        Args:
            headers: as the client gives them: names, and values in bytes.
            timestamp_ms: the record's time, in milliseconds since 1970.
        Raises:
            Rejected: the record is wrong. `code` is that of our dead letters, such as `bad_body`.
        """
        told = dict(headers).get(TYPE)
        contract = self._contracts.get(told.decode(errors="replace")) if told else None
        if told and (contract is None or contract.topic != topic):
            return None
        context = from_headers(headers, appended_at=lambda: _time(timestamp_ms), key=key)
        # A record without a type ends above: from_headers refuses it.
        event = self._event(self._contracts[context.type], key, value)
        return Envelope[Event](context, event)

    def _event(self, contract: type[Event], key: bytes | None, value: bytes | None) -> Event:
        if value is None:
            raise Rejected("the record has no value", code="bad_body")
        if len(value) > contract.bytes_max:
            raise Rejected(
                f"the body has {len(value)} of at most {contract.bytes_max} bytes", code="too_large"
            )
        [event] = self._decoders[contract.type]([value])
        found: Event = event
        if key != found.key.encode():
            raise Rejected("the record's key is not the event's own", code="key_differs")
        return found


def _time(timestamp_ms: int) -> datetime:
    try:
        return datetime.fromtimestamp(timestamp_ms / 1000, UTC)
    except (OverflowError, OSError, ValueError):
        raise Rejected(f"the record's time {timestamp_ms} is impossible", code="bad_time") from None


Refused = Callable[[Rejected, str], None]
"""Is told why a record was refused, and its place: topic/partition/offset."""


def log_refused(why: Rejected, place: str) -> None:
    """Log a record that was refused, without its content. The next record is read."""
    log.warning("%s is refused: %s (%s)", place, why.message, why.code)
