"""What awards does about events: one function per event, then the subscriptions."""

from collections.abc import Sequence

from services.awards.issuing.issue import Earned, Issuing
from services.awards.issuing.rules import due_by_pass_mark, due_by_rank, is_too_short
from services.awards.register.store import AwardStore
from services.awards.results.rules import Closing, Result
from services.awards.schemes.rules import Scheme
from shared.contracts import topics
from shared.contracts.events import (
    ParticipantErased,
    ParticipantJoined,
    QuizClosed,
    QuizCompleted,
    QuizPublished,
)
from shared.messaging.consumer import Batch, Following, Received, Subscription
from shared.runtime.errors import Rejected

# Nobody looks at the clock for an award, as for a result: larger batches cost less.
GATHER_MS = 200
TOO_SHORT = "standings_too_short"


async def award_results(received: Sequence[Received[QuizCompleted]], store: AwardStore) -> list[Earned]:
    """What graded attempts earn, in order."""
    results = [_result(one.event) for one in received]
    # Remember before reading the schemes: a scheme put and applied at this moment then finds
    # the result, or is found here. The other way round, a result could fall between the two.
    await store.results.remember(results)
    schemes = await store.schemes_of(result.quiz_id for result in results)
    return [
        Earned(due, one.context)
        for one, result in zip(received, results, strict=True)
        for due in due_by_pass_mark(result, schemes)
    ]


def _result(event: QuizCompleted) -> Result:
    return Result(
        event.result_id,
        event.quiz_id,
        event.participant_id,
        event.points,
        event.points_max,
        event.time_used_seconds,
        event.completed_at,
    )


async def award_closings(
    received: Sequence[Received[QuizClosed]], store: AwardStore, batch: Batch[QuizClosed | QuizCompleted]
) -> list[Earned]:
    """
    What final standings earn.

    Who is listed is awarded. Where a tie goes on behind the end of the list, a dead letter says
    which scheme is undecided; `POST /schemes/{scheme_id}/apply` decides it.
    """
    closings = [Closing(one.event.quiz_id, one.event.participants, one.event.standings) for one in received]
    await store.results.remember_closings(closings)
    schemes = await store.schemes_of(closing.quiz_id for closing in closings)
    for one, closing in zip(received, closings, strict=True):
        if undecided := [scheme for scheme in schemes if await _is_undecided(closing, scheme, store)]:
            batch.reject(one, _too_short(closing, undecided))
    return [
        Earned(due, one.context)
        for one, closing in zip(received, closings, strict=True)
        for scheme in schemes
        for due in due_by_rank(closing, scheme)
    ]


async def _is_undecided(closing: Closing, scheme: Scheme, store: AwardStore) -> bool:
    if not is_too_short(closing, scheme):
        return False
    state = await store.state(scheme.scheme_id)
    return state is None or not state.tie_decided


def _too_short(closing: Closing, schemes: Sequence[Scheme]) -> Rejected:
    names = ", ".join(scheme.scheme_id for scheme in schemes)
    return Rejected(
        f"the closing of {closing.quiz_id} lists {len(closing.standings)} of {closing.participants} "
        f"participants, and others may share the last rank: apply {names}",
        code=TOO_SHORT,
    )


async def keep_known(
    batch: Batch[ParticipantJoined | ParticipantErased | QuizPublished], store: AwardStore
) -> None:
    """Know who and what exists; forget what awards holds of the erased in words."""
    events = [received.event for received in batch]
    await store.known.add_quizzes({one.quiz_id for one in events if isinstance(one, QuizPublished)})
    await store.known.add_participants(
        {one.participant_id for one in events if isinstance(one, ParticipantJoined)}
    )
    if erased := {one.participant_id for one in events if isinstance(one, ParticipantErased)}:
        # Marked first: what is conferred from now on is refused, and what was is found.
        await store.known.erase(erased)
        await store.forget(erased)


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

    async def know(batch: Batch[ParticipantJoined | ParticipantErased | QuizPublished]) -> Following:
        await keep_known(batch, store)
        return ()

    return [
        Subscription(
            topics.AWARDS, (QuizCompleted, QuizClosed), award, gather_ms=GATHER_MS, codes=(TOO_SHORT,)
        ),
        Subscription(topics.AWARDS_KNOWN, (ParticipantJoined, ParticipantErased, QuizPublished), know),
    ]
