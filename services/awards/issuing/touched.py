"""Whose awards another closing of a quiz may change."""

from collections.abc import Sequence

from services.awards.issued.store import AwardStore
from services.awards.issuing.places import Places
from services.awards.issuing.rules import due_by_rank
from services.awards.results.rules import Closing
from services.awards.schemes.rules import RankTiers, Scheme

AWARDS_PAGE = 500


class Touched:
    """Finds whose awards may change."""

    def __init__(self, awards: AwardStore, places: Places) -> None:
        self._awards = awards
        self._places = places

    async def by_closing(self, closing: Closing, schemes: Sequence[Scheme]) -> set[tuple[str, str]]:
        """
        By quiz and participant: who has an award by rank, and who has one due.

        A tie can make more awards than places, so all of a scheme are read.
        """
        found: set[tuple[str, str]] = set()
        for scheme in schemes:
            if not isinstance(scheme.rule, RankTiers) or scheme.rule.quiz_id != closing.quiz_id:
                continue
            left_out = await self._places.left_out(scheme, closing)
            found |= {(closing.quiz_id, due.recipient_id) for due in due_by_rank(closing, scheme, left_out)}
            after = ""
            while page := await self._awards.of_scheme(scheme.scheme_id, after, AWARDS_PAGE):
                found |= {(closing.quiz_id, award.recipient_id) for award in page}
                after = page[-1].award_id
        return found
