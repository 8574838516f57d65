"""In the end registration also forgets the ids of erased people."""

import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime, timedelta

from services.registration.participants.store import ParticipantStore
from shared.contracts.topics import LATE_DAYS, TOMBSTONES_KEPT
from shared.runtime import clock
from shared.runtime.background import Loop

log = logging.getLogger(__name__)

# Registration remembers erased people longer than every other service. Another system may use the same id
# again in a command. Registration treats it as a new participant only when no service remembers the erased
# one.
ERASED_KEPT = TOMBSTONES_KEPT + timedelta(days=LATE_DAYS)
FORGET_SECONDS = 86_400.0
FORGOTTEN_MAX = 1_000

NamedAmong = Callable[[Collection[str]], Awaitable[set[str]]]
"""The participants among these who are named in documents of a room that are stored for ever."""


class Forgetting:
    """
    Forgets erased people when no command and no token can name them any more. Several processes may do it at
    the same time.

    Args:
        named_among: finds the people who have a registration or a shift. They are not forgotten:
            registrations and shifts are stored for ever, and doors and lists ask whether their participant is
            erased.
    """

    def __init__(self, participants: ParticipantStore, named_among: Sequence[NamedAmong]) -> None:
        self._participants = participants
        self._named_among = named_among
        self.loop = Loop("forgetting", self.turn)

    async def forget_before(self, moment: datetime) -> int:
        """Forget who was erased before this moment; returns their number."""
        forgotten, after = 0, ""
        while some := await self._participants.erased_before(moment, after, FORGOTTEN_MAX):
            after = some[-1]
            gone = set(some)
            for named_among in self._named_among:
                gone -= await named_among(some)
            await self._participants.forget(gone)
            forgotten += len(gone)
        return forgotten

    async def turn(self) -> float:
        """Forget who was erased long ago; returns the seconds to rest."""
        if forgotten := await self.forget_before(clock.now() - ERASED_KEPT):
            log.info("erased people forgotten", extra={"participants": forgotten})
        return FORGET_SECONDS
