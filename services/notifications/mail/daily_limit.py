"""
How many mails an address got today. Nobody can fill a stranger's mailbox by registering its address.

Only mails that the server took are counted. A deferred mail is not in the mailbox, and is tried again.

mail_counts   One document per address and day. The address is stored only as a keyed hash, for two days.
"""

import hmac
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from services.notifications.mail.rules import day_of
from shared.storage import mongo
from shared.storage.mongo import ASCENDING, Database, UpdateOne

MAILS_PER_ADDRESS_DAY_MAX = 20
KEPT = timedelta(days=2)


class DailyLimit:
    """Counts the mails that the server took, by address and day (rules.py: `day_of`)."""

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
        """For each mail to these addresses, in order: whether its address may still get it today."""
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
        day = day_of(now).isoformat()
        return hmac.new(self._secret, f"{day} {address.casefold()}".encode(), sha256).hexdigest()
