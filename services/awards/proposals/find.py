"""
Finding who is due by a scheme, and changing its proposals accordingly: one page of results in a transaction.
"""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from services.awards.issued.codes import award_id
from services.awards.issuing.issue import Issuer
from services.awards.issuing.outdated import Outdated
from services.awards.issuing.places import Places
from services.awards.issuing.rules import (
    PlannedAward,
    due_by_pass_mark,
    due_by_rank,
    due_by_tie_after_list,
    list_may_miss_winners,
    tie_is_decided,
)
from services.awards.proposals.rules import (
    Notice,
    Proposal,
    Round,
    changed,
    next_version,
    proposed_now,
    terms_of,
    work_at,
)
from services.awards.proposals.store import NoticeStore, ProposalStore
from services.awards.results.rules import Closing, Result
from services.awards.results.store import ResultStore
from services.awards.schemes.rules import PassMark, RankTiers, Scheme
from services.awards.schemes.store import SchemeStore
from shared.runtime import clock
from shared.storage.unit_of_work import UnitOfWork, save_together

FOUND_RESULTS_MAX = 500
SWEPT_PROPOSALS_MAX = 500
# Before the place of every result: the list of the closing is done, and the tie after it begins.
AFTER_LIST = " "


class Finder:
    """Finds who is due now, and proposes or withdraws."""

    def __init__(
        self,
        notices: NoticeStore,
        proposals: ProposalStore,
        results: ResultStore,
        schemes: SchemeStore,
        outdated: Outdated,
        issuer: Issuer,
        places: Places,
    ) -> None:
        self._notices = notices
        self._proposals = proposals
        self._results = results
        self._schemes = schemes
        self._outdated = outdated
        self._issuer = issuer
        self._places = places

    async def go_on(self, scheme: Scheme, notice: Notice) -> None:
        """Look at the next page of results or, when all are looked at, of proposals that were not found."""
        assert notice.mark is not None  # noqa: S101 (callers look first)
        going_on = notice.round is not None and notice.round.token == notice.mark
        round_ = notice.round if going_on and notice.round else Round(notice.mark)
        if round_.sweeps:
            await self._sweep(scheme, notice, round_)
            return
        due, after = await self._due(scheme, round_.after)
        is_last = after is None
        await self._keep(scheme, notice, replace(round_, after=after, sweeps=is_last), due)

    async def _due(self, scheme: Scheme, after: str | None) -> tuple[list[PlannedAward], str | None]:
        """Who is due by the next page, and where to continue."""
        rule = scheme.rule
        if isinstance(rule, PassMark):
            page, after = await self._results.of_quiz(rule.quiz_id, after, FOUND_RESULTS_MAX)
            counting = await self._outdated.counting(page)
            return [due for result in counting for due in due_by_pass_mark(result, [scheme])], after
        closing = await self._results.closing(rule.quiz_id) if isinstance(rule, RankTiers) else None
        if closing is None:
            return [], None
        if after is None:
            due = due_by_rank(closing, scheme, await self._places.left_out(scheme, closing))
            not_counting = await self._outdated.not_counting(due)
            left = [one for one in due if (scheme.scheme_id, one.recipient_id, one.cause) not in not_counting]
            return left, AFTER_LIST if list_may_miss_winners(closing, scheme) else None
        page, after = await self._results.of_quiz(closing.quiz_id, after, FOUND_RESULTS_MAX)
        tied = await self._tied(page, closing, scheme)
        if after is None:
            await self._decide_tie(closing, scheme)
        return tied, after

    async def _tied(self, page: Sequence[Result], closing: Closing, scheme: Scheme) -> list[PlannedAward]:
        tied = [result for result in await self._outdated.counting(page) if closing.ties_with_last(result)]
        return list(due_by_tie_after_list(await self._outdated.ranked(tied, closing), closing, scheme))

    async def _decide_tie(self, closing: Closing, scheme: Scheme) -> None:
        uncounted = await self._outdated.uncounted(closing.quiz_id)
        participants = await self._results.participants_of(closing.quiz_id, uncounted)
        if tie_is_decided(closing, scheme, participants):
            await self._schemes.decide_tie(scheme, closing.version)

    async def _keep(
        self, scheme: Scheme, notice: Notice, round_: Round, found: Iterable[PlannedAward]
    ) -> None:
        """Propose who was found, in one transaction with the place of the round."""
        due: dict[str, PlannedAward] = {}
        for one in found:
            due.setdefault(award_id(scheme.scheme_id, one.recipient_id), one)
        due = await self._issuer.still_due(due)
        if due:
            await self._issuer.make_rules_final([scheme])
        now, turned = clock.now(), replace(notice, round=round_)
        since = next_version(turned)

        async def work(unit: UnitOfWork) -> None:
            there = await self._proposals.find(due, unit)
            # A better place in the same round was found first: it stays.
            new = {
                id_: proposed_now(one, there.get(id_), id_, round_.token, since)
                for id_, one in due.items()
                if id_ not in there or there[id_].round != round_.token
            }
            other = [one for one in new.values() if _differs(one, there.get(one.proposal_id))]
            seen = [one for one in other if one.since == since]
            after = changed(turned, terms_of(scheme), now, adds=True) if seen else turned
            if await self._notices.change(unit, notice, after, work_at(after, terms_of(scheme))):
                await self._proposals.put(unit, other, new.keys() - there.keys())
                same = new.keys() - {one.proposal_id for one in other}
                await self._proposals.found_again(unit, sorted(same), round_.token)

        await save_together(self._notices.database, work)

    async def _sweep(self, scheme: Scheme, notice: Notice, round_: Round) -> None:
        """Withdraw what this round has not found; the last page ends the round."""
        page = await self._proposals.page(scheme.scheme_id, round_.after or "", SWEPT_PROPOSALS_MAX)
        lost = [one for one in page if one.stands and not one.issued and not one.named]
        lost = [one for one in lost if one.round != round_.token]
        not_counting = await self._outdated.not_counting(
            PlannedAward(scheme, one.recipient_id, one.cause) for one in lost
        )
        is_last = len(page) < SWEPT_PROPOSALS_MAX
        turned = replace(notice, round=replace(round_, after=page[-1].proposal_id if page else ""))
        since, now = next_version(turned), clock.now()
        withdrawn = [
            replace(
                one,
                code="disqualified"
                if (scheme.scheme_id, one.recipient_id, one.cause) in not_counting
                else "not_earned",
                since=since,
            )
            for one in lost
        ]
        after = changed(turned, terms_of(scheme), now, adds=False) if withdrawn else turned
        if is_last:
            after = replace(after, round=None, mark=None)

        async def work(unit: UnitOfWork) -> None:
            if await self._notices.change(unit, notice, after, work_at(after, terms_of(scheme))):
                await self._proposals.put(unit, withdrawn, ())

        await save_together(self._notices.database, work)


def _differs(proposal: Proposal, before: Proposal | None) -> bool:
    return before is None or replace(before, round=proposal.round) != proposal
