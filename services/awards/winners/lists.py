"""
The winners of a scheme, as pages and as a file. A file is made while it is read and sent: no more than one
page of it is in memory.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Literal

from services.awards.issued.rules import Award
from services.awards.issued.store import AwardStore
from services.awards.known.store import KnownStore
from services.awards.names.store import NameStore
from services.awards.schemes.store import SchemeStore
from services.awards.winners.rules import COLUMNS, Winner
from shared.runtime.acting import current
from shared.runtime.errors import Conflict
from shared.web.paced import Paced
from shared.web.tables import Cell, csv_file, xlsx_file

Format = Literal["csv", "xlsx"]
MEDIA_TYPES: dict[Format, str] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
# Awards in memory at a time.
READ_MAX = 200


class WinnerLists:
    """
    Makes pages and files. In a process, pages and pieces of files are made one at a time, with rests in
    between, and the organisers' keys take turns.
    """

    def __init__(self, awards: AwardStore, names: NameStore, known: KnownStore, schemes: SchemeStore) -> None:
        self._awards = awards
        self._names = names
        self._known = known
        self._schemes = schemes
        self._paced = Paced()

    async def page(
        self, who: str, scheme_id: str, reason: str, after: str, limit: int
    ) -> tuple[list[Winner], str | None]:
        """
        A page of the winners, and after which award the next one begins; None on the last one.

        Erased winners are left out, so a page may be short.

        Raises:
            NotFound: there is no such scheme.
            Conflict: this process cannot open names.
            Overloaded: this key has too many pages and files under way.
        """
        await self._check(scheme_id)
        async with self._paced.turn(who):
            some = await self._awards.of_scheme(scheme_id, after, limit)
            await current().note(people=sum(award.is_valid for award in some), reason=reason)
            winners = await self._opened(some)
        return winners, some[-1].award_id if len(some) == limit else None

    async def file(self, who: str, scheme_id: str, reason: str, kind: Format) -> AsyncIterator[bytes]:
        """
        All winners, piece by piece. A refusal comes before the first one.

        Raises:
            NotFound, Conflict, Overloaded: see `page`.
        """
        await self._check(scheme_id)
        await current().note(people=await self._awards.count_held(scheme_id), reason=reason)
        pieces = (csv_file if kind == "csv" else xlsx_file)(COLUMNS, self._rows(scheme_id))
        return await self._paced.pieces(who, pieces)

    async def _rows(self, scheme_id: str) -> AsyncIterator[Sequence[Sequence[Cell]]]:
        after = ""
        while some := await self._awards.of_scheme(scheme_id, after, READ_MAX):
            after = some[-1].award_id
            yield [winner.cells() for winner in await self._opened(some)]

    async def _opened(self, awards: Sequence[Award]) -> list[Winner]:
        held = [award for award in awards if award.is_valid]
        ids = [award.recipient_id for award in held]
        full = await self._names.full(ids)
        # After the names are read: an erasure at the same moment is seen here.
        erased = await self._known.erased(ids)
        return [
            Winner(award, full.get(award.recipient_id)) for award in held if award.recipient_id not in erased
        ]

    async def _check(self, scheme_id: str) -> None:
        await self._schemes.get_with_tag(scheme_id)
        if not self._names.opens:
            raise Conflict("this process cannot open names: it has no private key", code="names_closed")
