"""A session's list as a file, made while it is read and sent: no more than one page is in memory."""

from collections.abc import AsyncIterator
from typing import Literal

from services.registration.listing.rules import COLUMNS, Sort, Wanted
from services.registration.listing.store import ListingStore
from shared.web.paced import Paced
from shared.web.tables import Cell, csv_file, xlsx_file

Format = Literal["csv", "xlsx"]
MEDIA_TYPES: dict[Format, str] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class Exports:
    """Makes files. The pieces of all files of a process are made one at a time, with rests in between."""

    def __init__(self, listing: ListingStore) -> None:
        self._listing = listing
        self._paced = Paced()

    def file(self, session_id: str, wanted: Wanted, sort: Sort, kind: Format) -> AsyncIterator[bytes]:
        """The file of a session, piece by piece."""

        async def rows() -> AsyncIterator[list[list[Cell]]]:
            async for some in self._listing.all(session_id, wanted, sort):
                yield [row.cells() for row in some]

        return self._paced.pieces((csv_file if kind == "csv" else xlsx_file)(COLUMNS, rows()))
