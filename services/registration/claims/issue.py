"""Managers get the codes of members, to hand out on paper."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from services.registration.claims.codes import ClaimCodes
from services.registration.claims.rules import CODE_VALID, ClaimCode, is_claimable, round_now
from services.registration.claims.store import ClaimStore
from services.registration.participants.store import ParticipantStore
from services.registration.rosters.edit_member import member_unknown
from services.registration.rosters.rules import Member
from services.registration.rosters.store import RosterStore
from shared.runtime import clock
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together


class Issued(msgspec.Struct, frozen=True):
    """A member's code; None if a code cannot make anybody this member (rules.py, `is_claimable`)."""

    member_id: str
    code: str | None
    expires_at: datetime | None


class ClaimCodeIssue:
    """Gives managers codes."""

    def __init__(
        self,
        database: Database,
        members: RosterStore,
        participants: ParticipantStore,
        claims: ClaimStore,
        codes: ClaimCodes,
    ) -> None:
        self._database = database
        self._members = members
        self._participants = participants
        self._claims = claims
        self._codes = codes

    async def issue(self, group_id: str, member_ids: Sequence[str], *, renew: bool) -> list[Issued]:
        """
        The codes of these members. While a code is good and nobody has used it, the same one is given again.

        Whoever has left the group may come back by a code: only that person, and with the own token.

        Args:
            renew: other codes are given, and the former ones end.

        Raises:
            NotFound: one is no member of this group.
        """

        async def work(unit: UnitOfWork) -> list[Issued]:
            # As in every change of a roster: no member is removed meanwhile.
            await self._participants.lock(unit, [group_id])
            found = await self._members.by_id(unit, group_id, member_ids)
            left = await self._members.left.by_id(
                unit, group_id, [one for one in member_ids if one not in found]
            )
            missing = next((one for one in member_ids if one not in found and one not in left), None)
            if missing is not None:
                raise member_unknown(missing)
            now = clock.now()
            closed = await unclaimable(unit, self._members, self._participants, list(found.values()))
            before = await self._claims.of_members(unit, [*found, *left])
            codes, issued = [], []
            for id_ in dict.fromkeys(member_ids):
                if id_ in closed:
                    issued.append(Issued(id_, None, None))
                    continue
                round_ = round_now(before.get(id_), now, renew=renew)
                code = self._codes.code(group_id, id_, round_)
                hash_ = self._codes.hash_of(group_id, code)
                codes.append(ClaimCode(id_, group_id, hash_, now + CODE_VALID, round_))
                issued.append(Issued(id_, code, now + CODE_VALID))
            await self._claims.save(unit, codes)
            return issued

        return await save_together(self._database, work)


async def unclaimable(
    unit: UnitOfWork, members: RosterStore, participants: ParticipantStore, these: Sequence[Member]
) -> set[str]:
    """The ids of those of these members whom nobody becomes by a code."""
    ids = [one.participant_id for one in these]
    found = await participants.lock(unit, ids)
    shared = await members.shared(unit, ids)
    hashes = {one.contact_hash for one in found.values() if one.contact_hash is not None}
    known = await participants.contacts.known(unit, hashes)
    proved = {one.participant_id for one in known.values() if one.proved}
    return {
        one.member_id
        for one in these
        if one.participant_id not in found
        or found[one.participant_id].profile is None
        or not is_claimable(
            one, is_shared=one.participant_id in shared, has_proved=one.participant_id in proved
        )
    }
