"""Reinstating an award: the use case of `POST /awards/{award_id}/reinstate`."""

from services.awards.issued import events, metrics
from services.awards.issued.rules import Award, reinstated
from services.awards.issued.store import AwardStore
from services.awards.known.rules import check_recipient
from services.awards.known.store import KnownStore
from services.awards.results.changes import ChangeStore
from services.awards.schemes.store import SchemeStore
from shared.contracts.origin import Origin
from shared.runtime import clock
from shared.runtime.errors import NotFound
from shared.storage.unit_of_work import UnitOfWork, save_together


async def reinstate_award(
    award_id: str, awards: AwardStore, known: KnownStore, schemes: SchemeStore, changes: ChangeStore
) -> Award:
    """
    Let an award that an organiser has revoked hold again, with the same code; a repeat changes nothing.

    Raises:
        NotFound: there is no such award.
        Conflict: the rule took it back, or the recipient was erased.
    """
    now, origin = clock.now(), Origin.of_request()

    async def work(unit: UnitOfWork) -> tuple[Award, Award]:
        award = (await awards.find([award_id], unit)).get(award_id)
        if award is None:
            raise NotFound(f"there is no award {award_id}", code="award_unknown")
        # Against an erasure at the same moment.
        erased = bool(await known.lock_recipients(unit, [award.recipient_id]))
        check_recipient(award.recipient_id, known=True, erased=erased)
        after = reinstated(award, now)
        if after is not award:
            await awards.change(unit, [after])
            # Whoever has moved up is compared again.
            if quiz_id := await schemes.moves_up(award.scheme_id):
                await changes.mark_places(unit, quiz_id)
            unit.publish(events.issued(after, origin))
        return award, after

    before, after = await save_together(awards.database, work)
    if after is not before:
        metrics.count(after.kind, after.scheme_id, "issued")
    return after
