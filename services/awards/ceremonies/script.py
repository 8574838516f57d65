"""The running order of a ceremony. It is computed anew each time, so a revoked award is gone at once."""

from collections.abc import AsyncIterator, Mapping, Sequence

import msgspec

from services.awards.ceremonies.arrivals import ArrivalStore
from services.awards.ceremonies.rules import (
    AWARDS_MAX,
    Attendance,
    Call,
    Ceremony,
    Handed,
    Proxy,
    attendance,
    running_order,
    too_many_awards,
)
from services.awards.ceremonies.store import CeremonyStore
from services.awards.issued.rules import Award
from services.awards.issued.store import AwardStore
from services.awards.known.store import KnownStore
from services.awards.names.rules import Named, Names
from services.awards.schemes.rules import Scheme
from services.awards.schemes.store import SchemeStore
from shared.runtime.errors import NotFound
from shared.web.paced import Paced
from shared.web.tables import Cell

COLUMNS = (
    "call",
    "award",
    "tier",
    "part",
    "presenter",
    "notes",
    "name",
    "unit",
    "attendance",
    "award_code",
    "recipient_id",
    "handed_over",
)
ROWS_A_PIECE = 200


class Script(msgspec.Struct, frozen=True):
    """
    The running order, and what is known of each recipient.

    Attributes:
        names: by recipient, as the holders show them.
        handed: by award, what was handed over at this ceremony.
    """

    ceremony: Ceremony
    calls: Sequence[Call]
    names: Mapping[str, Named]
    present: frozenset[str]
    proxies: Mapping[str, Proxy]
    handed: Mapping[str, Handed]

    def attendance(self, award: Award) -> Attendance:
        """Who comes for this award."""
        one = award.recipient_id
        return attendance(self.ceremony, present=one in self.present, proxy=one in self.proxies)

    def was_handed_over(self, award: Award) -> bool:
        """Whether this award was handed over at this ceremony."""
        return award.award_id in self.handed

    @property
    def awards(self) -> list[Award]:
        """All awards, as they are called."""
        return [award for call in self.calls for award in call.awards]


class Scripts:
    """Makes scripts, one at a time in a process, and those who ask take turns."""

    def __init__(
        self,
        ceremonies: CeremonyStore,
        awards: AwardStore,
        schemes: SchemeStore,
        known: KnownStore,
        arrivals: ArrivalStore,
        names: Names,
    ) -> None:
        self._ceremonies = ceremonies
        self._awards = awards
        self._schemes = schemes
        self._known = known
        self._arrivals = arrivals
        self._names = names
        self._paced = Paced()

    async def script(self, who: str, ceremony: Ceremony) -> Script:
        """
        The script of a ceremony, as everybody may see it.

        Args:
            who: asks; each one has its turns.

        Raises:
            Conflict: it has more than `AWARDS_MAX` awards.
            Overloaded: too many of theirs are under way.
        """
        async with self._paced.turn(who):
            return await self._make(ceremony)

    async def _make(self, ceremony: Ceremony) -> Script:
        schemes: dict[str, Scheme] = {}
        held: list[list[Award]] = []
        left = AWARDS_MAX
        for item in ceremony.items:
            try:
                schemes[item.scheme_id] = await self._schemes.get(item.scheme_id)
            except NotFound:
                # It was deleted: it has no awards.
                held.append([])
                continue
            some = await self._awards.held(item.scheme_id, item.tiers, left + 1)
            left -= len(some)
            if left < 0:
                raise too_many_awards()
            held.append(some)
        awards = [award for some in held for award in some]
        recipients = {award.recipient_id for award in awards}
        names = await self._names.shown(recipients)
        proxies = await self._ceremonies.proxies(ceremony.ceremony_id)
        session = ceremony.session_id
        present = await self._arrivals.present(session, recipients) if session else set()
        handed = await self._ceremonies.handed([award.award_id for award in awards])
        # After the names are read: an erasure at the same moment is seen here.
        erased = await self._known.erased(recipients)
        calls = running_order(
            ceremony, schemes, [[one for one in some if one.recipient_id not in erased] for some in held]
        )
        return Script(
            ceremony,
            calls,
            names,
            frozenset(present),
            proxies,
            {
                id_: one
                for id_, one in handed.items()
                if one.handed_over and one.ceremony_id == ceremony.ceremony_id
            },
        )


async def rows(script: Script) -> AsyncIterator[Sequence[Sequence[Cell]]]:
    """The rows of a file, as `COLUMNS`."""
    some: list[list[Cell]] = []
    for call in script.calls:
        for award in call.awards:
            name = script.names.get(award.recipient_id)
            some.append(
                [
                    call.number,
                    call.scheme_title,
                    call.tier,
                    f"{call.part}/{call.parts}",
                    call.presenter,
                    call.notes,
                    name.text if name else None,
                    name.unit if name else None,
                    script.attendance(award),
                    award.award_code,
                    award.recipient_id,
                    "yes" if script.was_handed_over(award) else "no",
                ]
            )
        if len(some) >= ROWS_A_PIECE:
            yield some
            some = []
    yield some
