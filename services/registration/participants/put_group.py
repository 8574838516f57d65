"""An organiser puts a group: a school, unit or service team, which is a participant too."""

from msgspec.structs import replace

from services.registration.participants import events
from services.registration.participants.keys import KeySealer
from services.registration.participants.rules import Group, Participant, ParticipantId, Profile
from services.registration.participants.store import GroupStore, ParticipantStore
from shared.contracts.origin import Origin
from shared.contracts.sealing import Contact, encrypt_contact
from shared.runtime import clock
from shared.runtime.errors import Conflict
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together


class GroupChanges:
    """Saves groups, and their participants: each group is also a participant."""

    def __init__(
        self, database: Database, groups: GroupStore, participants: ParticipantStore, sealer: KeySealer
    ) -> None:
        self._database = database
        self._groups = groups
        self._participants = participants
        self._sealer = sealer

    async def put(
        self,
        group: Group,
        contact: Contact | None,
        origin: Origin,
        *,
        keep_contact: bool = False,
        keep_language: bool = False,
    ) -> Group:
        """
        Save a group. An unchanged group is published only once, and its key stays the same.

        Args:
            group: with the fingerprint of `contact`.
            keep_contact: the contact stays as it was. Nobody can read it, so nobody can put it again.
            keep_language: the language stays as it was, if the group exists.

        Returns: the group as it is now.
        Raises:
            Conflict: the id is a person's, or an erased participant's.
        """

        async def work(unit: UnitOfWork) -> Group:
            return await self.put_in(
                unit, group, contact, origin, keep_contact=keep_contact, keep_language=keep_language
            )

        return await save_together(self._database, work)

    async def put_in(
        self,
        unit: UnitOfWork,
        group: Group,
        contact: Contact | None,
        origin: Origin,
        *,
        keep_contact: bool = False,
        keep_language: bool = False,
    ) -> Group:
        """`put` as a part of another transaction."""
        id_ = ParticipantId(group.group_id)
        existing = (await self._participants.lock(unit, [id_])).get(id_)
        before = existing.profile if existing else None
        taken_over = existing is not None and existing.gives_way
        if existing is not None and not existing.is_group and not taken_over:
            raise Conflict(f"{id_} is the id of a participant that is no group", code="group_id_taken")
        stored = await self._groups.read_in(unit, id_)
        own_key = (await self._participants.keys(unit, [id_])).get(id_)
        # A contact cannot be kept without the key that encrypted it.
        # And what another system said of a person is no group's contact.
        kept = before.contact_locked if before and own_key and not taken_over else None
        if keep_contact:
            fingerprint = stored.contact_fingerprint if stored and kept else None
            group = replace(group, contact_fingerprint=fingerprint)
        if keep_language and before:
            group = replace(group, language=before.language)
        same_contact = keep_contact or (kept is None) == (contact is None)
        if own_key and stored == group and same_contact:
            return group
        key = self._sealer.seal(own_key) if own_key else self._sealer.new_key()
        encrypted = encrypt_contact(contact, key.key) if contact else kept if keep_contact else None
        now = clock.now()
        tokens_from = existing.tokens_from if existing else None
        participant = Participant(
            id_,
            _profile(group, encrypted),
            existing.version + 1 if existing else 1,
            # The organiser vouches for the contact.
            verified_at=(existing and existing.verified_at) or now,
            tokens_from=now if taken_over else tokens_from,
        )
        await self._groups.save(unit, group)
        await self._participants.save(unit, participant)
        if own_key is None:
            await self._participants.add_keys(unit, {id_: key.key})
        unit.publish(*events.joined(participant, key, origin, now))
        return group


def _profile(group: Group, contact_locked: str | None) -> Profile:
    return Profile(
        kind="group",
        group_id=None,
        district=group.district,
        audience="other",
        language=group.language,
        contact_locked=contact_locked,
    )
