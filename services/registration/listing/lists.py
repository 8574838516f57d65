"""
A session's list, as pages and as a file. A file is made while it is read and sent: no more than one page of
it is in memory.
"""

from collections.abc import AsyncIterator
from typing import Literal

from services.registration.listing.rules import COLUMNS, Place, Row, Sort, Wanted
from services.registration.listing.store import ListingStore
from shared.web.paced import Paced
from shared.web.tables import Cell, csv_file, xlsx_file

Format = Literal["csv", "xlsx"]
MEDIA_TYPES: dict[Format, str] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class Lists:
    """
    Makes pages and files. In a process, pages and pieces of files are made one at a time, with rests in
    between: each may read thousands of registrations, and the database is everybody's. The organisers' keys
    take turns.
    """

    def __init__(self, listing: ListingStore) -> None:
        self._listing = listing
        self._paced = Paced()

    async def page(
        self, who: str, session_id: str, wanted: Wanted, sort: Sort, after: Place | None, limit: int
    ) -> tuple[list[Row], Place | None]:
        """
        A page, and where the next one begins (`ListingStore.page`).

        Raises:
            Overloaded: this key has too many pages and files under way.
        """
        async with self._paced.turn(who):
            return await self._listing.page(session_id, wanted, sort, after, limit)

    async def file(
        self, who: str, session_id: str, wanted: Wanted, sort: Sort, kind: Format
    ) -> AsyncIterator[bytes]:
        """
        The file of a session, piece by piece. A refusal comes before the first one.

        Raises:
            Overloaded: this key has too many pages and files under way.
        """

        async def rows() -> AsyncIterator[list[list[Cell]]]:
            async for some in self._listing.all(session_id, wanted, sort):
                yield [row.cells() for row in some]

        pieces = (csv_file if kind == "csv" else xlsx_file)(COLUMNS, rows())
        return await self._paced.pieces(who, pieces)
