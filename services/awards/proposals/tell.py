"""Telling recipients what the published notice says of them, and issuing the awards of a confirmed one."""

from msgspec.structs import replace

from services.awards.issued import events as issued_events
from services.awards.issued import metrics
from services.awards.issued.rules import Award
from services.awards.issued.store import AwardStore
from services.awards.issuing.issue import TRANSACTION_AWARDS_MAX, Issuer
from services.awards.issuing.rules import PlannedAward
from services.awards.known.store import KnownStore
from services.awards.proposals import events
from services.awards.proposals.rules import Notice, terms_of, work_at
from services.awards.proposals.store import NoticeStore, ProposalStore
from services.awards.schemes.rules import Scheme
from shared.contracts.origin import UNKNOWN_ORIGIN
from shared.runtime import clock
from shared.storage.unit_of_work import UnitOfWork, save_together

TOLD_PROPOSALS_MAX = 500


class Teller:
    """Tells and issues, one page of proposals in a transaction."""

    def __init__(
        self,
        notices: NoticeStore,
        proposals: ProposalStore,
        awards: AwardStore,
        known: KnownStore,
        issuer: Issuer,
    ) -> None:
        self._notices = notices
        self._proposals = proposals
        self._awards = awards
        self._known = known
        self._issuer = issuer

    async def tell(self, scheme: Scheme, notice: Notice) -> None:
        """Publish `award.proposed` for the next proposals that recipients have not heard of as they are."""
        assert notice.telling is not None  # noqa: S101 (callers look first)
        page = await self._proposals.page(scheme.scheme_id, notice.telling, TOLD_PROPOSALS_MAX)
        erased = await self._known.erased([one.recipient_id for one in page])
        told = [
            replace(one, told=one.told + 1, told_as=one.said)
            for one in page
            if one.is_to_be_told and one.since <= notice.version and one.recipient_id not in erased
        ]
        place = page[-1].proposal_id if len(page) == TOLD_PROPOSALS_MAX else None
        after, now = replace(notice, telling=place), clock.now()

        async def work(unit: UnitOfWork) -> None:
            if await self._notices.change(unit, notice, after, work_at(after, terms_of(scheme))):
                await self._proposals.put(unit, told, ())
                unit.publish(*[events.proposed(one, scheme, after, now) for one in told])

        await save_together(self._notices.database, work)

    async def issue(self, scheme: Scheme, notice: Notice) -> None:
        """Issue the awards of the next proposals of the confirmed notice."""
        assert notice.issuing is not None  # noqa: S101 (callers look first)
        page = await self._proposals.page(scheme.scheme_id, notice.issuing, TRANSACTION_AWARDS_MAX)
        stand = [one for one in page if one.stands and not one.issued and one.since <= notice.confirmed]
        due = await self._issuer.still_due(
            {
                one.proposal_id: PlannedAward(
                    scheme, one.recipient_id, one.cause, one.tier, one.note, one.shared
                )
                for one in stand
            }
        )
        drafts = await self._issuer.drafts(due)
        place = page[-1].proposal_id if len(page) == TRANSACTION_AWARDS_MAX else None
        after = replace(notice, issuing=place)

        async def work(unit: UnitOfWork) -> list[Award]:
            # An erasure at this moment has removed its proposals, or conflicts, or comes afterwards and then
            # finds the awards with their notes.
            left = await self._proposals.find(due, unit)
            there = await self._awards.find(due, unit)
            new = [one for one in drafts if one.award_id in left and one.award_id not in there]
            given = [replace(one, issued=True) for one in left.values()]
            if not await self._notices.change(unit, notice, after, work_at(after, terms_of(scheme))):
                return []
            await self._proposals.put(unit, given, ())
            if new:
                await self._awards.add(unit, new)
                unit.publish(*[issued_events.issued(award, UNKNOWN_ORIGIN) for award in new])
            return new

        for award in await save_together(self._notices.database, work):
            metrics.count(award.kind, award.scheme_id, "issued")
