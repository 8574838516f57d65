"""Names as registration publishes them for awards."""

from typing import Any

import msgspec

from shared.contracts.events import ParticipantNamed
from shared.contracts.sealing import encrypt_words, new_key, seal_key
from tests.support.service import NAME_PUBLIC_KEY

AT_HOME = {"recipient": "李小明", "phone": "138 0013 8000", "region": "濮阳市华龙区", "street": "=建设路1号"}


def named(
    participant_id: str,
    name: str | None = "李小明",
    *,
    version: int = 1,
    address: dict[str, str] | None = None,
    public_key: str = NAME_PUBLIC_KEY,
    **changes: Any,
) -> ParticipantNamed:
    """A person who has chosen nothing, unless told otherwise."""
    key = new_key()
    fields: dict[str, Any] = {
        "participant_id": participant_id,
        "version": version,
        "kind": "person",
        "district": "华龙区",
        "shown": "masked",
        "name_locked": name and encrypt_words(name, key),
        "address_locked": address and encrypt_words(msgspec.json.encode(address).decode(), key),
        "key_sealed": seal_key(key, public_key),
    }
    return ParticipantNamed(**fields | changes)


def unnamed(participant_id: str, version: int = 2) -> ParticipantNamed:
    """What registration publishes at an erasure."""
    return ParticipantNamed(participant_id=participant_id, version=version, kind=None, key_sealed=None)
