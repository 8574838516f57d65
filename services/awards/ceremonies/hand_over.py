"""Awards were handed over at a ceremony: an organiser marks them, or undoes that."""

from collections.abc import Sequence

from services.awards.ceremonies import events
from services.awards.ceremonies.arrivals import ArrivalStore
from services.awards.ceremonies.rules import Handed, handed_over, undone
from services.awards.ceremonies.store import CeremonyStore
from services.awards.issued.codes import read_code
from services.awards.issued.store import AwardStore
from services.awards.known.store import KnownStore
from shared.contracts.origin import Origin
from shared.runtime import clock
from shared.runtime.errors import NotFound
from shared.storage.unit_of_work import UnitOfWork, save_together


class HandingOver:
    """
    Marks awards as handed over.

    A revocation at the same moment needs no lock: this reads that the award is held, and comes before it.
    """

    def __init__(
        self, ceremonies: CeremonyStore, awards: AwardStore, known: KnownStore, arrivals: ArrivalStore
    ) -> None:
        self._ceremonies = ceremonies
        self._awards = awards
        self._known = known
        self._arrivals = arrivals

    async def mark(self, ceremony_id: str, typed: Sequence[str], *, over: bool) -> list[Handed]:
        """
        Mark awards as handed over, all or none; or undo that. A repeat changes nothing.

        Returns: what has changed.

        Raises:
            NotFound: there is no such ceremony, or no award of a code.
            Rejected: a code has a typing error.
            Conflict: an award cannot be handed over here (rules.py).
        """
        codes, origin, now = list(dict.fromkeys(map(read_code, typed))), Origin.of_request(), clock.now()

        async def work(unit: UnitOfWork) -> list[Handed]:
            # Locked: two markings at once come one after the other, and it cannot be deleted meanwhile.
            ceremony, _, _ = await self._ceremonies.lock(unit, ceremony_id)
            awards = await self._awards.by_codes(codes, unit)
            for code in codes:
                if code not in awards:
                    raise NotFound(f"there is no award with the code {code}", code="award_unknown")
            recipients = {award.recipient_id for award in awards.values()}
            erased = await self._known.erased(recipients)
            before = await self._ceremonies.handed([award.award_id for award in awards.values()], unit)
            proxies = await self._ceremonies.proxies(ceremony_id, unit)
            session = ceremony.session_id
            present = await self._arrivals.present(session, recipients) if session and proxies else set()
            changed: list[Handed] = []
            for award in map(awards.__getitem__, codes):
                last, is_erased = before.get(award.award_id), award.recipient_id in erased
                by_proxy = award.recipient_id in proxies.keys() - present
                after = (
                    handed_over(ceremony, award, last, now, by_proxy=by_proxy, erased=is_erased)
                    if over
                    else undone(ceremony, last, now, erased=is_erased)
                )
                if after is not None:
                    changed.append(after)
            await self._ceremonies.note(unit, ceremony_id, changed)
            unit.publish(*[events.handed_over(one, origin) for one in changed])
            return changed

        return await save_together(self._ceremonies.database, work)
