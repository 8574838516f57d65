"""The rest of an erasure: registrations are cancelled in the background, one in each transaction."""

from collections.abc import Awaitable, Callable, Sequence

from services.registration.booking.cancel import Cancellation
from services.registration.booking.store import RegistrationStore
from services.registration.erasure.store import ErasureStore
from shared.runtime.backlog import Backlog

REGISTRATIONS_MAX = 10
REQUESTS_MAX = 1_000
FORGOTTEN_MAX = 1_000

# Drops at most this number of documents that a room has of a participant. Returns whether there may be more.
Forget = Callable[[str, int], Awaitable[bool]]


class UnfinishedErasures:
    """
    Deletes the rest of the data of erased participants.

    Args:
        forget: a function of each other room that has something of a participant. It is called again until
            nothing is left.
    """

    def __init__(
        self,
        erasures: ErasureStore,
        registrations: RegistrationStore,
        cancellation: Cancellation,
        forget: Sequence[Forget] = (),
    ) -> None:
        self._erasures = erasures
        self._registrations = registrations
        self._cancellation = cancellation
        self._forget = forget
        self.loop = Backlog("erasing", erasures.pending, self.go_on).loop

    async def go_on(self, participant_id: str, limit: int = REGISTRATIONS_MAX) -> bool:
        """
        Cancel a few more registrations of an erased participant, each in a transaction of its own.

        When there are none, delete their requests, then what other rooms have, and at last the mark in
        `erasures`. An erased participant cannot register (`booking/batch.py`), so nothing new appears.

        Returns: whether something may be left.
        """
        some = await self._registrations.not_erased(participant_id, limit)
        for id_ in some:
            await self._cancellation.cancel_erased(id_)
        if some or await self._registrations.forget_requests(participant_id, REQUESTS_MAX):
            return True
        for forget in self._forget:
            if await forget(participant_id, FORGOTTEN_MAX):
                return True
        await self._erasures.remove(participant_id)
        return False
