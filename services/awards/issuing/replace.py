"""Replacing an award by another one: the use case of `POST /awards/{award_id}/replace`."""

from dataclasses import dataclass

from msgspec.structs import replace

from services.awards.issued import events, metrics
from services.awards.issued.codes import award_id
from services.awards.issued.rules import (
    Award,
    check_not_revoked,
    check_replaced_by_another,
    is_repeat,
    superseded,
)
from services.awards.issued.store import AwardStore
from services.awards.issuing.issue import Issuer
from services.awards.issuing.rules import check_issued_at_once, due_by_conferral
from services.awards.known.rules import check_recipient
from services.awards.known.store import KnownStore
from services.awards.known.wait import KNOWN_WAIT_SECONDS, wait_until_known
from services.awards.schemes.store import SchemeStore
from shared.contracts.origin import Origin
from shared.runtime import clock
from shared.runtime.errors import Conflict, NotFound
from shared.storage.unit_of_work import UnitOfWork, save_together


@dataclass(frozen=True, slots=True)
class Replacement:
    """
    What takes the place of an award. What is None is as in the award that is replaced; a note is not taken
    over, since it may speak of the recipient of before.
    """

    reason: str
    scheme_id: str | None = None
    recipient_id: str | None = None
    note: str | None = None


class Replacing:
    """Replaces awards that organisers have conferred."""

    def __init__(
        self,
        awards: AwardStore,
        schemes: SchemeStore,
        known: KnownStore,
        issuer: Issuer,
        *,
        wait_seconds: float = KNOWN_WAIT_SECONDS,
    ) -> None:
        self._awards = awards
        self._schemes = schemes
        self._known = known
        self._issuer = issuer
        self._wait_seconds = wait_seconds

    async def replace(self, id_: str, by: Replacement) -> tuple[Award, bool]:
        """
        Revoke an award and issue another one in its place, in one transaction.

        Returns: the award that takes its place, and True if it is new. A repeat changes nothing.
        Raises:
            NotFound: there is no such award, scheme or recipient.
            Rejected: one of the schemes is not of conferred awards, or it would be the same award again.
            Conflict: the award was revoked, or replaced by another one; the recipient has the new award, or
                was erased; or the scheme issues after a notice.
        """
        old = await self._find(id_)
        scheme_id = by.scheme_id or old.scheme_id
        recipient_id = by.recipient_id or old.recipient_id
        new_id = award_id(scheme_id, recipient_id)
        check_replaced_by_another(id_, new_id)
        if (before := await self._replaced_before(old, new_id, by.reason)) is not None:
            return before, False
        # Only to refuse early what the transaction would refuse.
        superseded(old, new_id, by.reason, clock.now(), erased=False)
        due_by_conferral(await self._schemes.get(old.scheme_id), old.recipient_id, None)
        scheme = await self._schemes.get(scheme_id)
        due = due_by_conferral(scheme, recipient_id, by.note)
        check_issued_at_once(scheme)
        is_known = await wait_until_known(
            lambda: self._known.has_participant(recipient_id), self._wait_seconds
        )
        # A refusal here changes nothing, also not the scheme's rule. It is checked again under a lock.
        check_recipient(recipient_id, known=is_known, erased=bool(await self._known.erased([recipient_id])))
        await self._issuer.make_rules_final([scheme])
        [draft] = await self._issuer.drafts({new_id: due})
        award, new = await self._save(id_, replace(draft, replaces=id_), by.reason)
        if new:
            metrics.count(old.kind, old.scheme_id, "revoked")
            metrics.count(award.kind, award.scheme_id, "issued")
        return award, new

    async def _save(self, id_: str, draft: Award, reason: str) -> tuple[Award, bool]:
        origin = Origin.of_request()

        async def work(unit: UnitOfWork) -> tuple[Award, bool]:
            # Against an erasure at the same moment, and against a conferral of the same award.
            await self._known.lock_recipient(unit, draft.recipient_id)
            old = await self._find(id_, unit)
            if (before := await self._replaced_before(old, draft.award_id, reason, unit)) is not None:
                return before, False
            erased = bool(await self._known.erased([old.recipient_id]))
            after = superseded(old, draft.award_id, reason, draft.issued_at, erased=erased)
            if there := await self._awards.find([draft.award_id], unit):
                check_not_revoked(there[draft.award_id])
                raise Conflict(
                    f"{draft.recipient_id} has an award of scheme {draft.scheme_id} already: revoke award "
                    f"{id_} instead",
                    code="recipient_has_award",
                )
            await self._awards.change(unit, [after])
            await self._awards.add(unit, [draft])
            unit.publish(events.revoked(after, origin), events.issued(draft, origin))
            return draft, True

        return await save_together(self._awards.database, work)

    async def _replaced_before(
        self, old: Award, new_id: str, reason: str, unit: UnitOfWork | None = None
    ) -> Award | None:
        """The award that took this one's place by the same request."""
        if old.superseded_by is None:
            return None
        erased = bool(await self._known.erased([old.recipient_id]))
        if not is_repeat(old, new_id, reason, erased=erased):
            return None
        return await self._find(new_id, unit)

    async def _find(self, id_: str, unit: UnitOfWork | None = None) -> Award:
        found = (await self._awards.find([id_], unit)).get(id_)
        if found is None:
            raise NotFound(f"there is no award {id_}", code="award_unknown")
        return found
