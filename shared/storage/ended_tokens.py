"""
Tokens that have ended before their time, in every service.

Registration says by `participant.joined` from when on a participant's tokens are good. Each service keeps
that, and each of its processes reads the news every second. So an ended token is refused everywhere within
a second or two, without a query for each request.

ended_tokens   `from`: tokens issued before have ended; kept as long as such a token can be valid
"""

import time
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from shared.contracts.events import ParticipantJoined
from shared.runtime.background import Loop
from shared.storage import mongo
from shared.storage.mongo import ASCENDING, Database, Document, Session, UpdateOne, outages_named

REFRESH_SECONDS = 1.0
# A token is valid for 30 days (shared/web/tokens.py).
KEPT = timedelta(days=31)
# What is written has the time of its write, and can be read only some time later.
OVERLAP = timedelta(seconds=60)
FORGET_SECONDS = 3_600.0


class EndedTokens:
    """The participants whose earlier tokens have ended: some 100 bytes for each in memory."""

    def __init__(self, database: Database) -> None:
        self._ended = database["ended_tokens"]
        self._good_from: dict[str, int] = {}
        self._latest: datetime | None = None
        self._read_all_at = float("-inf")
        self.loop = Loop("ended_tokens", self.turn)

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
        now = time.monotonic()
        if now - self._read_all_at > FORGET_SECONDS:
            # All anew: what the database has deleted goes from memory too.
            self._latest, self._read_all_at, read = None, now, {}
        else:
            read = self._good_from
        news: Document = {} if self._latest is None else {"at": {"$gte": self._latest - OVERLAP}}
        with outages_named():
            found = await self._ended.find(news).sort([("at", ASCENDING)]).to_list(None)
        for document in found:
            read[document["_id"]] = int(document["from"].timestamp())
            self._latest = document["at"]
        self._good_from = read

    async def turn(self) -> float:
        """Refresh; returns seconds to rest."""
        await self.refresh()
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
