"""
What awards does with participants and quizzes: it stores their ids and the ends of their tokens, and deletes
notes about erased people.
"""

from collections.abc import Awaitable, Callable

from services.awards.known.store import KnownStore
from shared.contracts import topics
from shared.contracts.events import ParticipantErased, ParticipantJoined, QuizPublished
from shared.messaging.received import Batch, Following, Subscription
from shared.storage.ended_tokens import EndedTokens

ForgetWords = Callable[[set[str]], Awaitable[None]]
"""Removes what organisers wrote about these participants. The rooms above this one have such words."""


async def keep_known(
    batch: Batch[ParticipantJoined | ParticipantErased | QuizPublished],
    known: KnownStore,
    ended_tokens: EndedTokens,
    forget_words: ForgetWords,
) -> None:
    """Store the ids of participants and quizzes, and of erased people, and which tokens have ended."""
    events = [received.event for received in batch]
    await ended_tokens.keep(event for event in events if isinstance(event, ParticipantJoined))
    await known.add_quizzes({event.quiz_id for event in events if isinstance(event, QuizPublished)})
    await known.add_participants(
        {event.participant_id for event in events if isinstance(event, ParticipantJoined)}
    )
    if erased := {event.participant_id for event in events if isinstance(event, ParticipantErased)}:
        # Mark them first. From now on a conferral is refused, and an earlier one is found.
        await known.erase(erased)
        await forget_words(erased)


def subscriptions(
    known: KnownStore, ended_tokens: EndedTokens, forget_words: ForgetWords
) -> list[Subscription]:
    """What awards reads to know who and what exists."""

    async def handle(batch: Batch[ParticipantJoined | ParticipantErased | QuizPublished]) -> Following:
        await keep_known(batch, known, ended_tokens, forget_words)
        return ()

    return [
        Subscription(
            topics.AWARDS_KNOWN, (ParticipantJoined, ParticipantErased, QuizPublished), handle, codes=()
        )
    ]
