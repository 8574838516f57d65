"""
Issuing awards: what events earn, and what organisers grant (`services/awards/issuing/apply.py`).

An award is told of in one of two ways, and says which (`relayed`): what follows from an
event is stored and then published by the consumer, which repeats both after a crash;
what an organiser does goes through the outbox.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import get_args

import msgspec
from msgspec.structs import replace

from services.awards.issuing.rules import Due
from services.awards.register import events
from services.awards.register.codes import award_code, award_id
from services.awards.register.rules import Award
from services.awards.register.store import AwardStore
from services.awards.schemes.rules import Scheme
from shared.contracts.envelope import Context
from shared.contracts.events import AwardKind
from shared.messaging.publisher import Record
from shared.runtime import clock, metrics
from shared.runtime.errors import Unavailable

TOLD_AT_ONCE_MAX = 500
CODE_TURNS_MAX = 8


class Earned(msgspec.Struct, frozen=True):
    """An award that an event grants."""

    due: Due
    context: Context


class Issuing:
    """Issues awards; `key` makes their codes."""

    def __init__(self, store: AwardStore, *, key: bytes) -> None:
        self._store = store
        self._key = key
        for kind in get_args(AwardKind):
            for change in ("issued", "revoked"):
                metrics.AWARDS.labels(kind, change)

    async def follow(self, earned: Sequence[Earned]) -> list[Record]:
        """
        Issue what is due after events; the first cause in order counts for each award.

        The erased are awarded nothing. An erasure that is heard at this very moment counts as one
        that came a moment later: nothing personal is stored or told of here.

        Returns: what is to be published: the new awards, and again those that the same
            cause issued before, since a crash may have come between storing and telling.
            Not one that was revoked meanwhile: the revocation has told of it.
        Raises:
            Unavailable: MongoDB does not answer, or a scheme changed meanwhile.
        """
        causes: dict[str, Earned] = {}
        for one in earned:
            causes.setdefault(award_id(one.due.scheme.scheme_id, one.due.recipient_id), one)
        # To be refused is dearer than to look, and many sit the contest many times.
        there = await self._store.awards(causes)
        new = await self._to_living({id_: one.due for id_, one in causes.items() if id_ not in there})
        await self._use(one.scheme for one in new.values())
        added, raced = await self._add(new)
        _count(added)
        told = {award.award_id: award for award in added} | {
            id_: award
            for id_, award in (there | raced).items()
            if award.held and not award.relayed and award.cause == causes[id_].due.cause
        }
        return [events.issued_record(told[id_], one.context) for id_, one in causes.items() if id_ in told]

    async def _add(self, due: dict[str, Due]) -> tuple[list[Award], dict[str, Award]]:
        """
        Add those that are not there yet; returns the new and the old.

        The database refuses what is there, and a code that stands on another award: then the
        next one is drawn.
        """
        now = clock.now()
        waiting = [self._draft(id_, one, now, relayed=False) for id_, one in due.items()]
        added: list[Award] = []
        there: dict[str, Award] = {}
        for turn in range(1, CODE_TURNS_MAX + 1):
            new = await self._store.add_new(waiting)
            added += new
            if len(new) == len(waiting):
                return added, there
            refused = {award.award_id: award for award in waiting}
            for award in new:
                del refused[award.award_id]
            there |= (found := await self._store.awards(refused))
            waiting = [
                replace(award, award_code=award_code(id_, self._key, turn))
                for id_, award in refused.items()
                if id_ not in found
            ]
        raise Unavailable(f"{len(waiting)} awards found no free code in {CODE_TURNS_MAX} turns")

    async def confer(self, due: Due) -> tuple[Award, bool]:
        """
        Issue what an organiser confers; returns it, or the award that is there, and whether it is new.

        Raises:
            NotFound, Conflict: the recipient is not known, or was erased.
        """
        await self._use([due.scheme])
        [draft] = await self._drafts({award_id(due.scheme.scheme_id, due.recipient_id): due})
        award, new = await self._store.confer(draft)
        if new:
            _count([award])
        return award, new

    async def add_all(self, due: Sequence[Due]) -> int:
        """Issue through the outbox what is not there yet; the first cause in order counts. How many."""
        issued = 0
        for start in range(0, len(due), TOLD_AT_ONCE_MAX):
            issued += await self._add_and_tell(due[start : start + TOLD_AT_ONCE_MAX])
        return issued

    async def _add_and_tell(self, due: Sequence[Due]) -> int:
        """Looks first, so that a repeat costs one query and no transaction."""
        by_id: dict[str, Due] = {}
        for one in due:
            by_id.setdefault(award_id(one.scheme.scheme_id, one.recipient_id), one)
        there = await self._store.awards(by_id)
        new = await self._to_living({id_: one for id_, one in by_id.items() if id_ not in there})
        if not new:
            return 0
        await self._use(one.scheme for one in new.values())
        added = await self._store.add_and_tell(await self._drafts(new))
        _count(added)
        return len(added)

    async def _to_living(self, due: dict[str, Due]) -> dict[str, Due]:
        """Without what would go to the erased; asks only for those who earn something."""
        if not due:
            return due
        erased = await self._store.known.erased({one.recipient_id for one in due.values()})
        return {id_: one for id_, one in due.items() if one.recipient_id not in erased} if erased else due

    async def _use(self, schemes: Iterable[Scheme]) -> None:
        for scheme in {scheme.scheme_id: scheme for scheme in schemes}.values():
            if not await self._store.use(scheme):
                raise Unavailable(f"scheme {scheme.scheme_id} changed meanwhile; decide again")

    async def _drafts(self, due: dict[str, Due]) -> list[Award]:
        """
        Awards ready to be stored in a transaction, each with a code that no other award has.

        A code that is refused there ends the transaction, so it is looked for before.
        """
        now = clock.now()
        drafts: dict[str, Award] = {}
        waiting = [self._draft(id_, one, now, relayed=True) for id_, one in due.items()]
        for turn in range(1, CODE_TURNS_MAX + 1):
            if not waiting:
                break
            taken = await self._store.codes_taken([award.award_code for award in waiting])
            again = []
            for award in waiting:
                if award.award_code in taken or award.award_code in drafts:
                    again.append(replace(award, award_code=award_code(award.award_id, self._key, turn)))
                else:
                    drafts[award.award_code] = award
            waiting = again
        if waiting:
            raise Unavailable(f"{len(waiting)} awards found no free code in {CODE_TURNS_MAX} turns")
        return list(drafts.values())

    def _draft(self, id_: str, due: Due, now: datetime, *, relayed: bool) -> Award:
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
        )


def _count(issued: Sequence[Award]) -> None:
    for kind, count in Counter(award.kind for award in issued).items():
        metrics.AWARDS.labels(kind, "issued").inc(count)
