"""
What awards does with participants and quizzes: it stores their ids and profiles and the ends of their tokens,
and deletes notes about erased people.
"""

from collections.abc import Awaitable, Callable

from services.awards.known.store import KnownStore
from shared.contracts import topics
from shared.contracts.events import ParticipantErased, ParticipantJoined, QuizCancelled, QuizPublished
from shared.messaging.received import Batch, Following, Subscription
from shared.storage.ended_tokens import EndedTokens

ForgetWords = Callable[[set[str]], Awaitable[None]]
"""Removes what organisers wrote about these participants. The rooms above this one have such words."""


class KnownHandler:
    """Stores who and what exists."""

    def __init__(self, known: KnownStore, ended_tokens: EndedTokens, forget_words: ForgetWords) -> None:
        self._known = known
        self._ended_tokens = ended_tokens
        self._forget_words = forget_words

    async def keep_known(
        self, batch: Batch[ParticipantJoined | ParticipantErased | QuizCancelled | QuizPublished]
    ) -> Following:
        """
        Store participants with their profiles, quizzes, who was erased, what was cancelled, and which tokens
        have ended.
        """
        events = [received.event for received in batch]
        joined = [event for event in events if isinstance(event, ParticipantJoined)]
        await self._ended_tokens.keep(joined)
        published: dict[str, int] = {}
        cancelled: dict[str, int] = {}
        for event in events:
            if isinstance(event, QuizPublished):
                published[event.quiz_id] = max(event.version, published.get(event.quiz_id, 0))
            elif isinstance(event, QuizCancelled):
                cancelled[event.quiz_id] = max(event.version, cancelled.get(event.quiz_id, 0))
        await self._known.add_versions(published, cancelled)
        await self._known.add_participants({event.participant_id for event in joined})
        await self._known.keep_profiles(joined)
        if erased := {event.participant_id for event in events if isinstance(event, ParticipantErased)}:
            # Mark them first. From now on a conferral is refused, and an earlier one is found.
            await self._known.erase(erased)
            await self._forget_words(erased)
        return ()


def subscriptions(
    known: KnownStore, ended_tokens: EndedTokens, forget_words: ForgetWords
) -> list[Subscription]:
    """What awards reads to know who and what exists."""
    return [
        Subscription(
            topics.AWARDS_KNOWN,
            (ParticipantJoined, ParticipantErased, QuizPublished, QuizCancelled),
            KnownHandler(known, ended_tokens, forget_words).keep_known,
            codes=(),
        )
    ]
