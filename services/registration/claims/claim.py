"""A code is given: whoever has it is the member from now on."""

from datetime import datetime

import msgspec
from msgspec.structs import replace

from services.registration.claims.codes import ClaimCodes
from services.registration.claims.issue import unclaimable
from services.registration.claims.rules import ClaimCode, code_wrong, is_good
from services.registration.claims.store import ClaimStore
from services.registration.merging.merge import Merging
from services.registration.participants import events
from services.registration.participants.rules import Participant
from services.registration.participants.store import ParticipantStore
from services.registration.rosters.admit import opened
from services.registration.rosters.rules import Member
from services.registration.rosters.store import RosterStore
from services.registration.sign_ins.rules import tokens_end_at
from shared.contracts.origin import Origin
from shared.contracts.sealing import Contact, encrypt_contact
from shared.runtime import clock
from shared.runtime.errors import Conflict, Forbidden, NotAuthenticated
from shared.storage.ended_tokens import EndedTokens
from shared.storage.mongo import Database
from shared.storage.unit_of_work import UnitOfWork, save_together


class Claimed(msgspec.Struct, frozen=True):
    """A member, and the participant who is this member now."""

    member: Member
    participant: Participant


class Claiming:
    """Lets members claim their membership."""

    def __init__(
        self,
        database: Database,
        members: RosterStore,
        participants: ParticipantStore,
        claims: ClaimStore,
        codes: ClaimCodes,
        *,
        merging: Merging,
        ended_tokens: EndedTokens,
    ) -> None:
        self._database = database
        self._members = members
        self._participants = participants
        self._claims = claims
        self._codes = codes
        self._merging = merging
        self._ended_tokens = ended_tokens

    async def claim(self, group_id: str, typed: str, who: str | None, origin: Origin) -> Claimed:
        """
        Become a member by the code of that member. A code is good once.

        Args:
            who: the participant who asks, whom the member's participant goes into; None: somebody without a
                token, who becomes the member's participant.
        Raises:
            Forbidden: it is no good code of this group (`claim_code_wrong`), or who asks has not verified a
                contact (`claim_needs_contact`).
            Conflict: who asks is another member of this group (`member_already`).
            NotAuthenticated: who asks is erased or unknown.
        """
        hash_ = self._codes.hash_of(group_id, typed)

        async def work(unit: UnitOfWork) -> Claimed:
            now = clock.now()
            asker = await self._asker(unit, who)
            code = await self._claims.by_hash(unit, group_id, hash_)
            if code is None:
                raise code_wrong()
            # As in every change of a roster: no member is removed meanwhile.
            await self._participants.lock(unit, [group_id])
            member = (await self._members.by_id(unit, group_id, [code.member_id])).get(code.member_id)
            if member is None:
                return await self._come_back(unit, code, asker, now)
            if asker is not None and member.participant_id == asker.participant_id and code.used_at:
                # The answer did not arrive.
                return Claimed(member, asker)
            closed = await unclaimable(unit, self._members, self._participants, [member])
            if closed or not is_good(code, now):
                raise code_wrong()
            await self._claims.save(unit, [replace(code, used_at=now)])
            if asker is None:
                return await self._as_member(unit, code, member, origin)
            return await self._into(unit, code, member, asker, origin)

        return await save_together(self._database, work)

    async def _come_back(
        self, unit: UnitOfWork, code: ClaimCode, asker: Participant | None, now: datetime
    ) -> Claimed:
        """
        Somebody who has left the group is a member again, who the group and the person want.

        Only the same participant: nobody else may take a place on a roster that somebody has left.
        """
        left = (await self._members.left.by_id(unit, code.group_id, [code.member_id])).get(code.member_id)
        mine = asker is not None and left is not None and left.participant_id == asker.participant_id
        if left is None or asker is None or not mine or not is_good(code, now):
            raise code_wrong()
        await self._check_no_other(unit, code.group_id, asker)
        await self._claims.save(unit, [replace(code, used_at=now)])
        return Claimed(await self._members.come_back(unit, left, now), asker)

    async def _check_no_other(self, unit: UnitOfWork, group_id: str, asker: Participant) -> None:
        theirs = await self._members.of_participants(unit, [asker.participant_id])
        if any(one.group_id == group_id for one in theirs):
            raise Conflict("you are another member of this group", code="member_already")

    async def _asker(self, unit: UnitOfWork, who: str | None) -> Participant | None:
        """
        Who asks, locked.

        An unverified one may have given somebody else's address. Then that person would become the member.
        """
        if who is None:
            return None
        found = (await self._participants.lock(unit, [who])).get(who)
        if found is None:
            raise NotAuthenticated(
                "the token's participant does not exist here; register anew", code="participant_unknown"
            )
        if found.profile is None:
            raise NotAuthenticated("this participant was erased", code="participant_erased")
        if found.is_group or not found.is_verified:
            raise Forbidden(
                "verify your e-mail first; without an e-mail, claim without a token",
                code="claim_needs_contact",
            )
        return found

    async def _as_member(self, unit: UnitOfWork, code: ClaimCode, member: Member, origin: Origin) -> Claimed:
        """
        Somebody without a token becomes the member's participant.

        The group vouches for whoever has the code. But nobody has shown that the address of the roster is
        theirs, so it is no contact any more: nothing is sent there, and tokens say only that this is a
        member. Tokens that were given before end.
        """
        now, id_ = clock.now(), member.participant_id
        before = (await self._participants.lock(unit, [id_]))[id_]
        keys = await self._participants.keys(unit, [id_])
        details = opened(member, keys)
        if details is None or before.profile is None:
            raise code_wrong()
        profile = before.profile
        if before.contact_hash is not None:
            await self._participants.contacts.remove(unit, before.contact_hash)
        if not before.is_verified:
            name = Contact.model_construct(name=details.name, email=None)
            profile = replace(profile, contact_locked=encrypt_contact(name, keys[id_]))
        good_from = tokens_end_at(now, before.tokens_from)
        after = replace(
            before,
            profile=profile,
            version=before.version + 1,
            verified_at=before.verified_at or now,
            contact_hash=None,
            tokens_from=good_from,
        )
        await self._participants.save(unit, after)
        await self._ended_tokens.end({id_: good_from}, unit.session)
        unit.publish(events.changed(after, origin, now))
        claimed = replace(member, claimed_at=member.claimed_at or now, version=member.version + 1)
        await self._members.save(unit, [claimed])
        return Claimed(claimed, after)

    async def _into(
        self, unit: UnitOfWork, code: ClaimCode, member: Member, asker: Participant, origin: Origin
    ) -> Claimed:
        """The member's participant goes into the one who asks, with everything that is its own."""
        await self._check_no_other(unit, code.group_id, asker)
        await self._merging.merge_in(
            unit, member.participant_id, asker.participant_id, origin, claimed=member.member_id
        )
        moved = (await self._members.by_id(unit, code.group_id, [member.member_id]))[member.member_id]
        claimed = replace(moved, claimed_at=clock.now())
        await self._members.save(unit, [claimed])
        return Claimed(claimed, asker)
