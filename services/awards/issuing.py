"""
Issuing, applying, conferring and revoking: the use cases that events and organisers share.

An award is told of in one of two ways, and says which (`relayed`): what follows from an
event is stored and then published by the consumer, which repeats both after a crash;
what an organiser does goes through the outbox.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from msgspec.structs import replace

from services.awards import announcing
from services.awards.codes import award_code, award_id
from services.awards.rules import Award, Due, due_by_pass_mark, due_by_rank
from services.awards.schemes import Conferred, PassMark, RankTiers, Scheme
from services.awards.store import AwardStore
from shared.contracts.envelope import Context
from shared.messaging.publisher import Record
from shared.runtime import clock, metrics
from shared.runtime.errors import Conflict, NotFound, Rejected, Unavailable

APPLY_RESULTS_MAX = 500
APPLY_PAGES_MAX = 20
CODE_TURNS_MAX = 8


class Earned(msgspec.Struct, frozen=True):
    """An award that an event grants."""

    due: Due
    context: Context


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying a scheme did: awards issued, and where to go on if there is more."""

    issued: int
    after: str | None


class Issuing:
    """Issues and revokes awards; `key` makes their codes."""

    def __init__(self, store: AwardStore, *, key: bytes) -> None:
        self._store = store
        self._key = key

    async def follow(self, earned: Sequence[Earned]) -> list[Record]:
        """
        Issue what is due after events; the first cause in order counts for each award.

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
        new = {id_: one.due for id_, one in causes.items() if id_ not in there}
        await self._use(one.scheme for one in new.values())
        added, raced = await self._add(new)
        _count(added)
        told = {award.award_id: award for award in added} | {
            id_: award
            for id_, award in (there | raced).items()
            if award.held and not award.relayed and award.cause == causes[id_].due.cause
        }
        return [
            announcing.issued_record(told[id_], one.context) for id_, one in causes.items() if id_ in told
        ]

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

    async def confer(self, scheme_id: str, recipient_id: str, note: str | None) -> tuple[Award, bool]:
        """
        Confer an award; returns it and whether it is new.

        Raises:
            NotFound: there is no such scheme.
            Rejected: the scheme's awards follow from a rule, not from an organiser.
            Conflict: the award was revoked, and what was revoked does not come back.
        """
        scheme = await self._known(scheme_id)
        if not isinstance(scheme.rule, Conferred):
            raise Rejected(
                f"awards of scheme {scheme_id} follow from its rule; nobody confers them",
                code="scheme_not_conferred",
            )
        id_ = award_id(scheme_id, recipient_id)
        added, there = await self._add_and_tell([Due(scheme, recipient_id, cause=id_, note=note)])
        if added:
            return added[0], True
        if not there[id_].held:
            raise Conflict(f"award {id_} was revoked and cannot be issued again", code="award_revoked")
        return there[id_], False

    async def apply(self, scheme_id: str, after: str) -> Applied:
        """
        Issue what a scheme put late would have issued, at most `APPLY_PAGES_MAX` pages a call.

        Raises:
            NotFound: there is no such scheme.
            Conflict: its quiz is not closed yet, and it awards by rank.
            Rejected: it is conferred, or the closing lists too few standings.
        """
        scheme = await self._known(scheme_id)
        if isinstance(scheme.rule, RankTiers):
            return await self._apply_ranks(scheme, scheme.rule)
        if isinstance(scheme.rule, PassMark):
            return await self._apply_mark(scheme, scheme.rule, after)
        raise Rejected(f"scheme {scheme_id} is conferred; there is no rule to apply", code="scheme_conferred")

    async def revoke(self, award_id: str, reason: str) -> Award:
        """
        Revoke an award; one that is revoked already stays as it is.

        Raises:
            NotFound: there is no such award.
        """
        revoked = await self._store.revoke(award_id, reason, clock.now())
        if revoked is None:
            raise NotFound(f"there is no award {award_id}", code="award_unknown")
        award, changed = revoked
        if changed:
            metrics.AWARDS.labels(award.kind, "revoked").inc()
        return award

    async def _apply_ranks(self, scheme: Scheme, rule: RankTiers) -> Applied:
        closing = await self._store.closing(rule.quiz_id)
        if closing is None:
            raise Conflict(f"quiz {rule.quiz_id} is not closed yet", code="quiz_not_closed")
        return Applied(await self._add_all(due_by_rank(closing, scheme)), after=None)

    async def _apply_mark(self, scheme: Scheme, rule: PassMark, after: str) -> Applied:
        issued = 0
        at: str | None = after
        for _ in range(APPLY_PAGES_MAX):
            results, at = await self._store.results_of(rule.quiz_id, at or "", APPLY_RESULTS_MAX)
            due = [one for result in results for one in due_by_pass_mark(result, [scheme])]
            issued += await self._add_all(due)
            if at is None:
                break
        return Applied(issued, at)

    async def _add_all(self, due: Sequence[Due]) -> int:
        issued = 0
        for start in range(0, len(due), APPLY_RESULTS_MAX):
            added, _ = await self._add_and_tell(due[start : start + APPLY_RESULTS_MAX])
            issued += len(added)
        return issued

    async def _add_and_tell(self, due: Sequence[Due]) -> tuple[list[Award], dict[str, Award]]:
        """Through the outbox; looks first, so that a repeat costs one query and no transaction."""
        by_id: dict[str, Due] = {}
        for one in due:
            # The first cause in order counts, as when events are followed.
            by_id.setdefault(award_id(one.scheme.scheme_id, one.recipient_id), one)
        there = await self._store.awards(by_id)
        new = {id_: one for id_, one in by_id.items() if id_ not in there}
        if not new:
            return [], there
        await self._use(one.scheme for one in new.values())
        added, raced = await self._store.add_and_tell(await self._drafts(new))
        _count(added)
        return added, there | raced

    async def _known(self, scheme_id: str) -> Scheme:
        scheme = await self._store.scheme(scheme_id)
        if scheme is None:
            raise NotFound(f"there is no scheme {scheme_id}", code="scheme_unknown")
        return scheme

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
