"""
Comparing awards with the results of now: background work for everybody who is marked (results/changes.py).

A transaction deletes the marks of some participants and changes their awards, together with the events.
"""

import time
from collections.abc import Mapping, Sequence

from services.awards.following.facts import FactsReader
from services.awards.following.rules import EarnedNow, Facts, compared, earned_now
from services.awards.issued import events, metrics
from services.awards.issued.codes import award_id
from services.awards.issued.rules import Award, Unearned
from services.awards.issued.store import AwardStore
from services.awards.issuing.issue import TRANSACTION_AWARDS_MAX, Issuer
from services.awards.issuing.rules import PlannedAward, Propose
from services.awards.issuing.touched import Touched
from services.awards.known.store import KnownStore
from services.awards.results.changes import PLACES, ChangeStore
from services.awards.schemes.rules import RankTiers, Scheme
from services.awards.schemes.store import SchemeStore
from shared.contracts.origin import UNKNOWN_ORIGIN
from shared.runtime import clock
from shared.runtime.backlog import Backlog
from shared.storage.unit_of_work import UnitOfWork, save_together

# Participants of one chunk: all results of the quiz are read once for them.
FOLLOWED_MAX = 2_000
# After this time no further transaction of a chunk begins.
CHUNK_SECONDS = 8.0


class Follower:
    """Compares the awards of marked participants with what the results of now earn, one quiz at a time."""

    def __init__(
        self,
        known: KnownStore,
        facts: FactsReader,
        changes: ChangeStore,
        schemes: SchemeStore,
        awards: AwardStore,
        issuer: Issuer,
        touched: Touched,
        propose: Propose,
    ) -> None:
        self._known = known
        self._facts = facts
        self._changes = changes
        self._schemes = schemes
        self._awards = awards
        self._issuer = issuer
        self._touched = touched
        self._propose = propose
        self.loop = Backlog("following", changes.quizzes, self.go_on).loop

    async def go_on(self, quiz_id: str) -> None:
        """Compare the awards of the next marked participants of a quiz."""
        until = time.monotonic() + CHUNK_SECONDS
        # Read the marks before the facts: a later change makes another mark.
        marks = await self._changes.of_quiz(quiz_id, FOLLOWED_MAX)
        if not marks:
            return
        schemes = await self._schemes.of_quizzes([quiz_id])
        if PLACES in marks:
            await self._move(quiz_id, schemes, marks[PLACES])
            return
        erased = await self._known.erased(marks)
        facts = await self._facts.of_participants(quiz_id, sorted(marks.keys() - erased), schemes)
        at_once = max(1, TRANSACTION_AWARDS_MAX // max(1, len(schemes)))
        for start in range(0, len(marks), at_once):
            some = {one: marks[one] for one in sorted(marks)[start : start + at_once]}
            await self._compare(some, erased, schemes, facts)
            if time.monotonic() > until:
                break

    async def _move(self, quiz_id: str, schemes: Sequence[Scheme], token: str) -> None:
        """
        Mark everybody who may move, since an organiser has revoked or reinstated an award.

        The mark of the places is deleted last: after a crash everybody is marked again.
        """
        moving = [one for one in schemes if isinstance(one.rule, RankTiers) and one.rule.next_in_rank]
        if closing := await self._facts.closing(quiz_id):
            await self._changes.mark(await self._touched.by_closing(closing, moving))
        await self._propose({one.scheme_id for one in moving if one.notice}, closed=False)

        async def work(unit: UnitOfWork) -> None:
            await self._changes.clear(unit, quiz_id, {PLACES: token})

        await save_together(self._awards.database, work)

    async def _compare(
        self, marks: Mapping[str, str], erased: set[str], schemes: Sequence[Scheme], facts: Facts
    ) -> None:
        ids = {
            award_id(scheme.scheme_id, one): (scheme, one)
            for one in marks
            if one not in erased
            for scheme in schemes
        }
        existing = await self._awards.find(ids)
        due: dict[str, PlannedAward] = {}
        for id_, (scheme, one) in ids.items():
            # What a scheme with a notice has not issued is proposed first.
            if (
                id_ not in existing
                and not scheme.notice
                and (missing := earned_now(scheme, one, facts, None).due)
            ):
                due[id_] = missing
        await self._issuer.make_rules_final(one.scheme for one in due.values())
        drafts = {draft.award_id: draft for draft in await self._issuer.drafts(due)}

        async def work(unit: UnitOfWork) -> tuple[list[Award], list[Award]]:
            mine = await self._changes.clear(unit, facts.quiz_id, marks)
            theirs = {id_: of for id_, of in ids.items() if of[1] in mine}
            there = await self._awards.find(theirs, unit)
            new = [draft for id_, draft in drafts.items() if id_ in theirs and id_ not in there]
            earned = {id_: earned_now(*theirs[id_], facts, award) for id_, award in there.items()}
            changed = await self._change(unit, there, earned, {id_: of[0] for id_, of in theirs.items()})
            if new:
                await self._awards.add(unit, new)
                unit.publish(*[events.issued(award, UNKNOWN_ORIGIN) for award in new])
            return new, changed

        new, changed = await save_together(self._awards.database, work)
        for award in (*new, *changed):
            if not award.is_valid:
                metrics.count(award.kind, award.scheme_id, "revoked")
            elif award in new or award.tier_before is None:
                metrics.count(award.kind, award.scheme_id, "issued")

    async def _change(
        self,
        unit: UnitOfWork,
        there: Mapping[str, Award],
        earned: Mapping[str, EarnedNow],
        schemes: Mapping[str, Scheme],
    ) -> list[Award]:
        """Change the awards that are there, and publish the changes; returns what has changed."""
        now = clock.now()
        changed: list[Award] = []
        notes: dict[str, tuple[Unearned | None, str | None]] = {}
        for id_, award in there.items():
            outcome = compared(award, earned[id_], schemes[id_], now)
            if award.noted or any(outcome.note):
                notes[id_] = outcome.note
            if (after := outcome.after) is None:
                continue
            changed.append(after)
            if award.is_valid and not award.relayed:
                # As in issued/revoke.py: a consumer may have ended before it published this event.
                unit.publish(events.issued(award, UNKNOWN_ORIGIN))
            made = (
                events.issued(after, UNKNOWN_ORIGIN)
                if after.is_valid
                else events.revoked(after, UNKNOWN_ORIGIN)
            )
            unit.publish(made)
        await self._awards.change(unit, changed)
        await self._awards.note_unearned(unit, notes)
        return changed
