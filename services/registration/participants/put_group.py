"""Somebody puts a group: a school, unit or service team, which is a participant too."""

from msgspec.structs import replace

from services.registration.participants import events
from services.registration.participants.keys import KeySealer
from services.registration.participants.rules import (
    NOTHING_KEPT,
    Group,
    Kept,
    Participant,
    ParticipantId,
    Profile,
    group_unknown,
)
from services.registration.participants.store import GroupStore, ParticipantStore
from shared.contracts.origin import Origin
from shared.contracts.sealing import Contact, encrypt_contact
from shared.runtime import clock
from shared.runtime.errors import Conflict
from shared.runtime.versions import Matching, always, check_version
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
        self, group: Group, contact: Contact | None, origin: Origin, kept: Kept, matches: Matching = always
    ) -> Group:
        """
        Save a group. An unchanged group is published only once, and its key stays the same.

        Args:
            group: with the fingerprint of `contact`; its version counts for nothing.
            kept: what stays as it was.

        Returns: the group as it is now.
        Raises:
            NotFound: its kind shall stay, and there is no such group.
            Outdated: it is not the version that was read.
            Conflict: the id is a person's, or an erased participant's.
        """

        async def work(unit: UnitOfWork) -> Group:
            return await self.put_in(unit, group, contact, origin, kept, matches)

        return await save_together(self._database, work)

    async def put_in(
        self,
        unit: UnitOfWork,
        group: Group,
        contact: Contact | None,
        origin: Origin,
        kept: Kept = NOTHING_KEPT,
        matches: Matching = always,
    ) -> Group:
        """`put` as a part of another transaction."""
        id_ = ParticipantId(group.group_id)
        existing = (await self._participants.lock(unit, [id_])).get(id_)
        before = existing.profile if existing else None
        taken_over = existing is not None and existing.gives_way
        if existing is not None and not existing.is_group and not taken_over:
            raise Conflict(f"{id_} is the id of a participant that is no group", code="group_id_taken")
        stored = await self._groups.read_in(unit, id_)
        if kept.kind and stored is None:
            raise group_unknown(id_)
        check_version(matches, stored.version if stored else None, f"group {id_}")
        own_key = (await self._participants.keys(unit, [id_])).get(id_)
        # A contact cannot be kept without the key that encrypted it.
        # And what another system said of a person is no group's contact.
        locked = before.contact_locked if before and own_key and not taken_over else None
        group = _with_kept(group, stored, before, kept, has_contact=locked is not None)
        same_contact = kept.contact or (locked is None) == (contact is None)
        if own_key and stored == group and same_contact:
            return group
        group = replace(group, version=stored.version + 1 if stored else 1)
        key = self._sealer.seal(own_key) if own_key else self._sealer.new_key()
        encrypted = encrypt_contact(contact, key.key) if contact else locked if kept.contact else None
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


def _with_kept(
    group: Group, stored: Group | None, before: Profile | None, kept: Kept, *, has_contact: bool
) -> Group:
    """The group with what stays of the stored one, and in its version."""
    if kept.contact:
        fingerprint = stored.contact_fingerprint if stored and has_contact else None
        group = replace(group, contact_fingerprint=fingerprint)
    if kept.language and before:
        group = replace(group, language=before.language)
    if kept.kind and stored:
        group = replace(group, kind=stored.kind)
    return replace(group, version=stored.version if stored else 1)


def _profile(group: Group, contact_locked: str | None) -> Profile:
    return Profile(
        kind="group",
        group_id=None,
        district=group.district,
        audience="other",
        language=group.language,
        contact_locked=contact_locked,
    )
