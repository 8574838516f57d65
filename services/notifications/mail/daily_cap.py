"""
How many mails an address got today: whoever registers a stranger's address cannot fill that mailbox.

Only mails that the server took are counted: one that is deferred is not in the mailbox, and is tried again.

mail_counts   one document an address and day; the address only as a keyed hash, for two days
"""

import hmac
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256

from services.notifications.wording.render import TIMEZONE
from shared.storage import mongo
from shared.storage.mongo import ASCENDING, Database, UpdateOne

MAILS_PER_ADDRESS_DAY_MAX = 20
KEPT = timedelta(days=2)


class DailyCap:
    """Counts the mails that the server took, by address and day (see `next_day`)."""

    def __init__(self, database: Database, secret: str, mails_max: int = MAILS_PER_ADDRESS_DAY_MAX) -> None:
        self._counts = database["mail_counts"]
        self._secret = sha256(f"mail counts {secret}".encode()).digest()
        self._mails_max = mails_max

    async def prepare(self) -> None:
        """Create the index."""
        with mongo.outages_named():
            await self._counts.create_index(
                [("began_at", ASCENDING)], expireAfterSeconds=round(KEPT.total_seconds())
            )

    async def within(self, addresses: Sequence[str], now: datetime) -> list[bool]:
        """For each of these mails, in order, whether its address may have it today."""
        ids = [self._id(address, now) for address in addresses]
        if not ids:
            return []
        with mongo.outages_named():
            found = await self._counts.find({"_id": {"$in": list(set(ids))}}).to_list(None)
        counts = Counter({document["_id"]: document["mails"] for document in found})
        admitted = []
        for id_ in ids:
            counts[id_] += 1
            admitted.append(counts[id_] <= self._mails_max)
        return admitted

    async def count(self, addresses: Sequence[str], now: datetime) -> None:
        """Count mails that the server took."""
        counted = Counter(self._id(address, now) for address in addresses)
        writes = [
            UpdateOne(
                {"_id": id_}, {"$inc": {"mails": mails}, "$setOnInsert": {"began_at": now}}, upsert=True
            )
            for id_, mails in counted.items()
        ]
        if writes:
            with mongo.outages_named():
                await self._counts.bulk_write(writes, ordered=False)

    def _id(self, address: str, now: datetime) -> str:
        day = _day(now).isoformat()
        return hmac.new(self._secret, f"{day} {address.casefold()}".encode(), sha256).hexdigest()


def next_day(now: datetime) -> datetime:
    """When the day of this moment ends and every count begins anew: midnight in the week's own zone."""
    return datetime.combine(_day(now) + timedelta(days=1), time.min, TIMEZONE).astimezone(UTC)


def _day(now: datetime) -> date:
    return now.astimezone(TIMEZONE).date()
