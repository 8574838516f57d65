"""
Giving the awards of a draw, and taking back those that nobody holds by it any more; in the background.

Each transaction checks that the draw has taken no step since it was read. So a process that was held up
cannot give an award of a drawing that is replaced meanwhile.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from services.awards.draws.freeze import Freezer
from services.awards.draws.rules import Drawing, held_by, settled
from services.awards.draws.store import DrawStore, Kept
from services.awards.issued import events, metrics
from services.awards.issued.codes import award_id
from services.awards.issued.rules import ERASED_REASON, Award, Withdrawn
from services.awards.issued.store import AwardStore
from services.awards.issuing.issue import TRANSACTION_AWARDS_MAX, Issuer
from services.awards.issuing.rules import PlannedAward
from services.awards.known.store import KnownStore
from services.awards.schemes.store import SchemeStore
from shared.contracts.origin import UNKNOWN_ORIGIN
from shared.runtime import clock
from shared.runtime.backlog import Backlog
from shared.storage.unit_of_work import UnitOfWork, save_together

LOOP = "draws"
SCHEME_AWARDS_MAX = 1_000


class Settler:
    """Does what the steps of draws leave to the background."""

    def __init__(
        self,
        draws: DrawStore,
        freezer: Freezer,
        schemes: SchemeStore,
        awards: AwardStore,
        known: KnownStore,
        issuer: Issuer,
    ) -> None:
        self._draws = draws
        self._freezer = freezer
        self._schemes = schemes
        self._awards = awards
        self._known = known
        self._issuer = issuer
        self.loop = Backlog(LOOP, draws.pending, self.go_on).loop

    async def go_on(self, draw_id: str) -> None:
        """Do the next chunk of a draw: a piece of its list, the announcement, or its awards."""
        kept = await self._draws.get(draw_id)
        if not kept.work:
            return
        if kept.state == "freezing":
            await self._freezer.go_on(kept)
            return
        # The draft of a drawing has no winners yet: those of the one before hold nothing any more.
        number = kept.number - 1 if kept.state == "draft" else kept.number
        if (drawing := await self._draws.drawing(draw_id, number)) is not None:
            await self._settle(kept, drawing)
        await self._draws.step(kept, done=True)

    async def _settle(self, kept: Kept, drawing: Drawing) -> None:
        target = held_by(drawing)
        existing = await self._of_scheme(drawing.scheme_id)
        whom = sorted(target.keys() | existing.keys())
        erased = await self._known.erased(whom)
        scheme = await self._schemes.get(drawing.scheme_id)
        for start in range(0, len(whom), TRANSACTION_AWARDS_MAX):
            some = whom[start : start + TRANSACTION_AWARDS_MAX]
            due = {
                award_id(scheme.scheme_id, one): PlannedAward(
                    scheme, one, cause=drawing.drawing_id, tier=target[one]
                )
                for one in some
                if one in target and one not in existing and one not in erased
            }
            await self._issuer.make_rules_final([scheme])
            drafts = await self._issuer.drafts(due)
            if not await self._save(kept, drawing, some, target, drafts):
                return

    async def _of_scheme(self, scheme_id: str) -> dict[str, Award]:
        """All awards of a scheme, by recipient."""
        found: dict[str, Award] = {}
        after = ""
        while page := await self._awards.of_scheme(scheme_id, after, SCHEME_AWARDS_MAX):
            found |= {award.recipient_id: award for award in page}
            after = page[-1].award_id
        return found

    async def _save(
        self,
        kept: Kept,
        drawing: Drawing,
        whom: Sequence[str],
        target: Mapping[str, str],
        drafts: Sequence[Award],
    ) -> bool:
        """Save what changes for these people; False if the draw has taken another step."""
        now = clock.now()
        ids = [award_id(drawing.scheme_id, one) for one in whom]
        why = reasons(drawing)

        async def work(unit: UnitOfWork) -> tuple[list[Award], list[Award]] | None:
            if not await self._draws.lock(kept, unit):
                return None
            there = await self._awards.find(ids, unit)
            # Here, after a conflict with an erasure again: it has removed what was written about them.
            erased = await self._known.erased(whom)
            new = [one for one in drafts if one.award_id not in there and one.recipient_id not in erased]
            changed = _changed(there, target, drawing, why, now, erased)
            if new:
                await self._awards.add(unit, new)
            await self._awards.change(unit, changed)
            unit.publish(*[events.issued(award, UNKNOWN_ORIGIN) for award in new])
            unit.publish(
                *[
                    (events.issued if award.is_valid else events.revoked)(award, UNKNOWN_ORIGIN)
                    for award in changed
                ]
            )
            return new, changed

        saved = await save_together(self._awards.database, work)
        if saved is None:
            return False
        for award in (*saved[0], *saved[1]):
            metrics.count(award.kind, award.scheme_id, "issued" if award.is_valid else "revoked")
        return True


def reasons(drawing: Drawing) -> dict[str, tuple[Withdrawn, str]]:
    """Why those lose their award who were moved away. A replaced drawing says why itself."""
    if drawing.replaced_because is not None:
        return {}
    return {move.entrant_id: ("not_entitled", move.reason or ERASED_REASON) for move in drawing.moved}


def _changed(
    there: Mapping[str, Award],
    target: Mapping[str, str],
    drawing: Drawing,
    why: Mapping[str, tuple[Withdrawn, str]],
    now: datetime,
    erased: set[str],
) -> list[Award]:
    found = (
        settled(
            award,
            target.get(award.recipient_id),
            drawing,
            why,
            now,
            erased=award.recipient_id in erased,
        )
        for award in there.values()
    )
    return [award for award in found if award is not None]
