"""
What awards does with results, corrections, decisions and closings: it stores them, and issues the awards for
them. Whose awards may have to change is marked (following/ compares them).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from services.awards.issuing.issue import Earned, Issuer
from services.awards.issuing.outdated import Outdated
from services.awards.issuing.rules import (
    Propose,
    due_by_pass_mark,
    due_by_rank,
    tie_can_be_decided,
    why_list_may_miss_winners,
)
from services.awards.issuing.state import is_undecided
from services.awards.issuing.touched import Touched
from services.awards.known.store import KnownStore
from services.awards.results.changes import ChangeStore
from services.awards.results.decisions import DecisionStore
from services.awards.results.rules import Closing, Decision, Result
from services.awards.results.store import ResultStore
from services.awards.schemes.rules import Scheme
from services.awards.schemes.store import SchemeStore, Tie, TieStore
from shared.contracts import topics
from shared.contracts.events import QuizClosed, QuizCompleted, QuizDisqualificationDecided, QuizRegraded
from shared.messaging.received import Batch, Following, Received, Subscription
from shared.runtime import clock
from shared.runtime.errors import Rejected

# People watch for the result, not for the award, so a delay is harmless. Larger batches cost less.
GATHER_MS = 200
TOO_SHORT = "standings_too_short"
DEAD_LETTER_CODES = (TOO_SHORT,)

Happened = QuizClosed | QuizCompleted | QuizRegraded | QuizDisqualificationDecided


class ResultHandler:
    """Issues awards for results and for closings."""

    def __init__(
        self,
        known: KnownStore,
        results: ResultStore,
        decisions: DecisionStore,
        changes: ChangeStore,
        schemes: SchemeStore,
        issuer: Issuer,
        touched: Touched,
        ties: TieStore,
        propose: Propose,
    ) -> None:
        self._known = known
        self._results = results
        self._decisions = decisions
        self._changes = changes
        self._schemes = schemes
        self._issuer = issuer
        self._touched = touched
        self._ties = ties
        self._propose = propose
        self._outdated = Outdated(results, decisions, changes)

    async def issue_awards(self, batch: Batch[Happened]) -> Following:
        """Issue the awards that the events of a batch earn, and mark whose awards may have to change."""
        completed: list[Received[QuizCompleted]] = []
        regraded: list[Received[QuizRegraded]] = []
        decided: list[QuizDisqualificationDecided] = []
        closed: list[Received[QuizClosed]] = []
        for received in batch:
            match received:
                case Received(event=QuizCompleted()):
                    completed.append(received)  # type: ignore[arg-type]
                case Received(event=QuizRegraded()):
                    regraded.append(received)  # type: ignore[arg-type]
                case Received(event=QuizDisqualificationDecided() as event):
                    decided.append(event)
                case Received(event=QuizClosed()):
                    closed.append(received)  # type: ignore[arg-type]
        earned: list[Earned] = []
        used = _Used({(event.quiz_id, event.participant_id) for event in decided})
        if decided:
            await self._keep_decisions(decided)
            used.at_once(await self._schemes.of_quizzes({event.quiz_id for event in decided}))
        if completed or regraded:
            earned += await self._earned_by_results([*completed, *regraded], used)
        if closed:
            earned += await self._earned_by_closings(closed, batch, used)
        # Before the awards are read. Whoever compares without these results either has not saved yet, and
        # reads again, or has saved, and the awards below are what is left.
        await self._changes.mark_again(_of_quizzes(earned))
        following = await self._issuer.issue_earned(earned)
        # After the awards, so that whoever compares them finds them. A repeat marks the same people again.
        await self._mark(earned, used)
        return following

    async def _keep_decisions(self, events: Sequence[QuizDisqualificationDecided]) -> None:
        """Store what was decided before anything is issued. Nothing is stored about the erased."""
        await self._decisions.keep(
            [
                Decision(
                    event.quiz_id,
                    event.participant_id,
                    event.version,
                    event.disqualified,
                    frozenset(event.result_ids),
                )
                for event in events
            ]
        )
        if erased := await self._known.erased({event.participant_id for event in events}):
            await self._decisions.forget(erased)
        await self._schemes.note_decided({event.quiz_id for event in events})

    async def _earned_by_results(
        self,
        received: Sequence[Received[QuizCompleted] | Received[QuizRegraded]],
        used: "_Used",
    ) -> list[Earned]:
        """
        Store graded attempts, and find the awards that they earn, in order.

        Only the points of now earn an award, as far as they are known here. If a correction has raised the
        points, it earns what these earn for the first time. Whoever passes another mark than before is
        marked (docs/decisions/0055-after-a-correction.md, 0063-awards-that-follow.md).
        """
        said = [_result(one.event) for one in received]
        # Store the results before reading the schemes. Then a scheme that is put and applied at this moment
        # either finds the result or is found here. In the other order a result could be missed.
        kept = await self._results.remember(said)
        found, decided = await self._schemes.of_quizzes_and_decided({result.quiz_id for result in said})
        found = used.at_once(found)
        earned: list[Earned] = []
        left: list[Earned] = []
        used.follow |= (follow := any(scheme.follows for scheme in found))
        for one, then, now in zip(received, said, kept, strict=True):
            if follow:
                used.results[now.result_id] = now
            if now.version == 1:
                earned += [Earned(due, one.context) for due in due_by_pass_mark(now, found)]
                continue
            had = _scheme_ids(_before(one.event), found)
            due_now = _scheme_ids(now, found)
            if isinstance(one.event, QuizRegraded) and not had == due_now == _scheme_ids(then, found):
                used.marked.add((now.quiz_id, now.participant_id))
            for due in due_by_pass_mark(then, found):
                if due.scheme.scheme_id in had:
                    continue
                if due.scheme.scheme_id in due_now:
                    earned.append(Earned(due, one.context))
                else:
                    left.append(Earned(due, one.context, only_again=True))
        return await self._counting([*earned, *left], decided)

    async def _earned_by_closings(
        self,
        received: Sequence[Received[QuizClosed]],
        batch: Batch[Happened],
        used: "_Used",
    ) -> list[Earned]:
        """
        Store final standings, and find the awards that they earn.

        Everyone listed whose rank falls into a tier is awarded. If a tie continues after the end of the list,
        it is decided in the background (decide_ties.py). If the list is shorter than it should be, nobody can
        tell who else gets an award: the closing also becomes a dead letter, which names the scheme. The
        listed awards are issued also then.

        Only the first version issues here. A higher one marks everybody whose award it may change. A lower
        one that comes late issues nothing; a try before may have ended before it published.
        """
        closings = [_closing(one.event) for one in received]
        used.closings |= await self._results.remember_closings(closings)
        found, decided = await self._schemes.of_quizzes_and_decided({one.quiz_id for one in closings})
        used.closed |= {scheme.scheme_id for scheme in found if scheme.notice}
        found = used.at_once(found)
        used.follow |= any(scheme.follows for scheme in found)
        earned: list[Earned] = []
        for one, closing in zip(received, closings, strict=True):
            is_latest = closing.version == used.closings[closing.quiz_id]
            undecided = [
                scheme for scheme in found if is_latest and await is_undecided(closing, scheme, self._schemes)
            ]
            tied = [scheme.scheme_id for scheme in undecided if tie_can_be_decided(closing, scheme)]
            if tied:
                await self._ties.add(tied, Tie(closing.version, clock.now()))
            if short := [scheme for scheme in undecided if scheme.scheme_id not in tied]:
                batch.reject(one, _too_short(closing, short))
            if closing.version > 1 and is_latest:
                used.marked |= await self._touched.by_closing(closing, found)
            elif closing.version == 1:
                earned += [
                    Earned(due, one.context, only_again=not is_latest)
                    for scheme in found
                    for due in due_by_rank(closing, scheme)
                ]
        return await self._counting(earned, decided)

    async def _counting(self, earned: list[Earned], decided: set[str]) -> list[Earned]:
        """
        The same, without what does not count by a decision.

        An award that does not count is not issued. But an earlier try may have issued it and not published.
        """
        if not decided:
            return earned
        due = [one.due for one in earned if one.due.scheme.quiz_id in decided]
        not_counting = await self._outdated.not_counting(due)
        if not not_counting:
            return earned
        counting: list[Earned] = []
        left: list[Earned] = []
        for one in earned:
            counted = (one.due.scheme.scheme_id, one.due.recipient_id, one.due.cause) not in not_counting
            (counting if counted else left).append(one if counted else replace(one, only_again=True))
        return [*counting, *left]

    async def _mark(self, earned: Sequence[Earned], used: "_Used") -> None:
        """Mark whose awards have to be compared. If no scheme follows, nothing is looked at again."""
        if used.follow:
            left = [one for one in earned if one.only_again and one.due.scheme.follows]
            used.marked |= _of_quizzes(left)
            due = [one.due for one in earned if not one.only_again]
            await self._outdated.mark(due, used.results, used.closings)
        if used.marked:
            await self._changes.mark(used.marked)
        for closed, schemes in ((True, used.closed), (False, used.noticed - used.closed)):
            if schemes:
                await self._propose(schemes, closed=closed)


@dataclass(slots=True)
class _Used:
    """
    What a batch is decided by, so that it can be looked at again.

    Attributes:
        marked: whose awards have to be compared, by quiz and participant.
        follow: a scheme of these quizzes follows.
        results, closings: the results, and the versions of the closings by quiz.
        noticed, closed: the schemes that issue after a notice; those whose quiz has closed.
    """

    marked: set[tuple[str, str]]
    follow: bool = False
    results: dict[str, Result] = field(default_factory=dict)
    closings: dict[str, int] = field(default_factory=dict)
    noticed: set[str] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)

    def at_once(self, schemes: list[Scheme]) -> list[Scheme]:
        """Those of these schemes that issue at once; the others are noted."""
        self.noticed |= {scheme.scheme_id for scheme in schemes if scheme.notice}
        return [scheme for scheme in schemes if not scheme.notice] if self.noticed else schemes


def _of_quizzes(earned: Sequence[Earned]) -> set[tuple[str, str]]:
    """Whose awards these are: by quiz and participant."""
    return {(quiz_id, one.due.recipient_id) for one in earned if (quiz_id := one.due.scheme.quiz_id)}


def _result(event: QuizCompleted | QuizRegraded) -> Result:
    return Result(
        event.result_id,
        event.quiz_id,
        event.participant_id,
        event.points,
        event.points_max,
        event.time_used_seconds,
        event.completed_at,
        event.version if isinstance(event, QuizRegraded) else 1,
    )


def _closing(event: QuizClosed) -> Closing:
    return Closing(
        event.quiz_id, event.participants, event.standings, event.version, event.ties, event.counts
    )


def _before(event: QuizCompleted | QuizRegraded) -> Result | None:
    """The result in the version before that of the event, if there is one."""
    if not isinstance(event, QuizRegraded):
        return None
    points_max = event.points_max if event.points_max_before is None else event.points_max_before
    return replace(_result(event), points=event.points_before, points_max=points_max)


def _scheme_ids(result: Result | None, schemes: Sequence[Scheme]) -> set[str]:
    """The schemes whose pass mark a result reaches."""
    return {due.scheme.scheme_id for due in due_by_pass_mark(result, schemes)} if result else set()


def _too_short(closing: Closing, schemes: Sequence[Scheme]) -> Rejected:
    names = ", ".join(scheme.scheme_id for scheme in schemes)
    return Rejected(f"{why_list_may_miss_winners(closing)}: apply {names}", code=TOO_SHORT)


def subscriptions(handler: ResultHandler) -> list[Subscription]:
    """What awards reads in order to issue awards."""
    return [
        Subscription(
            topics.AWARDS,
            (QuizCompleted, QuizRegraded, QuizDisqualificationDecided, QuizClosed),
            handler.issue_awards,
            gather_ms=GATHER_MS,
            codes=DEAD_LETTER_CODES,
        )
    ]
