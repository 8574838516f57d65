"""Choose how a name is shown on awards: one's own, or that of somebody who cannot sign in."""

from collections.abc import Awaitable, Callable

import msgspec
from msgspec.structs import replace

from services.registration.award_names.rules import (
    AT_FIRST,
    Address,
    Chosen,
    check_no_own_sign_in,
    check_shown,
    chosen_of,
    own_choice,
)
from services.registration.participants import events
from services.registration.participants.rules import NameChoice, Participant
from services.registration.participants.store import ParticipantStore
from services.registration.rosters.edit_member import member_unknown
from services.registration.rosters.rules import speaks_for
from services.registration.rosters.store import RosterStore
from shared.contracts.events import NameShown, ParticipantKind
from shared.contracts.origin import Origin
from shared.contracts.sealing import encrypt_words
from shared.runtime import clock
from shared.runtime.errors import Forbidden, NotAuthenticated, NotFound
from shared.runtime.versions import Matching, always, check_version
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together


class Wish(msgspec.Struct, frozen=True):
    """
    How a name shall be shown. What `fields` does not name stays as it is.

    Attributes:
        shown: None: as at first.
    """

    shown: NameShown | None = None
    spelling: str | None = None
    address: Address | None = None
    fields: frozenset[str] = frozenset({"shown", "spelling", "address"})

    def __repr__(self) -> str:
        return "Wish(sealed)"


# Locks the participant who is meant; raises if the one who asks must not choose.
Find = Callable[[UnitOfWork], Awaitable[Participant]]


class NameChoices:
    """Reads and changes choices."""

    def __init__(self, database: Database, participants: ParticipantStore, members: RosterStore) -> None:
        self._database = database
        self._participants = participants
        self._members = members

    async def own(
        self,
        participant_id: str,
        wish: Wish | None,
        origin: Origin,
        *,
        issued_at: int,
        matches: Matching = always,
    ) -> Chosen:
        """
        One's own choice, changed before if there is a wish.

        Whoever has not verified the contact cannot choose: it may be somebody else's.

        Args:
            issued_at: of the token of this request, in seconds since 1970.

        Raises:
            NotAuthenticated: the participant does not exist, or is erased, or the token has ended.
            Forbidden: the contact is not verified.
            Outdated: it is not the version that was read.
            Rejected: a group is not masked.
        """

        async def find(unit: UnitOfWork) -> Participant:
            found = (await self._participants.lock(unit, [participant_id])).get(participant_id)
            if found is None:
                raise NotAuthenticated(
                    "the token's participant does not exist here", code="participant_unknown"
                )
            if found.profile is None:
                raise NotAuthenticated("this participant was erased", code="participant_erased")
            found.check_token(issued_at)
            if not found.is_verified:
                raise Forbidden(
                    "verify your e-mail or phone number first (POST /sign-ins), and ask again with the new "
                    "token",
                    code="contact_unverified",
                )
            return found

        return await self._choose(find, wish, origin, matches)

    async def of_participant(
        self, participant_id: str, wish: Wish | None, origin: Origin, matches: Matching = always
    ) -> Chosen:
        """
        The choice for a group, or for somebody who cannot sign in, by organisers.

        Raises:
            NotFound: there is no such participant, or no more.
            Conflict: the person can choose alone.
            Outdated, Rejected: see `own`.
        """

        async def find(unit: UnitOfWork) -> Participant:
            found = (await self._participants.lock(unit, [participant_id])).get(participant_id)
            if found is None or found.profile is None:
                raise NotFound(
                    f"there is no participant {participant_id}",
                    code="person_unknown",
                    participant_id=participant_id,
                )
            check_no_own_sign_in(found, proved=await self._has_proved(unit, found))
            return found

        return await self._choose(find, wish, origin, matches)

    async def of_member(
        self,
        group_id: str,
        member_id: str,
        wish: Wish | None,
        origin: Origin,
        matches: Matching = always,
    ) -> Chosen:
        """
        The choice for a member of a group who came by this group and cannot sign in, by the group's managers.

        Raises:
            NotFound: there is no such member.
            Conflict: the person can choose alone, or another group has the same member.
            Outdated, Rejected: see `own`.
        """

        async def find(unit: UnitOfWork) -> Participant:
            member = (await self._members.by_id(unit, group_id, [member_id])).get(member_id)
            if member is None:
                raise member_unknown(member_id)
            id_ = member.participant_id
            found = (await self._participants.lock(unit, [id_])).get(id_)
            if found is None or found.profile is None:
                raise member_unknown(member_id)
            is_shared = bool(await self._members.shared(unit, [id_]))
            if not speaks_for(member, found, is_shared=is_shared):
                raise own_choice()
            return found

        return await self._choose(find, wish, origin, matches)

    async def _choose(self, find: Find, wish: Wish | None, origin: Origin, matches: Matching) -> Chosen:
        async def work(unit: UnitOfWork) -> Chosen:
            found = await find(unit)
            id_, profile = found.participant_id, found.profile
            assert profile is not None  # noqa: S101 (`find` returns nobody else)
            key = (await self._participants.keys(unit, [id_])).get(id_)
            before = (await self._participants.names.choices(unit, [id_])).get(id_, NameChoice(id_))
            now = chosen_of(before, profile.kind, key)
            if wish is None:
                return now
            check_version(matches, before.version, "the choice")
            check_shown(profile.kind, wish.shown)
            after = _after(before, now, wish, profile.kind, key)
            if after == before:
                return now
            await self._participants.names.save(unit, after)
            renewed = replace(found, version=found.version + 1)
            await self._participants.save(unit, renewed)
            unit.publish(events.changed(renewed, origin, clock.now()))
            return chosen_of(after, profile.kind, key)

        return await save_together(self._database, work)

    async def _has_proved(self, unit: UnitOfWork, found: Participant) -> bool:
        if found.contact_hash is None:
            return False
        known = (await self._participants.contacts.known(unit, [found.contact_hash])).get(found.contact_hash)
        return known is not None and known.proved


def _after(
    before: NameChoice, now: Chosen, wish: Wish, kind: ParticipantKind, key: bytes | None
) -> NameChoice:
    """The choice with what differs from now; encrypted again only then."""
    if key is None:
        # A restored database; the next request for a place makes a key.
        raise NotFound("the participant has no key here", code="person_unknown")
    after = before
    if "shown" in wish.fields and (wish.shown or AT_FIRST[kind]) != now.shown:
        after = replace(after, shown=wish.shown)
    if "spelling" in wish.fields and wish.spelling != now.spelling:
        after = replace(after, spelling_locked=wish.spelling and encrypt_words(wish.spelling, key))
    if "address" in wish.fields and wish.address != now.address:
        words = msgspec.json.encode(wish.address).decode() if wish.address else None
        after = replace(after, address_locked=words and encrypt_words(words, key))
    return after
