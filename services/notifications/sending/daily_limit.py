"""
How many mails an address got today. `allowance_of` (rules.py) says which allowance each mail counts on.

Only mails that the server took are counted. A deferred mail is not in the mailbox, and is tried again.

mail_counts       One document per address, day and allowance, kept for two days.
mail_recipients   One document per address: the first participants who got a mail there, each with the day of
                  the first mail, and the last participants to whom a code was mailed there. Kept for some
                  months after the last mail.

Addresses and participants are stored only as keyed hashes.
"""

import asyncio
import hmac
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from services.notifications.sending.rules import (
    ASKING_PER_ADDRESS_MAX,
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
    """
    A mail that may be sent: which count it belongs to, and who gets it.

    `listed`: the address needs no update. `asking`: a code was mailed to this recipient there.
    """

    count_id: str
    address_id: str
    recipient_id: str
    listed: bool
    asking: bool = False


class DailyLimit:
    """Counts the mails that the server took, by address, allowance and day (rules.py: `day_of`)."""

    def __init__(self, database: Database, secret: str, mails_max: int = MAILS_PER_ALLOWANCE_DAY_MAX) -> None:
        self._counts = database["mail_counts"]
        self._recipients = database["mail_recipients"]
        self._secret = sha256(f"mail counts {secret}".encode()).digest()
        self._mails_max = mails_max
        # Mails that are admitted and not counted yet. Without them, mails sent at the same time would get the
        # same place.
        self._under_way: Counter[str] = Counter()
        self._admitting = asyncio.Lock()

    async def prepare(self) -> None:
        """Create the indexes."""
        await mongo.delete_after(self._counts, "began_at", COUNTS_KEPT)
        await mongo.delete_after(self._recipients, "used_at", RECIPIENTS_KEPT)

    async def admit(self, mails: Sequence[tuple[str, str]], now: datetime) -> list[Admitted | None]:
        """
        What is admitted of these mails, in order; None for a mail that has to wait for tomorrow.

        Give every admitted mail to `count_sent` in the end.

        Args:
            mails: the address and the participant's id of each mail.
        """
        if not mails:
            return []
        async with self._admitting:
            # This copy is made before the counts are read. So a mail that is counted meanwhile counts twice;
            # in the other order it would not count at all.
            under_way = Counter(self._under_way)
            admitted = await self._admitted(mails, now, under_way)
            self._under_way.update(one.count_id for one in admitted if one is not None)
        return admitted

    async def count_sent(self, admitted: Sequence[tuple[Admitted, bool]], now: datetime) -> None:
        """Count the mails that the server took, and forget the others."""
        try:
            await self._count([one for one, is_taken in admitted if is_taken], now)
        finally:
            self._under_way.subtract(one.count_id for one, _ in admitted)
            # Remove entries that are 0, so that the counter does not grow.
            self._under_way = +self._under_way

    async def list_asking(
        self, mails: Sequence[tuple[str, str]], now: datetime, *, mailed: bool = True
    ) -> None:
        """
        List the participants to whom the server took a code: address and participant's id of each, in order.

        Args:
            mailed: False if no code was mailed, since a good code is in the mailbox already. These
                participants come after the others, because anybody can ask for any number of them.
        """
        writes = []
        for address, participant_id in mails:
            address_id = self._address(address)
            recipient_id = self._recipient(address_id, participant_id)
            change = _asking(recipient_id, now, mailed=mailed)
            writes.append(UpdateOne({"_id": address_id}, change, upsert=True))
        if writes:
            with mongo.outages_named():
                await self._recipients.bulk_write(writes, ordered=True)

    async def _admitted(
        self, mails: Sequence[tuple[str, str]], now: datetime, under_way: Counter[str]
    ) -> list[Admitted | None]:
        today = day_of(now)
        address_ids = [self._address(address) for address, _ in mails]
        with mongo.outages_named():
            found = await self._recipients.find({"_id": {"$in": list(set(address_ids))}}).to_list(None)
        listed = {document["_id"]: document for document in found}
        wanted = []
        for (_, participant_id), address_id in zip(mails, address_ids, strict=True):
            recipient_id = self._recipient(address_id, participant_id)
            document: Document = listed.get(address_id, {})
            since = {one["id"]: one["since"] for one in document.get("first", ())}
            asking = document.get("asking", ())
            allowance = allowance_of(recipient_id, since, asking, today)
            is_full = len(since) >= RECIPIENTS_PER_ADDRESS_MAX
            is_listed = recipient_id in since or (is_full and recipient_id not in asking)
            used_today = "used_at" in document and day_of(document["used_at"]) == today
            wanted.append(
                Admitted(
                    self._hash("count", f"{today.isoformat()} {address_id} {allowance}"),
                    address_id,
                    recipient_id,
                    is_listed and used_today,
                    recipient_id in asking,
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
        # In the order in which the mails came: the first recipients get the places.
        unlisted = {(one.address_id, one.recipient_id): one.asking for one in taken if not one.listed}
        recipients = [
            UpdateOne({"_id": address_id}, _listing(recipient_id, now, asking=asking), upsert=True)
            for (address_id, recipient_id), asking in unlisted.items()
        ]
        with mongo.outages_named():
            if counts:
                await self._counts.bulk_write(counts, ordered=False)
            if recipients:
                await self._recipients.bulk_write(recipients, ordered=False)

    def _address(self, address: str) -> str:
        return self._hash("address", address.casefold())

    def _recipient(self, address_id: str, participant_id: str) -> str:
        return self._hash("recipient", f"{address_id} {participant_id}")

    def _hash(self, what: str, text: str) -> str:
        return hmac.new(self._secret, f"{what} {text}".encode(), sha256).hexdigest()


def _listing(recipient_id: str, now: datetime, *, asking: bool) -> list[Document]:
    """
    The update that adds a recipient to those of an address, if there is room.

    A recipient who gets other mails after a code is verified there. So this recipient comes first, and the
    last one loses the place.
    """
    first: Document = {"$ifNull": ["$first", []]}
    is_there = {"$in": [recipient_id, {"$ifNull": ["$first.id", []]}]}
    is_full = {"$gte": [{"$size": first}, RECIPIENTS_PER_ADDRESS_MAX]}
    one = [{"id": recipient_id, "since": day_of(now).isoformat()}]
    if asking:
        in_front = {"$concatArrays": [one, {"$slice": [first, RECIPIENTS_PER_ADDRESS_MAX - 1]}]}
        return [{"$set": {"used_at": now, "first": {"$cond": [is_there, first, in_front]}}}]
    added = {"$concatArrays": [first, one]}
    return [{"$set": {"used_at": now, "first": {"$cond": [{"$or": [is_there, is_full]}, first, added]}}}]


def _asking(recipient_id: str, now: datetime, *, mailed: bool) -> list[Document]:
    """
    The update that lists a recipient: before the earlier ones if a code was mailed, otherwise after them.
    """
    earlier: Document = {"$ifNull": ["$asking", []]}
    others: Document = {"$filter": {"input": earlier, "as": "one", "cond": {"$ne": ["$$one", recipient_id]}}}
    in_front: Document = {"$concatArrays": [[recipient_id], others]}
    behind: Document = {
        "$cond": [{"$in": [recipient_id, earlier]}, earlier, {"$concatArrays": [earlier, [recipient_id]]}]
    }
    listed = {"$slice": [in_front if mailed else behind, ASKING_PER_ADDRESS_MAX]}
    return [{"$set": {"used_at": now, "asking": listed}}]
