"""Groups as organisers put them: schools, units, service teams, who are participants too."""

from msgspec.structs import replace

from services.registration.booking.events import Origin
from services.registration.booking.rules import ParticipantId
from services.registration.booking.store import Books
from services.registration.participants import events as rush_events
from services.registration.participants.rules import Group, Participant, Profile
from services.registration.programme.store import RegistrationStore
from shared.contracts.sealing import Contact, lock_contact
from shared.runtime import clock
from shared.runtime.errors import Conflict


async def put_group(
    group: Group,
    contact: Contact | None,
    store: RegistrationStore,
    origin: Origin,
    *,
    keep_contact: bool = False,
    keep_language: bool = False,
) -> Group:
    """
    Save a group, which is a participant too; unchanged, it is told of once only. Its key stays.

    Args:
        group: with the fingerprint of `contact`.
        keep_contact: it stays as it was, since nobody can read it back to put it again.
        keep_language: it stays as it was, where there was one.

    Returns: the group as it is now.
    Raises:
        Conflict: the id is a person's.
    """

    async def work(books: Books) -> Group:
        id_ = ParticipantId(group.group_id)
        existing = (await books.participants([id_])).get(id_)
        before = existing.profile if existing else None
        if existing is not None and (before is None or before.kind != "group"):
            raise Conflict(f"{id_} is the id of a participant that is no group", code="group_id_taken")
        stored = await books.group(id_)
        own_key = (await books.contact_keys([id_])).get(id_)
        # A contact that was locked with a key which is no more cannot be kept.
        kept = before.contact_locked if before and own_key else None
        saved = group
        if keep_contact:
            saved = replace(
                saved, contact_fingerprint=stored.contact_fingerprint if stored and kept else None
            )
        if keep_language and before:
            saved = replace(saved, language=before.language)
        same_contact = keep_contact or (kept is None) == (contact is None)
        if own_key and stored == saved and same_contact:
            return saved
        key = books.lockbox.sealed(own_key) if own_key else books.lockbox.new_key()
        locked = lock_contact(contact, key.key) if contact else kept if keep_contact else None
        version = existing.version + 1 if existing else 1
        participant = Participant(id_, _profile(saved, locked), version)
        await books.save_group(saved)
        await books.save_participant(participant)
        if own_key is None:
            await books.add_contact_keys({id_: key.key})
        await books.tell(rush_events.joined(participant, key, origin, clock.now()))
        return saved

    return await store.transaction(work)


def _profile(group: Group, contact_locked: str | None) -> Profile:
    return Profile(
        kind="group",
        group_id=None,
        district=group.district,
        audience="other",
        language=group.language,
        contact_locked=contact_locked,
    )
