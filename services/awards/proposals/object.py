"""Objecting to a proposal, and deciding objections: the use cases of `/schemes/{scheme_id}/objections`."""

from msgspec.structs import replace

from services.awards.issued.codes import award_id
from services.awards.known.store import KnownStore
from services.awards.proposals import events
from services.awards.proposals.rules import (
    Notice,
    Objection,
    Outcome,
    changed,
    check_may_object,
    decided,
    left_out,
    next_version,
    terms_of,
    work_at,
)
from services.awards.proposals.store import NoticeStore, ObjectionStore, ProposalStore
from services.awards.schemes.rules import AfterNotice, RankTiers, Scheme
from services.awards.schemes.store import SchemeStore
from shared.contracts.origin import Origin
from shared.runtime import clock
from shared.runtime.errors import Conflict, NotFound
from shared.runtime.ids import random_id
from shared.runtime.owned_ids import owned_id
from shared.storage.unit_of_work import UnitOfWork, save_together

OBJECTIONS_MAX = 1_000
OBJECTIONS_OF_ONE_MAX = 5
# What an organiser writes down for somebody without an id has no person in its id.
BY_ORGANISER = "organiser"


class Objecting:
    """Takes objections and decides them."""

    def __init__(
        self,
        schemes: SchemeStore,
        known: KnownStore,
        notices: NoticeStore,
        proposals: ProposalStore,
        objections: ObjectionStore,
    ) -> None:
        self._schemes = schemes
        self._known = known
        self._notices = notices
        self._proposals = proposals
        self._objections = objections

    async def make(
        self, scheme_id: str, recipient_id: str, remarks: str, by: str | None
    ) -> tuple[Objection, bool]:
        """
        Object to a proposal; returns the objection, and True if it is new.

        A participant objects once against each recipient: a repeat is the first one.

        Args:
            by: the participant who objects; None: an organiser.
        Raises:
            NotFound: there is no such scheme, or this recipient is not proposed.
            Conflict: nothing is published, the notice has ended, or there are too many objections.
        """
        terms = terms_of(await self._schemes.get(scheme_id))
        origin, now = Origin.of_request(), clock.now()
        thing = f"{by}/{recipient_id}" if by else f"{BY_ORGANISER}/{recipient_id}/{remarks}"
        objection = Objection(owned_id(scheme_id, thing), scheme_id, recipient_id, now, by, remarks)

        async def work(unit: UnitOfWork) -> tuple[Objection, bool]:
            if by:
                await self._known.lock_recipient(unit, by)
            if before := await self._objections.find(objection.objection_id, unit):
                return before, False
            notice = await self._notices.get(scheme_id, unit)
            check_may_object(notice, now)
            id_ = award_id(scheme_id, recipient_id)
            proposal = (await self._proposals.find([id_], unit)).get(id_)
            if proposal is None or not proposal.stands or proposal.since > notice.version:
                raise NotFound(f"{recipient_id} is not proposed by {scheme_id}", code="proposal_unknown")
            await self._check_few(unit, notice, by)
            more = replace(notice, objections=notice.objections + 1, open=notice.open + 1)
            await self._notices.change(unit, notice, more, work_at(more, terms))
            await self._objections.add(unit, objection)
            if not await self._known.erased([recipient_id]):
                unit.publish(events.objected(objection, now, origin))
            return objection, True

        return await save_together(self._notices.database, work)

    async def _check_few(self, unit: UnitOfWork, notice: Notice, by: str | None) -> None:
        if notice.objections >= OBJECTIONS_MAX:
            raise Conflict(
                f"{notice.scheme_id} has {OBJECTIONS_MAX} objections: tell the organisers otherwise",
                code="too_many_objections",
            )
        if by and await self._objections.made_by(unit, notice.scheme_id, by) >= OBJECTIONS_OF_ONE_MAX:
            raise Conflict(
                f"you have made {OBJECTIONS_OF_ONE_MAX} objections to {notice.scheme_id}",
                code="too_many_objections",
            )

    async def decide(self, scheme_id: str, objection_id: str, outcome: Outcome, reason: str) -> Objection:
        """
        Decide an objection; a repeat changes nothing. If it is upheld, the recipient is left out.

        Raises:
            NotFound: there is no such scheme or objection.
            Conflict: it was decided otherwise.
        """
        scheme = await self._schemes.get(scheme_id)
        terms = terms_of(scheme)
        origin, now = Origin.of_request(), clock.now()

        async def work(unit: UnitOfWork) -> Objection:
            before = await self._objections.find(objection_id, unit)
            if before is None or before.scheme_id != scheme_id:
                raise NotFound(f"there is no objection {objection_id}", code="objection_unknown")
            after = decided(before, outcome, reason, now)
            if after is before:
                return after
            notice = await self._notices.get(scheme_id, unit)
            less = replace(notice, open=notice.open - 1)
            if outcome == "upheld":
                less = await self._leave_out(unit, less, scheme, terms, before.recipient_id)
            await self._notices.change(unit, notice, less, work_at(less, terms))
            gone = await self._known.erased([one for one in (before.recipient_id, before.by) if one])
            # Nothing about the erased is stored or published any more.
            await self._objections.decide(unit, replace(after, reason_note=None) if gone else after)
            if before.recipient_id not in gone:
                unit.publish(events.objected(after, now, origin))
            return after

        return await save_together(self._notices.database, work)

    async def _leave_out(
        self, unit: UnitOfWork, notice: Notice, scheme: Scheme, terms: AfterNotice, recipient_id: str
    ) -> Notice:
        id_ = award_id(scheme.scheme_id, recipient_id)
        proposal = (await self._proposals.find([id_], unit)).get(id_)
        if proposal is None or proposal.issued or proposal.code == "objection":
            return notice
        # A version of its own, also if a look at the results is under way.
        alone = replace(notice, round=None)
        await self._proposals.put(unit, [left_out(proposal, next_version(alone))], ())
        after = changed(alone, terms, clock.now(), adds=False)
        if isinstance(scheme.rule, RankTiers) and scheme.rule.next_in_rank:
            return replace(after, mark=random_id())
        # A look that was under way begins again, as another one.
        return replace(after, mark=after.mark and random_id())
