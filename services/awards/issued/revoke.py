"""Revoking an award: the use case of `POST /awards/{award_id}/revoke`."""

from services.awards.issued import events, metrics
from services.awards.issued.rules import Award, revoked
from services.awards.issued.store import AwardStore
from services.awards.known.store import KnownStore
from services.awards.results.changes import ChangeStore
from services.awards.schemes.store import SchemeStore
from shared.contracts.origin import Origin
from shared.runtime import clock
from shared.runtime.errors import NotFound
from shared.storage.unit_of_work import UnitOfWork, save_together


async def revoke_award(
    award_id: str,
    reason: str,
    awards: AwardStore,
    known: KnownStore,
    schemes: SchemeStore,
    changes: ChangeStore,
    *,
    place_free: bool = False,
) -> Award:
    """
    Revoke an award; a repeat changes nothing.

    If its scheme says `next_in_rank`, others move up in the background. The mark for that is stored together
    with the revocation.

    Args:
        place_free: nobody moves up.

    Raises:
        NotFound: there is no such award.
        Conflict: it was revoked for another reason.
    """
    now, origin = clock.now(), Origin.of_request()

    async def work(unit: UnitOfWork) -> tuple[Award, Award]:
        award = (await awards.find([award_id], unit)).get(award_id)
        if award is None:
            raise NotFound(f"there is no award {award_id}", code="award_unknown")
        erased = bool(await known.erased([award.recipient_id]))
        after = revoked(award, reason, now, erased=erased, place_free=place_free)
        if after is award:
            return award, after
        await awards.change(unit, [after])
        if quiz_id := await schemes.moves_up(award.scheme_id):
            await changes.mark_places(unit, quiz_id)
        if not award.relayed:
            # A consumer may have crashed after it stored the award and before it published the event, and
            # it does not publish the event of a revoked award. For those who have it, it is the same event
            # again.
            unit.publish(events.issued(award, origin))
        unit.publish(events.revoked(after, origin))
        return award, after

    before, after = await save_together(awards.database, work)
    if before.is_valid:
        metrics.count(after.kind, after.scheme_id, "revoked")
    return after
