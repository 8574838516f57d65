"""Applying a late scheme: the use case of `POST /schemes/{scheme_id}/apply`."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from services.awards.issuing.issue import Issuer
from services.awards.issuing.outdated import Outdated
from services.awards.issuing.places import Places
from services.awards.issuing.rules import (
    PlannedAward,
    check_issued_at_once,
    due_by_pass_mark,
    due_by_rank,
    due_by_tie_after_list,
    list_may_miss_winners,
    tie_is_decided,
)
from services.awards.known.rules import check_quiz
from services.awards.known.store import KnownStore
from services.awards.results.rules import Closing, Result
from services.awards.results.store import ResultStore
from services.awards.schemes.rules import Drawn, PassMark, RankTiers, Scheme, Selected
from services.awards.schemes.store import SchemeStore
from shared.runtime.errors import Conflict, Rejected

APPLY_RESULTS_MAX = 500
APPLY_PAGES_MAX = 20


@dataclass(frozen=True, slots=True)
class Applied:
    """
    The outcome of applying a scheme.

    Attributes:
        issued: the new awards.
        after: where to continue, if there is more.
        undecided: somebody may get an award, but awards has no result of this person yet.
    """

    issued: int
    after: str | None
    undecided: bool = False


async def apply_scheme(
    scheme_id: str,
    after: str | None,
    *,
    schemes: SchemeStore,
    results: ResultStore,
    issuer: Issuer,
    outdated: Outdated,
    known: KnownStore,
    places: Places,
) -> Applied:
    """
    Issue the awards that a late scheme has missed. A call reads at most `APPLY_PAGES_MAX` pages of results.

    If the scheme awards by rank, this also decides a tie at the end of the listed standings.

    Raises:
        NotFound: there is no such scheme.
        Conflict: it issues after a notice; it awards by rank, and its quiz is not closed yet; or its quiz was
            cancelled.
        Rejected: its awards are conferred, drawn, or follow from a selection.
    """
    scheme = await schemes.get(scheme_id)
    if scheme.quiz_id:
        check_quiz(scheme.quiz_id, known=True, cancelled=bool(await known.cancelled([scheme.quiz_id])))
    check_issued_at_once(scheme)
    if isinstance(scheme.rule, PassMark):

        async def by_mark(page: Sequence[Result]) -> Iterable[PlannedAward]:
            return [due for result in page for due in due_by_pass_mark(result, [scheme])]

        return Applied(
            *await _issue_by_results(scheme.rule.quiz_id, after, by_mark, results, issuer, outdated)
        )
    if isinstance(scheme.rule, RankTiers):
        closing = await results.closing(scheme.rule.quiz_id)
        if closing is None:
            raise Conflict(f"quiz {scheme.rule.quiz_id} is not closed yet", code="quiz_not_closed")
        return await _issue_by_ranks(scheme, closing, after, schemes, results, issuer, outdated, places)
    if isinstance(scheme.rule, Drawn):
        raise Rejected(f"the awards of scheme {scheme_id} come from its draw alone", code="scheme_drawn")
    if isinstance(scheme.rule, Selected):
        raise Rejected(
            f"awards of scheme {scheme_id} follow from its selection: decide that", code="scheme_selected"
        )
    raise Rejected(f"scheme {scheme_id} is conferred; there is no rule to apply", code="scheme_conferred")


async def _issue_by_ranks(
    scheme: Scheme,
    closing: Closing,
    after: str | None,
    schemes: SchemeStore,
    results: ResultStore,
    issuer: Issuer,
    outdated: Outdated,
    places: Places,
) -> Applied:
    issued = await _issue_by_list(scheme, closing, issuer, outdated, places) if after is None else 0
    if not list_may_miss_winners(closing, scheme):
        return Applied(issued, None)

    async def by_tie(page: Sequence[Result]) -> Iterable[PlannedAward]:
        tied = [result for result in page if closing.ties_with_last(result)]
        return due_by_tie_after_list(await outdated.ranked(tied, closing), closing, scheme)

    used = {closing.quiz_id: closing.version}
    tied, after = await _issue_by_results(closing.quiz_id, after, by_tie, results, issuer, outdated, used)
    if after is not None:
        return Applied(issued + tied, after)
    participants = await results.participants_of(closing.quiz_id, await outdated.uncounted(closing.quiz_id))
    decided = tie_is_decided(closing, scheme, participants) and await schemes.decide_tie(
        scheme, closing.version
    )
    return Applied(issued + tied, None, undecided=not decided)


async def _issue_by_list(
    scheme: Scheme, closing: Closing, issuer: Issuer, outdated: Outdated, places: Places
) -> int:
    due = due_by_rank(closing, scheme, await places.left_out(scheme, closing))
    not_counting = await outdated.not_counting(due)
    due = [one for one in due if (scheme.scheme_id, one.recipient_id, one.cause) not in not_counting]
    issued = await issuer.issue_applied(due)
    await outdated.mark(due, {}, {closing.quiz_id: closing.version})
    return issued


async def _issue_by_results(
    quiz_id: str,
    after: str | None,
    find_due: Callable[[Sequence[Result]], Awaitable[Iterable[PlannedAward]]],
    results: ResultStore,
    issuer: Issuer,
    outdated: Outdated,
    closings: Mapping[str, int] = MappingProxyType({}),
) -> tuple[int, str | None]:
    """Issue the awards for pages of results; returns the number of new awards, and where to continue."""
    issued = 0
    for _ in range(APPLY_PAGES_MAX):
        page, after = await results.of_quiz(quiz_id, after, APPLY_RESULTS_MAX)
        due = list(await find_due(await outdated.counting(page)))
        issued += await issuer.issue_applied(due)
        await outdated.mark(due, {result.result_id: result for result in page}, closings)
        if after is None:
            break
    return issued, after
