"""The keys of participants who exist already."""

from collections.abc import Collection
from datetime import datetime

from msgspec.structs import replace

from services.registration.participants import events
from services.registration.participants.keys import KeySealer
from services.registration.participants.store import ParticipantStore
from shared.contracts.origin import Origin
from shared.storage.unit_of_work import UnitOfWork


async def ensure_keys(
    unit: UnitOfWork,
    participant_ids: Collection[str],
    participants: ParticipantStore,
    sealer: KeySealer,
    origin: Origin,
    now: datetime,
) -> dict[str, bytes]:
    """
    The key of each participant who is not erased.

    Backups do not contain the keys. If a restored database has no key, a new key is made for new tickets.
    Data that the old key has encrypted cannot be opened any more, so the contact is deleted.
    """
    keys = await participants.keys(unit, participant_ids)
    missing = set(participant_ids) - keys.keys()
    for participant in (await participants.lock(unit, missing)).values():
        if participant.profile is None:
            continue
        key = sealer.new_key()
        keys[participant.participant_id] = key.key
        profile = replace(participant.profile, contact_locked=None, by_phone=False)
        renewed = replace(participant, profile=profile, version=participant.version + 1)
        await participants.save(unit, renewed)
        await participants.add_keys(unit, {renewed.participant_id: key.key})
        unit.publish(*events.joined(renewed, key, origin, now))
    return keys
