"""What awards does about events: one function per event, then the subscription."""

from collections.abc import Sequence

from services.awards.issuing import Earned, Issuing
from services.awards.rules import Closing, Result, due_by_pass_mark, due_by_rank
from services.awards.store import AwardStore
from shared.contracts.events import QuizClosed, QuizCompleted
from shared.messaging.consumer import Batch, Following, Received, Subscription
from shared.runtime import clock
from shared.runtime.errors import Rejected

GROUP = "awards"
# Nobody looks at the clock for an award, as for a result: larger batches cost less.
GATHER_MS = 200


async def award_results(received: Sequence[Received[QuizCompleted]], store: AwardStore) -> list[Earned]:
    """What graded attempts earn, in order."""
    results = [
        Result(one.event.result_id, one.event.quiz_id, one.event.participant_id, one.event.score_percent)
        for one in received
    ]
    # Remember before reading the schemes: a scheme put and applied at this moment then finds
    # the result, or is found here. The other way round, a result could fall between the two.
    await store.remember_results(results, clock.now())
    schemes = await store.schemes_of(result.quiz_id for result in results)
    return [
        Earned(due, one.context)
        for one, result in zip(received, results, strict=True)
        for due in due_by_pass_mark(result, schemes)
    ]


async def award_closings(
    received: Sequence[Received[QuizClosed]], store: AwardStore, batch: Batch[QuizClosed | QuizCompleted]
) -> list[Earned]:
    """
    What final standings earn.

    A closing that cannot decide one scheme still decides the others; the dead letter
    says which one, and `POST /schemes/{scheme_id}/apply` is there once that is put right.
    """
    closings = [Closing(one.event.quiz_id, one.event.participants, one.event.standings) for one in received]
    await store.remember_closings(closings)
    schemes = await store.schemes_of(closing.quiz_id for closing in closings)
    earned: list[Earned] = []
    for one, closing in zip(received, closings, strict=True):
        undecided: Rejected | None = None
        for scheme in schemes:
            try:
                earned += [Earned(due, one.context) for due in due_by_rank(closing, scheme)]
            except Rejected as why:
                undecided = undecided or why
        if undecided:
            batch.reject(one, undecided)
    return earned


def subscriptions(store: AwardStore, issuing: Issuing) -> list[Subscription]:
    """What awards reads."""

    async def award(batch: Batch[QuizClosed | QuizCompleted]) -> Following:
        completed: list[Received[QuizCompleted]] = []
        closed: list[Received[QuizClosed]] = []
        for received in batch:
            match received:
                case Received(event=QuizCompleted()):
                    completed.append(received)  # type: ignore[arg-type]
                case Received(event=QuizClosed()):
                    closed.append(received)  # type: ignore[arg-type]
        earned: list[Earned] = []
        if completed:
            earned += await award_results(completed, store)
        if closed:
            earned += await award_closings(closed, store, batch)
        return await issuing.follow(earned)

    return [Subscription(GROUP, (QuizCompleted, QuizClosed), award, gather_ms=GATHER_MS)]
