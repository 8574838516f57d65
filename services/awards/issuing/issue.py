"""
Issuing awards. The event `award.issued` is published in one of two ways, and the award says which
(`relayed`).

- An award that follows from an event: first it is stored, then the consumer publishes what `issue_earned`
  returns. After a crash the consumer repeats both.
- An award by an organiser's request, applied or conferred: it is stored together with its event, and the
  outbox publishes that.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec.structs import replace

from services.awards.issued import events, metrics
from services.awards.issued.codes import award_code, award_id
from services.awards.issued.rules import Award
from services.awards.issued.store import AwardStore
from services.awards.issuing.rules import PlannedAward
from services.awards.known.store import KnownStore
from services.awards.results.changes import ChangeStore
from services.awards.schemes.rules import Scheme
from services.awards.schemes.store import SchemeStore
from shared.contracts.envelope import Context
from shared.contracts.origin import Origin
from shared.messaging.publisher import Record
from shared.runtime import clock
from shared.runtime.errors import Unavailable
from shared.storage.unit_of_work import UnitOfWork, save_together

TRANSACTION_AWARDS_MAX = 500
CODE_TRIES_MAX = 8


class Earned(msgspec.Struct, frozen=True):
    """
    An award that an event grants, and the context of that event.

    Attributes:
        only_again: a correction has taken away what earned it. It is not issued. But if an earlier try has
            issued it, that try may have ended before publishing.
    """

    due: PlannedAward
    context: Context
    only_again: bool = False


class Issuer:
    """Issues awards; their codes are made with `key`."""

    def __init__(
        self, awards: AwardStore, schemes: SchemeStore, known: KnownStore, changes: ChangeStore, *, key: bytes
    ) -> None:
        self._awards = awards
        self._schemes = schemes
        self._known = known
        self._changes = changes
        self._key = key

    async def issue_earned(self, earned: Sequence[Earned]) -> list[Record]:
        """
        Issue awards that follow from events. If two events give the same award, the first one is its cause.

        Erased people get no awards. An erasure that arrives while this runs may come too late. This does no
        harm: no personal data are stored or published here.

        Returns: the events to publish: for the new awards, and again for those that the same cause issued
            before, since a crash may have come between storing and publishing. An award that was revoked in
            between is left out: the revocation has published its event.
        Raises:
            Unavailable: MongoDB does not answer, or a scheme changed at the same time.
        """
        causes: dict[str, Earned] = {}
        others: dict[str, list[Earned]] = {}
        for one in earned:
            id_ = award_id(one.due.scheme.scheme_id, one.due.recipient_id)
            if causes.setdefault(id_, one) is not one:
                others.setdefault(id_, []).append(one)
        # A query costs less than a refused insert, and many people take part in a contest many times.
        existing = await self._awards.find(causes)
        missing = {id_: one.due for id_, one in causes.items() if id_ not in existing and not one.only_again}
        missing = await self.still_due(missing)
        await self.make_rules_final(due.scheme for due in missing.values())
        added, raced = await self._add_new(missing)
        _count(added)
        there = existing | raced
        again = {id_: one.due for id_ in there if not (one := causes[id_]).only_again}
        await self._mark_earned_again(there, again)
        to_publish = {award.award_id: award for award in added}
        for id_, award in there.items():
            if award.is_valid and not award.relayed:
                # In an earlier try another one of them may have been the first: a correction came meanwhile.
                for one in (causes[id_], *others.get(id_, ())):
                    if one.due.cause == award.cause:
                        to_publish[id_], causes[id_] = award, one
                        break
        return [
            events.issued_record(to_publish[id_], one.context)
            for id_, one in causes.items()
            if id_ in to_publish
        ]

    async def _add_new(self, due: dict[str, PlannedAward]) -> tuple[list[Award], dict[str, Award]]:
        """
        Add these awards; returns the new ones, and those that another process has just added.

        The database also refuses a code of another award. Then the award gets its next code.
        """
        now = clock.now()
        waiting = [self._draft(id_, one, now, relayed=False) for id_, one in due.items()]
        added: list[Award] = []
        raced: dict[str, Award] = {}
        for try_number in range(1, CODE_TRIES_MAX + 1):
            new = await self._awards.add_new(waiting)
            added += new
            if len(new) == len(waiting):
                return added, raced
            refused = {award.award_id: award for award in waiting}
            for award in new:
                del refused[award.award_id]
            raced |= (found := await self._awards.find(refused))
            waiting = [
                replace(award, award_code=award_code(id_, self._key, try_number))
                for id_, award in refused.items()
                if id_ not in found
            ]
        raise _no_code_free(waiting)

    async def issue_applied(self, due: Sequence[PlannedAward]) -> int:
        """
        Issue awards when an organiser applies a scheme. If two are the same award, the first one counts.

        Returns: the number of new awards.
        """
        issued = 0
        for start in range(0, len(due), TRANSACTION_AWARDS_MAX):
            issued += await self._save_and_publish(due[start : start + TRANSACTION_AWARDS_MAX])
        return issued

    async def _save_and_publish(self, due: Sequence[PlannedAward]) -> int:
        """Look first: then a repeat costs one query and no transaction."""
        by_id: dict[str, PlannedAward] = {}
        for one in due:
            by_id.setdefault(award_id(one.scheme.scheme_id, one.recipient_id), one)
        existing = await self._awards.find(by_id)
        missing = {id_: one for id_, one in by_id.items() if id_ not in existing}
        missing = await self.still_due(missing)
        await self._mark_earned_again(existing, by_id)
        if not missing:
            return 0
        await self.make_rules_final(one.scheme for one in missing.values())
        drafts = await self.drafts(missing)

        async def work(unit: UnitOfWork) -> list[Award]:
            raced = await self._awards.find([award.award_id for award in drafts], unit)
            new = [award for award in drafts if award.award_id not in raced]
            if new:
                await self._awards.add(unit, new)
                unit.publish(*[events.issued(award, Origin.of_request()) for award in new])
            return new

        added = await save_together(self._awards.database, work)
        _count(added)
        return len(added)

    async def issue_conferred(self, due: PlannedAward) -> tuple[Award, bool]:
        """
        Issue an award that an organiser confers; returns the award, new or existing, and True if it is new.

        Raises:
            NotFound, Conflict: the recipient is not known, or was erased.
        """
        await self.make_rules_final([due.scheme])
        [draft] = await self.drafts({award_id(due.scheme.scheme_id, due.recipient_id): due})

        async def work(unit: UnitOfWork) -> tuple[Award, bool]:
            await self._known.lock_recipient(unit, draft.recipient_id)
            if existing := await self._awards.find([draft.award_id], unit):
                return existing[draft.award_id], False
            await self._awards.add(unit, [draft])
            unit.publish(events.issued(draft, Origin.of_request()))
            return draft, True

        award, new = await save_together(self._awards.database, work)
        if new:
            _count([award])
        return award, new

    async def issue_named(self, due: dict[str, PlannedAward]) -> set[str]:
        """
        Issue awards that an organiser confers on many, in one transaction. The erased get none.

        Returns: the ids of the new awards.
        """
        await self.make_rules_final(one.scheme for one in due.values())
        drafts = await self.drafts(due)

        async def work(unit: UnitOfWork) -> list[Award]:
            erased = await self._known.lock_recipients(unit, [one.recipient_id for one in drafts])
            there = await self._awards.find(due, unit)
            new = [one for one in drafts if one.award_id not in there and one.recipient_id not in erased]
            if new:
                await self._awards.add(unit, new)
                unit.publish(*[events.issued(award, Origin.of_request()) for award in new])
            return new

        added = await save_together(self._awards.database, work)
        _count(added)
        return {award.award_id for award in added}

    async def still_due(self, due: dict[str, PlannedAward]) -> dict[str, PlannedAward]:
        """The planned awards, without those for erased people, and without those by cancelled quizzes."""
        if not due:
            return due
        erased = await self._known.erased({one.recipient_id for one in due.values()})
        quizzes = {quiz_id for one in due.values() if (quiz_id := one.scheme.quiz_id)}
        cancelled = await self._known.cancelled(quizzes) if quizzes else set()
        if not erased and not cancelled:
            return due
        return {
            id_: one
            for id_, one in due.items()
            if one.recipient_id not in erased and one.scheme.quiz_id not in cancelled
        }

    async def _mark_earned_again(
        self, existing: Mapping[str, Award], due: Mapping[str, PlannedAward]
    ) -> None:
        """
        Mark who earns again what the rule took back, or what is noted as not earned. Others compare it.
        """
        again = [
            id_ for id_, award in existing.items() if (award.may_come_back or award.noted) and id_ in due
        ]
        if again:
            await self._changes.mark(
                (quiz_id, due[id_].recipient_id) for id_ in again if (quiz_id := due[id_].scheme.quiz_id)
            )

    async def make_rules_final(self, schemes: Iterable[Scheme]) -> None:
        """Before the first award of a scheme, make its rule final."""
        for scheme in {scheme.scheme_id: scheme for scheme in schemes}.values():
            if not await self._schemes.use(scheme):
                raise Unavailable(f"scheme {scheme.scheme_id} changed meanwhile; try again")

    async def drafts(self, due: dict[str, PlannedAward]) -> list[Award]:
        """
        Awards to be stored in a transaction, each with a code that no other award has.

        Codes are checked before, since a refused code would end the transaction.
        """
        now = clock.now()
        drafts: dict[str, Award] = {}
        waiting = [self._draft(id_, one, now, relayed=True) for id_, one in due.items()]
        for try_number in range(1, CODE_TRIES_MAX + 1):
            if not waiting:
                break
            taken = await self._awards.codes_taken([award.award_code for award in waiting])
            again = []
            for award in waiting:
                if award.award_code in taken or award.award_code in drafts:
                    again.append(replace(award, award_code=award_code(award.award_id, self._key, try_number)))
                else:
                    drafts[award.award_code] = award
            waiting = again
        if waiting:
            raise _no_code_free(waiting)
        return list(drafts.values())

    def _draft(self, id_: str, due: PlannedAward, now: datetime, *, relayed: bool) -> Award:
        return Award(
            award_id=id_,
            award_code=award_code(id_, self._key),
            scheme_id=due.scheme.scheme_id,
            scheme_title=due.scheme.title,
            kind=due.scheme.kind,
            tier=due.tier,
            recipient_id=due.recipient_id,
            cause=due.cause,
            issued_at=now,
            relayed=relayed,
            note=due.note,
            shared=due.shared,
        )


def _no_code_free(waiting: Sequence[Award]) -> Unavailable:
    return Unavailable(f"{len(waiting)} awards found no free code in {CODE_TRIES_MAX} tries")


def _count(issued: Sequence[Award]) -> None:
    for (kind, scheme_id), number in Counter((award.kind, award.scheme_id) for award in issued).items():
        metrics.count(kind, scheme_id, "issued", number)
