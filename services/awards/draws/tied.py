"""Who is tied at the end of a tier, when a draw among them is frozen."""

from dataclasses import dataclass

from services.awards.draws.rules import Draw, Tied
from services.awards.issuing.outdated import Outdated
from services.awards.issuing.rules import all_results_are_there, lots_of
from services.awards.results.rules import Closing
from services.awards.results.store import ResultStore
from services.awards.schemes.store import SchemeStore

READ_RESULTS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Found:
    """
    Who is tied, in the order of their ids.

    Attributes:
        failed: the code of what is wrong; then nobody is there.
    """

    tied: tuple[str, ...] = ()
    failed: str | None = None


class TiedReader:
    """Finds who is tied."""

    def __init__(self, schemes: SchemeStore, results: ResultStore, outdated: Outdated) -> None:
        self._schemes = schemes
        self._results = results
        self._outdated = outdated

    async def of(self, draw: Draw, rule: Tied) -> Found:
        """Who is tied by the results and decisions of now, if the prizes are the places that are left."""
        scheme = await self._schemes.get(rule.scheme_id)
        closing = await self._results.closing(scheme.quiz_id) if scheme.quiz_id else None
        lots = lots_of(closing, scheme) if closing else []
        lot = next((one for one in lots if one.tier == rule.tier), None)
        if lot is None or closing is None:
            return Found(failed="tie_missing")
        if tuple((prize.tier, prize.places) for prize in draw.prizes) != lot.prizes:
            return Found(failed="prizes_differ")
        uncounted = await self._outdated.uncounted(closing.quiz_id)
        tied = set(lot.listed)
        if lot.goes_on:
            participants = await self._results.participants_of(closing.quiz_id, uncounted)
            if not all_results_are_there(closing, participants):
                return Found(failed="results_missing")
            tied |= await self._unlisted(closing)
        return Found(tuple(sorted(tied - uncounted)))

    async def _unlisted(self, closing: Closing) -> set[str]:
        listed = {standing.participant_id for standing in closing.standings}
        found: set[str] = set()
        after: str | None = None
        while True:
            page, after = await self._results.of_quiz(closing.quiz_id, after, READ_RESULTS_MAX)
            counting = await self._outdated.counting(page)
            alike = [
                one for one in counting if closing.ties_with_last(one) and one.participant_id not in listed
            ]
            found |= {one.participant_id for one in await self._outdated.ranked(alike, closing)}
            if after is None:
                return found
