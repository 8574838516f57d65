"""Reading what is known of a quiz and of some of its participants."""

from collections.abc import Sequence

from services.awards.following.rules import Facts, ranked_by
from services.awards.issuing.places import Places
from services.awards.results.decisions import DecisionStore
from services.awards.results.rules import Closing, Result
from services.awards.results.store import ResultStore
from services.awards.schemes.rules import Scheme
from services.awards.schemes.store import SchemeStore


class FactsReader:
    """Reads facts for a comparison."""

    def __init__(
        self, results: ResultStore, decisions: DecisionStore, schemes: SchemeStore, places: Places
    ) -> None:
        self._places = places
        self._results = results
        self._decisions = decisions
        self._schemes = schemes

    async def of_participants(
        self, quiz_id: str, participant_ids: Sequence[str], schemes: Sequence[Scheme]
    ) -> Facts:
        """What is known of these participants."""
        by_participant: dict[str, list[Result]] = {}
        for result in await self._results.of_participants(quiz_id, participant_ids):
            by_participant.setdefault(result.participant_id, []).append(result)
        decisions = await self._decisions.about((quiz_id, one) for one in participant_ids)
        closing = await self._results.closing(quiz_id)
        ties = [
            scheme.scheme_id
            for scheme in schemes
            if closing and (await self._schemes.marks(scheme.scheme_id)).tie_decided == closing.version
        ]
        left_out = {
            scheme.scheme_id: await self._places.left_out(scheme, closing) for scheme in schemes if closing
        }
        return Facts(
            quiz_id,
            by_participant,
            {participant_id: decision for (_, participant_id), decision in decisions.items()},
            closing,
            ranked_by(closing, schemes, left_out),
            frozenset(ties),
            left_out,
        )

    async def closing(self, quiz_id: str) -> Closing | None:
        """The final standings of a quiz, if it is closed."""
        return await self._results.closing(quiz_id)
