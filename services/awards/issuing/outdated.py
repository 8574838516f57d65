"""
Looking again after awards were issued: did their results, standings or decisions change meanwhile?

A correction, a decision or another closing that comes while awards are being issued may find no award to take
back. So whoever issues by a scheme that follows looks again afterwards, and marks what changed.
"""

from collections.abc import Iterable, Mapping, Sequence

from services.awards.issuing.rules import PlannedAward
from services.awards.results.changes import ChangeStore
from services.awards.results.decisions import DecisionStore
from services.awards.results.rules import Closing, Decision, Result, counts, ranked_among
from services.awards.results.store import ResultStore


class Outdated:
    """Finds what was issued by facts that are not those of now."""

    def __init__(self, results: ResultStore, decisions: DecisionStore, changes: ChangeStore) -> None:
        self._results = results
        self._decisions = decisions
        self._changes = changes

    async def not_counting(self, due: Iterable[PlannedAward]) -> set[tuple[str, str, str]]:
        """Which of these awards, by scheme, recipient and cause, follow from what does not count."""
        by_whom = [(_of_quiz(one), one) for one in due]
        decisions = await self._decisions.about(whom for whom, _ in by_whom)
        return {
            (one.scheme.scheme_id, one.recipient_id, one.cause)
            for whom, one in by_whom
            if not counts(one.cause, decisions.get(whom))
        }

    async def counting(self, results: Sequence[Result]) -> list[Result]:
        """Those of these results that count."""
        decisions: Mapping[tuple[str, str], Decision] = await self._decisions.about(
            (result.quiz_id, result.participant_id) for result in results
        )
        return [
            result
            for result in results
            if counts(result.result_id, decisions.get((result.quiz_id, result.participant_id)))
        ]

    async def ranked(self, results: Sequence[Result], closing: Closing) -> list[Result]:
        """
        Those of these results of a quiz that are ranked; they count, and their participants are not listed.

        If the first or last attempt is ranked, this reads all results of the quiz, for the few people in a
        tie.
        """
        if closing.counts == "best" or not results:
            return list(results)
        who = {result.participant_id for result in results}
        theirs = await self.counting(await self._results.of_participants(closing.quiz_id, who))
        ranked = {result.result_id for result in ranked_among(theirs, closing.counts)}
        return [result for result in results if result.result_id in ranked]

    async def uncounted(self, quiz_id: str) -> set[str]:
        """The participants of a quiz of whom nothing counts."""
        decided = await self._decisions.of_quiz(quiz_id)
        gone = {one for one, decision in decided.items() if decision.disqualified}
        if partly := decided.keys() - gone:
            left = await self._results.of_participants(quiz_id, partly)
            gone |= partly - {
                one.participant_id for one in left if counts(one.result_id, decided[one.participant_id])
            }
        return gone

    async def mark(
        self, due: Sequence[PlannedAward], results: Mapping[str, Result], closings: Mapping[str, int]
    ) -> None:
        """
        Mark whose awards were issued by facts that have changed meanwhile, if their scheme follows.

        Args:
            results: the results that were used, by their ids.
            closings: the versions of the closings that were used, by quiz.
        """
        following = [one for one in due if one.scheme.follows]
        if not following:
            return
        not_counting = await self.not_counting(following)
        used = {one.cause: results[one.cause] for one in following if one.cause in results}
        kept = await self._results.kept(list(used.values())) if used else {}
        versions = await self._results.closing_versions(closings.keys()) if closings else {}
        await self._changes.mark(
            _of_quiz(one)
            for one in following
            if (one.scheme.scheme_id, one.recipient_id, one.cause) in not_counting
            or (one.cause in used and kept.get(one.cause) != used[one.cause])
            or (one.cause in closings and versions.get(one.cause) != closings[one.cause])
        )


def _of_quiz(due: PlannedAward) -> tuple[str, str]:
    return due.scheme.quiz_id or "", due.recipient_id
