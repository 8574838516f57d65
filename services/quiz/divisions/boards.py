"""
Reads boards: pages, and where a person stands.

What is made once never changes. So a process keeps the boards without rows that were read last, and every
answer is of boards that belong together.
"""

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from services.quiz.divisions.counting import ROWS_A_PAGE, Board, Row
from services.quiz.divisions.rules import KINDS, OWN_MAX, Kind, State
from services.quiz.divisions.store import DivisionStore
from services.quiz.quizzes.record import QuizRecord
from services.quiz.standings.rules import BITS_WITHOUT_RANK, Place, Standing, place_behind, ranked

# Each at most some MB, and usually some KB.
TABLES_MAX = 60


class OwnPlace(NamedTuple):
    """Where somebody stands on a board."""

    board: Board
    standing: Standing


class Boards:
    """The boards of all quizzes."""

    def __init__(self, divisions: DivisionStore, *, tables_max: int = TABLES_MAX) -> None:
        self._divisions = divisions
        self._tables_max = tables_max
        self._tables: OrderedDict[tuple[str, str, Kind], dict[str, Board]] = OrderedDict()

    async def table(self, quiz_id: str, state: State, kind: Kind) -> dict[str, Board]:
        """
        The boards of a kind by name.

        Raises:
            Unavailable: the database does not answer, or they were replaced a while ago.
        """
        key = quiz_id, state.boards, kind
        if (table := self._tables.get(key)) is None:
            boards = await self._divisions.table(*key)
            table = self._tables[key] = {board.name: board for board in boards}
            while len(self._tables) > self._tables_max:
                self._tables.popitem(last=False)
        self._tables.move_to_end(key)
        return table

    async def page(
        self, record: QuizRecord, state: State, board: Board, after: Place | None, limit: int
    ) -> tuple[list[Standing], Place | None]:
        """
        Standings of a board with their ranks, best first, and where the next page begins; None if there is
        none.

        Raises:
            Unavailable: as `table`.
        """
        nth, rows = await self._from(record.quiz_id, state, board, after, limit + 1)
        begin = _begin(rows, after)
        found = rows[begin : begin + limit + 1]
        shown = found[:limit]
        following = place_behind(shown, after) if len(found) > limit else None
        return _ranked(record, board, nth, rows, begin, len(shown)), following

    async def own(self, record: QuizRecord, state: State, participant_id: str) -> list[OwnPlace]:
        """
        Where somebody stands on all boards.

        Raises:
            Unavailable: as `table`.
        """
        spots = await self._divisions.spots_of(record.quiz_id, state, participant_id)
        if not spots:
            return []
        boards = {
            board.number: board
            for kind in KINDS
            for board in (await self.table(record.quiz_id, state, kind)).values()
        }
        own: list[OwnPlace] = []
        for number, position in spots[:OWN_MAX]:
            nth, at = divmod(position, ROWS_A_PAGE)
            rows = await self._divisions.rows(record.quiz_id, state.boards, number, nth)
            if rows[at][0] == participant_id:
                board = boards[number]
                own += [OwnPlace(board, one) for one in _ranked(record, board, nth, rows, at, 1)]
        return own

    async def _from(
        self, quiz_id: str, state: State, board: Board, after: Place | None, limit: int
    ) -> tuple[int, list[Row]]:
        """
        Rows from a page of the store on, with all of them in which so many follow the place; the page's
        number.
        """
        nth = first = 0
        if after is not None:
            # The last page that begins before this order: the first ones of the order may be there.
            first = nth = max(0, bisect_left(board.firsts, -after.order, key=lambda order: -order) - 1)
        rows: list[Row] = []
        while nth < len(board.firsts) and len(rows) - _begin(rows, after) < limit:
            rows += await self._divisions.rows(quiz_id, state.boards, board.number, nth)
            nth += 1
        return first, rows


def _begin(rows: Sequence[Row], after: Place | None) -> int:
    """Which of the rows is the first one behind a place."""
    if after is None:
        return 0
    alike = bisect_left(rows, -after.order, key=lambda row: -row[1])
    worse = bisect_left(rows, 1 - after.order, key=lambda row: -row[1])
    return min(alike + after.passed, worse)


def _ranked(
    record: QuizRecord, board: Board, nth: int, rows: Sequence[Row], begin: int, number: int
) -> list[Standing]:
    """Some rows with their ranks; the first row is that of a page of the store."""
    if not number:
        return []
    bits = BITS_WITHOUT_RANK[record.quiz.ties]
    first = begin
    while first and rows[first - 1][1] >> bits == rows[begin][1] >> bits:
        first -= 1
    rank = ROWS_A_PAGE * nth + first + 1 if first else board.ranks[nth]
    return ranked(
        rows[begin : begin + number],
        record.quiz.opens_at,
        record.quiz.ties,
        position=ROWS_A_PAGE * nth + begin + 1,
        rank=rank,
    )


def frozen_at(record: QuizRecord, state: State, kind: Kind, name: str | None = None) -> datetime | None:
    """As of which moment a division is shown: of its own freeze, or of that of the quiz."""
    if record.status == "closed" and state.final:
        return None
    own = state.frozen_at(kind, name)
    return own if record.frozen_at is None or (own and own < record.frozen_at) else record.frozen_at
