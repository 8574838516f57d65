"""
How many mails an address got today (rules.py: `allowance_of` says on whose allowance each mail counts).

Only mails that the server took are counted. A deferred mail is not in the mailbox, and is tried again.

mail_counts       One document per address, day and allowance, kept for two days.
mail_recipients   One document per address: the first participants who got a mail there, each since which day.
                  Kept for some months after the last mail.

Addresses and participants are stored only as keyed hashes.
"""

import asyncio
import hmac
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from services.notifications.mail.rules import (
    MAILS_PER_ALLOWANCE_DAY_MAX,
    RECIPIENTS_PER_ADDRESS_MAX,
    allowance_of,
    day_of,
)
from shared.storage import mongo
from shared.storage.mongo import Database, Document, UpdateOne

COUNTS_KEPT = timedelta(days=2)
RECIPIENTS_KEPT = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Admitted:
    """A mail that may be sent: where it counts, and whose it is. `listed`: the address needs no update."""

    count_id: str
    address_id: str
    recipient_id: str
    listed: bool


class DailyLimit:
    """Counts the mails that the server took, by address, allowance and day (rules.py: `day_of`)."""

    def __init__(self, database: Database, secret: str, mails_max: int = MAILS_PER_ALLOWANCE_DAY_MAX) -> None:
        self._counts = database["mail_counts"]
        self._recipients = database["mail_recipients"]
        self._secret = sha256(f"mail counts {secret}".encode()).digest()
        self._mails_max = mails_max
        # Mails admitted and not counted yet. Otherwise those sent at the same time would get the same place.
        self._under_way: Counter[str] = Counter()
        self._admitting = asyncio.Lock()

    async def prepare(self) -> None:
        """Create the indexes."""
        await mongo.delete_after(self._counts, "began_at", COUNTS_KEPT)
        await mongo.delete_after(self._recipients, "used_at", RECIPIENTS_KEPT)

    async def admit(self, mails: Sequence[tuple[str, str]], now: datetime) -> list[Admitted | None]:
        """
        For each mail, an address and a participant's id, in order: None if it has to wait for tomorrow.

        Give every mail that is admitted to `count_sent` in the end.
        """
        if not mails:
            return []
        async with self._admitting:
            # Before the counts are read: a mail that is counted meanwhile counts twice, not never.
            under_way = Counter(self._under_way)
            admitted = await self._admitted(mails, now, under_way)
            self._under_way.update(one.count_id for one in admitted if one is not None)
        return admitted

    async def count_sent(self, admitted: Sequence[tuple[Admitted, bool]], now: datetime) -> None:
        """Count those of these mails that the server took, and forget the others."""
        try:
            await self._count([one for one, is_taken in admitted if is_taken], now)
        finally:
            self._under_way.subtract(one.count_id for one, _ in admitted)
            # Without what is 0, the counter holds no more than is under way.
            self._under_way = +self._under_way

    async def _admitted(
        self, mails: Sequence[tuple[str, str]], now: datetime, under_way: Counter[str]
    ) -> list[Admitted | None]:
        today = day_of(now)
        address_ids = [self._hash("address", address.casefold()) for address, _ in mails]
        with mongo.outages_named():
            found = await self._recipients.find({"_id": {"$in": list(set(address_ids))}}).to_list(None)
        listed = {document["_id"]: document for document in found}
        wanted = []
        for (_, participant_id), address_id in zip(mails, address_ids, strict=True):
            recipient_id = self._hash("recipient", f"{address_id} {participant_id}")
            document: Document = listed.get(address_id, {})
            since = {one["id"]: one["since"] for one in document.get("first", ())}
            allowance = allowance_of(recipient_id, since, today)
            is_listed = recipient_id in since or len(since) >= RECIPIENTS_PER_ADDRESS_MAX
            used_today = "used_at" in document and day_of(document["used_at"]) == today
            wanted.append(
                Admitted(
                    self._hash("count", f"{today.isoformat()} {address_id} {allowance}"),
                    address_id,
                    recipient_id,
                    is_listed and used_today,
                )
            )
        with mongo.outages_named():
            ids = list({one.count_id for one in wanted})
            counted = await self._counts.find({"_id": {"$in": ids}}).to_list(None)
        counts = under_way + Counter({document["_id"]: document["mails"] for document in counted})
        admitted: list[Admitted | None] = []
        for one in wanted:
            counts[one.count_id] += 1
            admitted.append(one if counts[one.count_id] <= self._mails_max else None)
        return admitted

    async def _count(self, taken: Sequence[Admitted], now: datetime) -> None:
        """Count mails that the server took, and list recipients who are new at their address."""
        counted = Counter(one.count_id for one in taken)
        counts = [
            UpdateOne(
                {"_id": id_}, {"$inc": {"mails": mails}, "$setOnInsert": {"began_at": now}}, upsert=True
            )
            for id_, mails in counted.items()
        ]
        # In the order in which they came: the first have the places.
        unlisted = dict.fromkeys((one.address_id, one.recipient_id) for one in taken if not one.listed)
        recipients = [
            UpdateOne({"_id": address_id}, _listing(recipient_id, now), upsert=True)
            for address_id, recipient_id in unlisted
        ]
        with mongo.outages_named():
            if counts:
                await self._counts.bulk_write(counts, ordered=False)
            if recipients:
                await self._recipients.bulk_write(recipients, ordered=False)

    def _hash(self, what: str, text: str) -> str:
        return hmac.new(self._secret, f"{what} {text}".encode(), sha256).hexdigest()


def _listing(recipient_id: str, now: datetime) -> list[Document]:
    """The update that adds a recipient to those of an address, if there is room."""
    first: Document = {"$ifNull": ["$first", []]}
    is_there = {"$in": [recipient_id, {"$ifNull": ["$first.id", []]}]}
    is_full = {"$gte": [{"$size": first}, RECIPIENTS_PER_ADDRESS_MAX]}
    added = {"$concatArrays": [first, [{"id": recipient_id, "since": day_of(now).isoformat()}]]}
    return [{"$set": {"used_at": now, "first": {"$cond": [{"$or": [is_there, is_full]}, first, added]}}}]
