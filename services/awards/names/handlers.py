"""Names as registration publishes them, and erasures."""

from services.awards.names.store import NameStore
from shared.contracts.events import ParticipantErased, ParticipantNamed
from shared.contracts.topics import AWARDS_NAMES
from shared.messaging.received import Batch, Following, Subscription
from shared.runtime import clock


class NameHandler:
    """Keeps names, sealed."""

    def __init__(self, names: NameStore) -> None:
        self._names = names

    async def keep(self, batch: Batch[ParticipantNamed | ParticipantErased]) -> Following:
        """Keep the latest name of each participant, and none of the erased."""
        events, now = [received.event for received in batch], clock.now()
        await self._names.keep([one for one in events if isinstance(one, ParticipantNamed)], now)
        await self._names.erase([one for one in events if isinstance(one, ParticipantErased)], now)
        return ()


def subscriptions(names: NameStore) -> list[Subscription]:
    """What awards reads of names."""
    return [
        Subscription(AWARDS_NAMES, (ParticipantNamed, ParticipantErased), NameHandler(names).keep, codes=())
    ]
