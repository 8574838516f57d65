"""What awards does with results, corrections and closings: it stores them, and issues the awards for them."""

from collections.abc import Sequence

from msgspec.structs import replace

from services.awards.issuing.issue import Earned, Issuer
from services.awards.issuing.rules import due_by_pass_mark, due_by_rank, why_list_may_miss_winners
from services.awards.issuing.state import is_undecided
from services.awards.results.rules import Closing, Result
from services.awards.results.store import ResultStore
from services.awards.schemes.rules import Scheme
from services.awards.schemes.store import SchemeStore
from shared.contracts import topics
from shared.contracts.events import QuizClosed, QuizCompleted, QuizRegraded
from shared.messaging.received import Batch, Following, Received, Subscription
from shared.runtime.errors import Rejected

# People watch for the result, not for the award, so a delay is harmless. Larger batches cost less.
GATHER_MS = 200
TOO_SHORT = "standings_too_short"
DEAD_LETTER_CODES = (TOO_SHORT,)


class ResultHandler:
    """Issues awards for results and for closings."""

    def __init__(self, results: ResultStore, schemes: SchemeStore, issuer: Issuer) -> None:
        self._results = results
        self._schemes = schemes
        self._issuer = issuer

    async def issue_awards(self, batch: Batch[QuizClosed | QuizCompleted | QuizRegraded]) -> Following:
        """Issue the awards that the events of a batch earn."""
        completed: list[Received[QuizCompleted]] = []
        regraded: list[Received[QuizRegraded]] = []
        closed: list[Received[QuizClosed]] = []
        for received in batch:
            match received:
                case Received(event=QuizCompleted()):
                    completed.append(received)  # type: ignore[arg-type]
                case Received(event=QuizRegraded()):
                    regraded.append(received)  # type: ignore[arg-type]
                case Received(event=QuizClosed()):
                    closed.append(received)  # type: ignore[arg-type]
        earned: list[Earned] = []
        if completed or regraded:
            earned += await self._earned_by_results([*completed, *regraded])
        if closed:
            earned += await self._earned_by_closings(closed, batch)
        return await self._issuer.issue_earned(earned)

    async def _earned_by_results(
        self, received: Sequence[Received[QuizCompleted] | Received[QuizRegraded]]
    ) -> list[Earned]:
        """
        Store graded attempts, and find the awards that they earn, in order.

        Only the points of now earn an award, as far as they are known here. If a correction has raised the
        points, it earns what these earn for the first time. What was issued for the points of then stays
        (docs/decisions/0055-after-a-correction.md).
        """
        said = [_result(one.event) for one in received]
        # Store the results before reading the schemes. Then a scheme that is put and applied at this moment
        # either finds the result or is found here. In the other order a result could be missed.
        kept = await self._results.remember(said)
        found = await self._schemes.of_quizzes(result.quiz_id for result in said)
        earned: list[Earned] = []
        left: list[Earned] = []
        for one, then, now in zip(received, said, kept, strict=True):
            if now.version == 1:
                earned += [Earned(due, one.context) for due in due_by_pass_mark(now, found)]
                continue
            had = _scheme_ids(_before(one.event), found)
            due_now = _scheme_ids(now, found)
            for due in due_by_pass_mark(then, found):
                if due.scheme.scheme_id in had:
                    continue
                if due.scheme.scheme_id in due_now:
                    earned.append(Earned(due, one.context))
                else:
                    left.append(Earned(due, one.context, only_again=True))
        return [*earned, *left]

    async def _earned_by_closings(
        self,
        received: Sequence[Received[QuizClosed]],
        batch: Batch[QuizClosed | QuizCompleted | QuizRegraded],
    ) -> list[Earned]:
        """
        Store final standings, and find the awards that they earn.

        Everyone listed whose rank falls into a tier is awarded. If a tie continues after the end of the list,
        the closing also becomes a dead letter. The listed awards are issued also then. An organiser has to
        call `POST /schemes/{scheme_id}/apply` for the scheme that the dead letter names.
        """
        closings = [
            Closing(
                one.event.quiz_id,
                one.event.participants,
                one.event.standings,
                one.event.ties,
                one.event.counts,
            )
            for one in received
        ]
        await self._results.remember_closings(closings)
        found = await self._schemes.of_quizzes(closing.quiz_id for closing in closings)
        for one, closing in zip(received, closings, strict=True):
            if undecided := [
                scheme for scheme in found if await is_undecided(closing, scheme, self._schemes)
            ]:
                batch.reject(one, _too_short(closing, undecided))
        return [
            Earned(due, one.context)
            for one, closing in zip(received, closings, strict=True)
            for scheme in found
            for due in due_by_rank(closing, scheme)
        ]


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


def _before(event: QuizCompleted | QuizRegraded) -> Result | None:
    """The result in the version before that of the event, if there is one."""
    return replace(_result(event), points=event.points_before) if isinstance(event, QuizRegraded) else None


def _scheme_ids(result: Result | None, schemes: Sequence[Scheme]) -> set[str]:
    """The schemes whose pass mark a result reaches."""
    return {due.scheme.scheme_id for due in due_by_pass_mark(result, schemes)} if result else set()


def _too_short(closing: Closing, schemes: Sequence[Scheme]) -> Rejected:
    names = ", ".join(scheme.scheme_id for scheme in schemes)
    return Rejected(f"{why_list_may_miss_winners(closing)}: apply {names}", code=TOO_SHORT)


def subscriptions(results: ResultStore, schemes: SchemeStore, issuer: Issuer) -> list[Subscription]:
    """What awards reads in order to issue awards."""
    return [
        Subscription(
            topics.AWARDS,
            (QuizCompleted, QuizRegraded, QuizClosed),
            ResultHandler(results, schemes, issuer).issue_awards,
            gather_ms=GATHER_MS,
            codes=DEAD_LETTER_CODES,
        )
    ]
