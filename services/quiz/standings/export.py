"""The standings of a quiz as a CSV file, made page by page while it is sent."""

from collections.abc import AsyncIterator

from services.quiz.quizzes.offered import Offered
from services.quiz.scoring.rules import HALF_POINTS_A_POINT
from services.quiz.standings.aliases import Aliases
from services.quiz.standings.rules import Place, Standing, place_behind, ranked
from services.quiz.standings.store import StandingStore
from shared.runtime.acting import Organiser
from shared.web.paced import Paced
from shared.web.tables import Cell, csv_file

MEDIA_TYPE = "text/csv; charset=utf-8"
# Some milliseconds of work in one piece.
PIECE_ROWS = 500
COLUMNS = ("rank", "alias", "points", "points_max", "time_used_seconds", "finished_at")
EXAMPLE = f"{','.join(COLUMNS)}\n1,7K3QM0R9,19.5,20,412,2026-05-20T09:31:07Z\n"


class StandingFiles:
    """
    Makes files of standings. In a process, pieces are made one at a time, with rests in between.
    """

    def __init__(self, standings: StandingStore, aliases: Aliases, *, piece_rows: int = PIECE_ROWS) -> None:
        self._standings = standings
        self._aliases = aliases
        self._piece_rows = piece_rows
        self._paced = Paced()

    async def file(self, offered: Offered, by: Organiser | None, network: str) -> AsyncIterator[bytes]:
        """
        All standings, best first; with the ids of participants for an organiser.

        Args:
            network: where the request comes from. All there who are no organisers take turns together.

        Raises:
            Overloaded: too many files are under way for this key, or for this network.
        """
        columns = (*COLUMNS, "participant_id") if by else COLUMNS
        pieces = csv_file(columns, self._rows(offered, with_ids=by is not None))
        return await self._paced.pieces(by.name if by else network, pieces)

    async def _rows(self, offered: Offered, *, with_ids: bool) -> AsyncIterator[list[list[Cell]]]:
        after: Place | None = None
        record = offered.record
        quiz, position, rank, last = record.quiz, 1, None, None
        while found := await self._standings.page(record.quiz_id, after, self._piece_rows):
            # The last row of the piece before comes along: somebody may tie with it.
            some = ranked(
                [last, *found] if last else found, quiz.opens_at, quiz.ties, position=position, rank=rank
            )
            shown = some[1:] if last else some
            yield [row_of(one, offered, self._aliases, with_ids=with_ids) for one in shown]
            after, last = place_behind(found, after), found[-1]
            position, rank = position + len(some) - 1, some[-1].rank


def row_of(standing: Standing, offered: Offered, aliases: Aliases, *, with_ids: bool) -> list[Cell]:
    """A row of a file of standings."""
    return [
        standing.rank,
        aliases.of(offered.record.quiz_id, standing.participant_id),
        _number(standing.parts.half_points),
        _number(offered.half_points_max),
        standing.parts.time_used_seconds,
        standing.parts.finished_at,
        *([standing.participant_id] if with_ids else ()),
    ]


def _number(half_points: int) -> str:
    return f"{half_points / HALF_POINTS_A_POINT:g}"
