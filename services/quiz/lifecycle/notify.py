"""
Tell everybody who took part in a cancelled quiz: one message in the inbox.

People are read in portions of the ids of attempts, from attempts and from results: another system may have
submitted an attempt that never started here. A portion is published and then noted. So after a crash another
worker goes on with the last portion that was not noted. It publishes the same commands again, with the same
ids, and notifications sends one message for each id.
"""

from msgspec.structs import replace

from services.quiz.attempts.store import AttemptStore
from services.quiz.lifecycle import events
from services.quiz.lifecycle.store import CancellationStore
from services.quiz.participants.erased import Erased
from services.quiz.results.rules import in_portions
from services.quiz.results.store import ResultStore
from shared.messaging.publisher import Publisher
from shared.runtime import clock
from shared.runtime.backlog import Backlog
from shared.storage.lease import Lease

LOOP = "cancelling quizzes"


class Notifier:
    """
    Tells people of cancellations.

    Args:
        lease: of all workers together. Without it each of them would publish everything.
    """

    def __init__(
        self,
        cancellations: CancellationStore,
        attempts: AttemptStore,
        results: ResultStore,
        erased: Erased,
        publisher: Publisher,
        lease: Lease,
    ) -> None:
        self._cancellations = cancellations
        self._attempts = attempts
        self._results = results
        self._erased = erased
        self._publisher = publisher
        self._lease = lease
        self.loop = Backlog(LOOP, self.pending, self.go_on).loop

    async def pending(self, after: str, limit: int) -> list[str]:
        """The cancellations that this worker has to go on with."""
        some = await self._cancellations.unfinished(after, limit, clock.now())
        return some if some and await self._lease.hold() else []

    async def go_on(self, id_: str) -> bool:
        """
        Tell the people of the next portion.

        Returns: whether somebody may still have to be told.
        """
        cancellation = await self._cancellations.read(id_)
        if cancellation is None or not cancellation.unfinished:
            return False
        before = cancellation.portions_told
        if not cancellation.portions:
            # The number of portions is noted with the first one, and stays.
            cancellation = replace(cancellation, portions=await self._portions())
        portion = in_portions(cancellation.portions)[before]
        await self._erased.keep_fresh()
        people = await self._attempts.people_of(cancellation.quiz_id, portion)
        people |= await self._results.people_of(cancellation.quiz_id, portion)
        now = clock.now()
        alive = sorted(people - self._erased.ids)
        await self._publisher.publish([events.requested(cancellation, one, now) for one in alive])
        told = before + 1
        after = replace(
            cancellation,
            portions_told=told,
            told=cancellation.told + len(alive),
            unfinished=told < cancellation.portions,
        )
        await self._cancellations.go_on(after, before)
        return after.unfinished

    async def _portions(self) -> int:
        return max(len(await self._results.portions()), len(await self._attempts.portions()))
