"""
Makes boards from standings, best first: ranks, pages, and where each person stands. Pure.

The rows of a board are cut into pages. Where somebody stands is found by a hash of the id in one of some
lists, so that one's own rank costs two reads and not an index for every person. What leads to the wrong
person shows when the row is read.
"""

import struct
from collections.abc import Iterable
from zlib import crc32

import msgspec

from services.quiz.divisions.rules import (
    BEST_MAX,
    DIVISIONS_A_KIND_MAX,
    KINDS,
    Division,
    Kind,
    Place,
    hidden_divisions,
)
from services.quiz.participants.rules import Profile
from services.quiz.standings.rules import BITS_WITHOUT_RANK, half_points_in
from shared.contracts.events import Ties

ROWS_A_PAGE = 500
# Districts and groups together, to decide which boards are hidden. Further ones do not hide each other.
PLACES_MAX = 20_000
# People of one list.
PEOPLE_A_BUCKET = 500
# The hash of a person, the number of a board, and the position there from 0.
SPOT = struct.Struct("<IHI")

Row = tuple[str, int]
"""A participant and the order."""


class Board(msgspec.Struct):
    """
    The board of a division, without its rows.

    Attributes:
        number: its number among all boards of the quiz, by which its pages are found.
        people: how many rows it has.
        best: the half points of its best people, best first.
        firsts: for each page, the order of its first row; `ranks`: that row's rank.
        hidden: only organisers read it.
    """

    kind: Kind
    name: str
    number: int
    people: int = 0
    best: list[int] = msgspec.field(default_factory=list)
    firsts: list[int] = msgspec.field(default_factory=list)
    ranks: list[int] = msgspec.field(default_factory=list)
    hidden: bool = False


class Page(msgspec.Struct, frozen=True):
    """The rows of a page of a board; `nth` from 0."""

    number: int
    nth: int
    rows: list[Row]


class _Open:
    """A board that is being made."""

    __slots__ = ("bits", "board", "decides", "rank", "rows")

    def __init__(self, board: Board, ties: Ties) -> None:
        self.board = board
        self.rows: list[Row] = []
        self.bits = BITS_WITHOUT_RANK[ties]
        self.decides = -1
        self.rank = 0

    def add(self, row: Row) -> None:
        board, order = self.board, row[1]
        board.people += 1
        if order >> self.bits != self.decides:
            self.decides, self.rank = order >> self.bits, board.people
        if not self.rows:
            board.firsts.append(order)
            board.ranks.append(self.rank)
        if len(board.best) < BEST_MAX:
            board.best.append(half_points_in(order))
        self.rows.append(row)


class Counting:
    """
    The boards of a quiz, as they are made.

    Args:
        ties: who shares a rank.
        people: about how many there are; decides how many lists there are.
    """

    def __init__(self, ties: Ties, people: int) -> None:
        self._ties = ties
        self._boards: dict[Kind, dict[str, _Open]] = {kind: {} for kind in KINDS}
        self._full: list[Page] = []
        self._spots = [bytearray() for _ in range(people // PEOPLE_A_BUCKET + 1)]
        self._people: dict[Kind, dict[str | None, int]] = {kind: {} for kind in KINDS}
        self._places: dict[Place, int] = {}
        self._number = 0

    @property
    def buckets(self) -> int:
        """How many lists of people there are."""
        return len(self._spots)

    def know(self, profile: Profile) -> None:
        """Count somebody for the question which boards are hidden."""
        for kind in KINDS:
            people, name = self._people[kind], division_of(profile, kind)
            people[name] = people.get(name, 0) + 1
        place = profile.district, profile.group_id
        if place in self._places or len(self._places) < PLACES_MAX:
            self._places[place] = self._places.get(place, 0) + 1

    def add(self, division: Division, row: Row) -> None:
        """Add the next row of a board: no better one comes after it."""
        boards = self._boards[division.kind]
        if (open_ := boards.get(division.name)) is None:
            if len(boards) >= DIVISIONS_A_KIND_MAX:
                return
            open_ = boards[division.name] = _Open(Board(*division, self._number), self._ties)
            self._number += 1
        hashed = hash_of(row[0])
        board = open_.board
        self._spots[hashed % len(self._spots)] += SPOT.pack(hashed, board.number, board.people)
        open_.add(row)
        if len(open_.rows) == ROWS_A_PAGE:
            self._full.append(_page(open_))
            open_.rows = []

    def full_pages(self) -> list[Page]:
        """The pages that are full since the last call."""
        full, self._full = self._full, []
        return full

    def last_pages(self) -> list[Page]:
        """The pages that are not full, when everything was added."""
        return [_page(one) for boards in self._boards.values() for one in boards.values() if one.rows]

    def spots(self) -> list[bytes]:
        """The lists of people, when everything was added."""
        return [bytes(one) for one in self._spots]

    def tables(self, hidden: Iterable[Division] = ()) -> dict[Kind, list[Board]]:
        """
        The boards by kind, when everything was added.

        Args:
            hidden: these are hidden in any case.
        """
        to_hide = {*hidden, *hidden_divisions(self._people, self._places)}
        tables = {kind: [one.board for one in self._boards[kind].values()] for kind in KINDS}
        for boards in tables.values():
            for board in boards:
                board.hidden = Division(board.kind, board.name) in to_hide
        return tables


def division_of(profile: Profile, kind: Kind) -> str | None:
    """The division of a kind that somebody is in."""
    if kind == "group":
        return profile.group_id
    return profile.audience if kind == "audience" else profile.district


def hash_of(participant_id: str) -> int:
    """What leads to a participant's rows."""
    return crc32(participant_id.encode())


def _page(open_: _Open) -> Page:
    return Page(open_.board.number, len(open_.board.firsts) - 1, open_.rows)
