"""
Tokens that have ended before their time, in every service.

Registration says by `participant.joined` from when on a participant's tokens are good. Each service keeps
that, and each of its processes reads the news every second. So an ended token is refused everywhere within
a second or two, without a query for each request.

ended_tokens   `from`: tokens issued before have ended; kept as long as such a token can be valid
"""

import time
from collections import deque
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from shared.contracts.events import ParticipantJoined
from shared.runtime import clock
from shared.runtime.background import Loop
from shared.storage import mongo
from shared.storage.mongo import ASCENDING, Database, Document, Session, UpdateOne, outages_named

REFRESH_SECONDS = 1.0
# A token is valid for 30 days (shared/web/tokens.py).
KEPT = timedelta(days=31)
# What is written has the time of its write, and can be read only some time later.
OVERLAP = timedelta(seconds=60)
# Everybody who has verified a contact in the last month is here. Between so many of them everybody else has a
# turn: they take a few milliseconds.
AT_ONCE = 1_000


class _Ended(NamedTuple):
    at: datetime
    participant_id: str
    good_from: int


class EndedTokens:
    """
    The participants whose earlier tokens have ended: some 100 bytes for each in memory.

    Args:
        name: of the collection and the loop.
    """

    def __init__(self, database: Database, name: str = "ended_tokens") -> None:
        self._ended = database[name]
        self._good_from: dict[str, int] = {}
        # The same ones, the earliest first. Who has ended tokens twice is here twice.
        self._in_order: deque[_Ended] = deque()
        # The latest time that was read, and when it was read first.
        self._latest = datetime.min.replace(tzinfo=UTC)
        self._latest_read_at = 0.0
        self.loop = Loop(name, self.turn)

    async def prepare(self) -> None:
        """Create the index, and read all."""
        await mongo.delete_after(self._ended, "at", KEPT)
        await self.refresh()

    def is_ended(self, participant_id: str, issued_at: int) -> bool:
        """Whether a participant's token that was issued then (in seconds since 1970) has ended."""
        return issued_at < self._good_from.get(participant_id, 0)

    async def end(self, good_from: Mapping[str, datetime], session: Session | None = None) -> None:
        """End the tokens of these participants that were issued before; a repeat changes nothing."""
        if good_from:
            writes = [UpdateOne({"_id": id_}, _later(at), upsert=True) for id_, at in good_from.items()]
            with outages_named():
                await self._ended.bulk_write(writes, ordered=False, session=session)

    async def keep(self, joined: Iterable[ParticipantJoined]) -> None:
        """End the tokens that these events end."""
        await self.end({one.participant_id: one.tokens_from for one in joined if one.tokens_from is not None})

    async def refresh(self) -> None:
        """
        Learn which tokens have ended since the last refresh.

        Raises:
            Unavailable: the database does not answer.
        """
        # Afterwards nothing can come that was written before it.
        overlap = max(timedelta(), OVERLAP - timedelta(seconds=time.monotonic() - self._latest_read_at))
        news: Document = {"at": {"$gte": self._latest - overlap}} if self._in_order else {}
        with outages_named():
            # Each batch is a round trip, in which others have their turn.
            found = self._ended.find(news).sort([("at", ASCENDING)]).batch_size(AT_ONCE)
            async for document in found:
                self._learn(_Ended(document["at"], document["_id"], int(document["from"].timestamp())))

    def _learn(self, ended: _Ended) -> None:
        if self._good_from.get(ended.participant_id) != ended.good_from:
            self._good_from[ended.participant_id] = ended.good_from
            self._in_order.append(ended)
        if ended.at > self._latest:
            self._latest, self._latest_read_at = ended.at, time.monotonic()

    def forget_before(self, moment: datetime) -> None:
        """Forget what was written before this moment, as the database does: at most `AT_ONCE`, the oldest."""
        for _ in range(AT_ONCE):
            if not self._in_order or self._in_order[0].at >= moment:
                return
            oldest = self._in_order.popleft()
            # Tokens that ended again since then are remembered for longer.
            if self._good_from.get(oldest.participant_id) == oldest.good_from:
                del self._good_from[oldest.participant_id]

    async def turn(self) -> float:
        """Refresh, and forget; returns seconds to rest."""
        await self.refresh()
        self.forget_before(clock.now() - KEPT)
        return REFRESH_SECONDS


def _later(good_from: datetime) -> list[Document]:
    # A field that is missing is less than every time.
    is_news = {"$lt": ["$from", good_from]}
    # The server's clock: all processes search for news by this clock.
    return [
        {
            "$set": {
                "from": {"$cond": [is_news, good_from, "$from"]},
                "at": {"$cond": [is_news, "$$NOW", "$at"]},
            }
        }
    ]
