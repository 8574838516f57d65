"""Scoreboards, each made once for all who ask for it at the same time, with rests in between."""

from msgspec.structs import replace

from services.quiz.quizzes.catalogue import Catalogue
from services.quiz.scoreboard.rules import Scoreboard, scoreboard_of
from services.quiz.standings.aliases import Aliases
from services.quiz.standings.ranks import Ranks
from shared.runtime import clock
from shared.web.made_once import EachMadeOnce

# As many as `quiz.closed` lists. A scoreboard has no pages.
SCOREBOARD_ROWS_MAX = 1_000


class Scoreboards:
    """Makes the scoreboards of quizzes."""

    def __init__(self, catalogue: Catalogue, ranks: Ranks, aliases: Aliases) -> None:
        self._catalogue = catalogue
        self._ranks = ranks
        self._aliases = aliases
        self._once = EachMadeOnce(self._make)

    async def first(self, quiz_id: str, limit: int, who: str) -> Scoreboard:
        """
        The scoreboard of a quiz, with so many rows at most.

        Args:
            who: asks: the name of an organiser's key; empty for everybody else.

        Raises:
            Overloaded: too many scoreboards are being made for this one.
        """
        whole = await self._once.get(quiz_id, who)
        return whole if limit >= len(whole.rows) else replace(whole, rows=whole.rows[:limit])

    async def _make(self, quiz_id: str) -> Scoreboard:
        record = self._catalogue.find(quiz_id).record
        best, _ = await self._ranks.page(record, None, SCOREBOARD_ROWS_MAX)
        named = [self._aliases.of(quiz_id, one.participant_id) for one in best]
        return scoreboard_of(record, best, named, clock.now())
