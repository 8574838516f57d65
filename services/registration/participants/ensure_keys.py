"""The keys of participants who are there already."""

from collections.abc import Collection
from datetime import datetime

from msgspec.structs import replace

from services.registration.booking.events import Announced, Origin
from services.registration.booking.store import Books
from services.registration.participants import events as rush_events


async def keys_of(
    books: Books, participant_ids: Collection[str], origin: Origin, now: datetime
) -> tuple[dict[str, bytes], list[Announced]]:
    """
    The key of each participant who is not erased.

    Keys are left out of backups. Where one is missing after a restoration, a new one is made: new tickets
    can be locked, and what the old key locked stays closed, the contact too.

    Returns: the keys, and the events to tell.
    """
    keys = await books.contact_keys(participant_ids)
    events: list[Announced] = []
    missing = set(participant_ids) - keys.keys()
    for participant in (await books.participants(missing)).values():
        if participant.profile is None:
            continue
        made = books.lockbox.new_key()
        keys[participant.participant_id] = made.key
        profile = replace(participant.profile, contact_locked=None)
        anew = replace(participant, profile=profile, version=participant.version + 1)
        await books.save_participant(anew)
        await books.add_contact_keys({anew.participant_id: made.key})
        events += rush_events.joined(anew, made, origin, now)
    return keys, events
