"""Partners, and commands as they write them."""

from datetime import UTC, datetime
from uuid import uuid4

from shared.contracts.envelope import Headers
from shared.contracts.events import RegistrationRequested
from shared.contracts.partners import Partner

NOW = datetime(2027, 5, 20, 1, 0, tzinfo=UTC)
REQUESTS = RegistrationRequested.topic


def a_partner(
    name: str = "",
    *,
    source: str = "",
    writes: tuple[str, ...] = (REQUESTS,),
    reads: tuple[str, ...] = (),
    rate_per_second: int = 1_000,
) -> Partner:
    """A partner that no other test has."""
    name = name or f"hall-{uuid4().hex[:8]}"
    return Partner(name, source or name, writes, reads, rate_per_second, NOW)


def a_command(
    source: str, number: int = 0, *, key: bytes | None = None, value: bytes | None = None
) -> tuple[bytes, bytes, Headers]:
    """Key, value and headers of a command for a place, as a program of another team writes it."""
    person = f"person-{source.replace('/', '-')}-{number}"
    command = RegistrationRequested(
        request_id=f"request-{number}", participant_id=person, session_id="talk-1"
    )
    headers = [
        ("ce_specversion", b"1.0"),
        ("ce_id", f"{source}-{number}".encode()),
        ("ce_source", source.encode()),
        ("ce_type", RegistrationRequested.type.encode()),
    ]
    return key or person.encode(), value or command.model_dump_json().encode(), headers
