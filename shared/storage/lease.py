"""
A lease: only one process at a time does a task. When it dies, another process continues.

The database's clock decides, so the clocks of the processes may differ. `token` counts the changes of the
holder. The holder renews the lease while it works. If it cannot, its work is cancelled before the lease ends.
"""

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from shared.runtime.errors import Unavailable
from shared.runtime.ids import random_id
from shared.storage.mongo import Database, Document, DuplicateKeyError, ReturnDocument, outages_named

COLLECTION = "leases"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Term:
    """
    How long a lease lasts, in seconds.

    Attributes:
        seconds: from the last renewal to the end. If a process dies, nobody takes over before this time is
            over.
        renewed_seconds: between two renewals, also while work is in progress.
        margin_seconds: work is cancelled this long before the lease ends, because cancelling takes time.
        retry_seconds: between two tries of a renewal while the database is down.
    """

    seconds: float = 5.0
    renewed_seconds: float = 2.0
    margin_seconds: float = 1.5
    retry_seconds: float = 0.2

    def __post_init__(self) -> None:
        if self.renewed_seconds + self.margin_seconds >= self.seconds:
            raise ValueError("a lease must be longer than its renewal and its margin together")


class LeaseLost(Unavailable):
    """Another process has the lease, or it could not be renewed in time. The work was cancelled."""

    code = "lease_lost"


class Lease:
    """The lease of one name, as one process has it."""

    def __init__(self, database: Database, name: str, *, owner: str, term: Term | None = None) -> None:
        self.token: int | None = None
        self._leases = database[COLLECTION]
        self._name = name
        # Two processes may have the same name by mistake, and must not both have the lease.
        self._holder = f"{owner}-{random_id()}"
        self._term = term or Term()
        self._renew_at = 0.0
        self._ends_at = 0.0

    @property
    def held(self) -> bool:
        """Whether this process has the lease, as far as it knows."""
        return self.token is not None and time.monotonic() < self._ends_at

    async def hold(self) -> bool:
        """
        Take the lease or keep it. Asks the database, unless it did so a moment ago.

        Raises:
            Unavailable: the database does not answer.
        """
        if not self.held or time.monotonic() >= self._renew_at:
            await self._take()
        return self.held

    async def _take(self) -> None:
        # We start counting before we ask the database, so our end is never later than the database's.
        asked_at = time.monotonic()
        try:
            with outages_named():
                found = await self._leases.find_one_and_update(
                    {"_id": self._name},
                    self._update_if_free(),
                    upsert=True,
                    return_document=ReturnDocument.AFTER,
                )
        except DuplicateKeyError:
            # Another process has made the lease at this moment.
            self.token = None
            return
        if found["holder"] != self._holder:
            self.token = None
            return
        if self.token is not None and found["token"] != self.token:
            # Another process had it in between. Start again at the next call.
            self.token = None
            return
        self.token = found["token"]
        # Only now: a lease that could not be renewed must not look renewed.
        self._renew_at = asked_at + self._term.renewed_seconds
        self._ends_at = asked_at + self._term.seconds

    def _update_if_free(self) -> list[Document]:
        """An update that takes the lease if it is free or our own, and else changes nothing."""
        ours = {"$eq": ["$holder", self._holder]}
        over = {"$lt": [{"$ifNull": ["$until", datetime.fromtimestamp(0, UTC)]}, "$$NOW"]}
        next_token = {"$cond": [ours, "$token", {"$add": [{"$ifNull": ["$token", 0]}, 1]}]}
        wanted = {
            "token": next_token,
            "holder": self._holder,
            "until": {"$add": ["$$NOW", int(self._term.seconds * 1000)]},
        }
        free = {"$or": [ours, over]}
        return [{"$set": {name: {"$cond": [free, value, f"${name}"]} for name, value in wanted.items()}}]

    async def during(self, work: Coroutine[Any, Any, T]) -> T:
        """
        Do `work`, which needs the lease, and renew the lease meanwhile.

        Raises:
            LeaseLost: the work was cancelled before any other process could have the lease.
        """
        working = asyncio.ensure_future(work)
        try:
            while True:
                # Count from the last renewal: `hold` may have asked a while ago.
                await asyncio.wait([working], timeout=max(0.0, self._renew_at - time.monotonic()))
                if working.done():
                    return working.result()
                await self._renew_in_time()
        finally:
            if not working.done():
                working.cancel()
                await asyncio.wait([working])

    async def _renew_in_time(self) -> None:
        while (left_seconds := self._ends_at - self._term.margin_seconds - time.monotonic()) > 0:
            try:
                async with asyncio.timeout(left_seconds):
                    await self._take()
            except TimeoutError:
                break
            except Unavailable:
                await asyncio.sleep(self._term.retry_seconds)
                continue
            if self.token is None:
                raise LeaseLost(f"lease {self._name} is another's")
            return
        raise LeaseLost(f"lease {self._name} could not be renewed in time")

    async def give_up(self) -> None:
        """
        Let another process have the lease without waiting for its end.

        Raises:
            Unavailable: the database does not answer.
        """
        token, self.token = self.token, None
        if token is not None:
            with outages_named():
                # The document stays, so that `token` goes on counting.
                await self._leases.update_one(
                    {"_id": self._name, "holder": self._holder},
                    [{"$set": {"until": {"$subtract": ["$$NOW", 1]}}}],
                )
