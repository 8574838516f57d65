"""What an endpoint is, which events it gets, when it is disabled, and how its secrets are rotated."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

import msgspec

from shared.contracts import events, topics
from shared.contracts.envelope import Event
from shared.runtime.errors import Conflict, Rejected

ENDPOINTS_MAX = 100
URL_CHARS_MAX = 500
DESCRIPTION_CHARS_MAX = 200
# Standard Webhooks asks for 24 to 64 random bytes.
SECRET_BYTES = 32
SECRET_PREFIX = "whsec_"  # noqa: S105 (how each secret begins)
# The present secret, and the one before it while a rotation is under way.
SECRETS_MAX = 2
# How long both secrets sign after a rotation: a partner's release may need a day.
ROTATION = timedelta(hours=24)
# An endpoint that has taken nothing for so long is disabled. It is longer than one delivery is tried
# (sending/rules.py), so at least one has failed for good.
FAILING = timedelta(days=5)

Disabled: TypeAlias = Literal["by_organiser", "failing", "gone", "backlog_full"]
State: TypeAlias = Literal["enabled", "disabled"]

CONTRACTS: Mapping[str, type[Event]] = {
    contract.type: contract
    for contract in events.ALL
    if topics.WEBHOOKS in topics.declared(contract).optional_groups
}
"""The events that an endpoint may ask for, by type."""
ERASED_TYPE = events.ParticipantErased.type
PERSON_FIELDS = ("participant_id", "recipient_id")


class Secret(msgspec.Struct, frozen=True):
    """
    A secret that signs, encrypted.

    `until`: it signs until then; None: it is the present one.
    """

    locked: str
    until: datetime | None = None


class Endpoint(msgspec.Struct, frozen=True):
    """
    Where a partner wants events.

    Attributes:
        key: of this endpoint alone. If it is deleted and put again, the new one has another key, so it gets
            nothing that was stored for the old one.
        types: of the events that it asked for.
        disabled: why it gets nothing now; None: it is enabled.
        failing_since: the first failure after the last delivery; None: the last try was a delivery.
        missed_from, missed_until: it does not get some events of this time: its backlog was full, or they
            have waited too long. They stay until it misses events again.
        missed_ended: it works again, so the next event that it misses begins a new time.
    """

    endpoint_id: str
    key: str
    url: str
    types: tuple[str, ...]
    description: str
    secrets: tuple[Secret, ...]
    version: int
    created_at: datetime
    disabled: Disabled | None = None
    disabled_at: datetime | None = None
    failing_since: datetime | None = None
    delivered_at: datetime | None = None
    missed_from: datetime | None = None
    missed_until: datetime | None = None
    missed_ended: bool | None = None

    @property
    def state(self) -> State:
        """Whether it gets anything."""
        return "enabled" if self.disabled is None else "disabled"

    @property
    def all_types(self) -> frozenset[str]:
        """
        The types that it gets.

        Whoever gets events about people also hears who was erased, without asking: they have to forget them
        too.
        """
        asked = frozenset(self.types)
        return asked | {ERASED_TYPE} if any(map(is_about_a_person, asked)) else asked

    def wants(self, type_: str, appended_at: datetime) -> bool:
        """Whether it gets an event of this type that was appended then: nothing from before it was put."""
        return appended_at >= self.created_at and type_ in self.all_types

    def signing(self, now: datetime) -> list[Secret]:
        """The secrets that sign now, the present one first."""
        return [one for one in self.secrets if one.until is None or now < one.until]

    def is_given_up(self, now: datetime) -> bool:
        """Whether it has failed for so long that it is to be disabled."""
        return self.failing_since is not None and now - self.failing_since >= FAILING


def is_about_a_person(type_: str) -> bool:
    """Whether events of this type are about one participant."""
    contract = CONTRACTS.get(type_)
    return contract is not None and any(field in contract.model_fields for field in PERSON_FIELDS)


def person_of(event: Event) -> str | None:
    """The participant whom an event is about, if it is about one."""
    return next((getattr(event, field) for field in PERSON_FIELDS if hasattr(event, field)), None)


def check_types(types: Sequence[str]) -> tuple[str, ...]:
    """
    The types in order, each once.

    Raises:
        Rejected: one is not a type that webhooks deliver (`event_type_unknown`).
    """
    for one in types:
        if one not in CONTRACTS:
            raise Rejected(
                f"{one} is no type that webhooks deliver: GET /event-types lists them",
                code="event_type_unknown",
            )
    return tuple(sorted(set(types)))


def check_url(url: str, *, only_public: bool) -> None:
    """
    Check the form of an address. Where its host leads is checked at each connection (sending/egress.py).

    Raises:
        Rejected: it is no address that events are sent to (`url_invalid`).
    """
    try:
        parts = urlsplit(url)
        # Reading the port checks it.
        _ = parts.port
        host = parts.hostname
    except ValueError:
        raise _invalid("it is no URL") from None
    if parts.scheme != "https" and (only_public or parts.scheme != "http"):
        raise _invalid("it has to begin with https://")
    if not host or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise _invalid("it has to be printable ASCII with a host; write other letters as punycode and %XX")
    if parts.username is not None or parts.password is not None:
        raise _invalid("it has a user or a password; deliveries are signed instead")
    if parts.fragment or "#" in url:
        raise _invalid("it has a fragment, which no server gets")


def _invalid(why: str) -> Rejected:
    return Rejected(f"the address of the endpoint cannot be used: {why}", code="url_invalid", why=why)


def rotated(secrets: Sequence[Secret], new: Secret, now: datetime, *, at_once: bool) -> tuple[Secret, ...]:
    """
    The secrets after a rotation.

    Args:
        at_once: the old secrets end now, since somebody else may know them.
    Raises:
        Conflict: a rotation is under way, so a third secret would sign (`rotation_under_way`).
    """
    if at_once:
        return (new,)
    signing = [one for one in secrets if one.until is None or now < one.until]
    if len(signing) >= SECRETS_MAX:
        until = max(one.until for one in signing if one.until is not None)
        raise Conflict(
            f"a rotation is under way until {until:%Y-%m-%dT%H:%M:%SZ}: wait, or end the old secret now "
            "with at_once",
            code="rotation_under_way",
        )
    return (new, *(Secret(one.locked, now + ROTATION) for one in signing))
