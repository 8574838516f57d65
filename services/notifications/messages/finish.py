"""The rest of an erasure: a participant's messages are erased in the background, some in each turn."""

from services.notifications.messages.erasures import ErasureStore
from shared.runtime import clock
from shared.runtime.backlog import Backlog


class UnfinishedErasures:
    """Erases the messages that the event of an erasure has left (`ErasureStore.erase_to`)."""

    def __init__(self, erasures: ErasureStore) -> None:
        self._erasures = erasures
        self.loop = Backlog("erasing", erasures.pending, self.go_on).loop

    async def go_on(self, participant_id: str) -> bool:
        """Erase some more messages; returns whether there may be more."""
        return await self._erasures.go_on(participant_id, clock.now())
