"""The board of a division as a CSV file, made page by page while it is sent."""

from collections.abc import AsyncIterator

from services.quiz.divisions.boards import Boards
from services.quiz.divisions.counting import ROWS_A_PAGE
from services.quiz.divisions.rules import Division
from services.quiz.divisions.store import DivisionStore
from services.quiz.participants.erased import Erased
from services.quiz.quizzes.offered import Offered
from services.quiz.standings.aliases import Aliases
from services.quiz.standings.export import COLUMNS, row_of
from shared.runtime.acting import Organiser
from shared.web.paced import Paced
from shared.web.tables import Cell, csv_file


class BoardFiles:
    """Makes files of boards. In a process, pieces are made one at a time, with rests in between."""

    def __init__(self, divisions: DivisionStore, boards: Boards, aliases: Aliases, erased: Erased) -> None:
        self._divisions = divisions
        self._boards = boards
        self._aliases = aliases
        self._erased = erased
        self._paced = Paced()

    async def file(
        self, offered: Offered, division: Division, by: Organiser | None, network: str
    ) -> AsyncIterator[bytes]:
        """
        All standings of a division, best first; with the ids of participants for an organiser.

        Args:
            network: where the request comes from. All there who are no organisers take turns together.

        Raises:
            Overloaded: too many files are under way for this key, or for this network.
        """
        columns = (*COLUMNS, "participant_id") if by else COLUMNS
        pieces = csv_file(columns, self._rows(offered, division, with_ids=by is not None))
        return await self._paced.pieces(by.name if by else network, pieces)

    async def _rows(
        self, offered: Offered, division: Division, *, with_ids: bool
    ) -> AsyncIterator[list[list[Cell]]]:
        quiz_id, after, is_first = offered.record.quiz_id, None, True
        while is_first or after is not None:
            # Boards may be made anew meanwhile: the file goes on at the same place of the new ones.
            state = await self._divisions.state(quiz_id)
            board = (await self._boards.table(quiz_id, state, division.kind)).get(division.name)
            if board is None:
                return
            page, after = await self._boards.page(offered.record, state, board, after, ROWS_A_PAGE)
            is_first = False
            yield [
                row_of(one, offered, self._aliases, with_ids=with_ids)
                for one in page
                if one.participant_id not in self._erased.ids
            ]
