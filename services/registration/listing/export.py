"""A session's list as a file, made while it is read and sent: no more than one page is in memory."""

from collections.abc import AsyncIterator
from typing import Literal

from services.registration.listing.rules import COLUMNS, Sort, Wanted
from services.registration.listing.store import ListingStore
from shared.web.tables import Cell, csv_file, xlsx_file

Format = Literal["csv", "xlsx"]
MEDIA_TYPES: dict[Format, str] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def export(
    listing: ListingStore, session_id: str, wanted: Wanted, sort: Sort, kind: Format
) -> AsyncIterator[bytes]:
    """The file, piece by piece."""

    async def rows() -> AsyncIterator[list[list[Cell]]]:
        async for some in listing.all(session_id, wanted, sort):
            yield [row.cells() for row in some]

    return (csv_file if kind == "csv" else xlsx_file)(COLUMNS, rows())
