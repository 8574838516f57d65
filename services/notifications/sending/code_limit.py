"""
How many codes a mailbox gets as long as no code is used: one an hour and three a day.

Anybody can ask for a code to anybody's address. If a code is used, its mail was wanted: then registration
begins a new round, and the count begins at 0. All codes of an address, a round and a day are the same, and
they are still good on the next day (services/registration/participants/codes.py).

Nearly everywhere, addresses with a + or with capital letters belong to one mailbox, so they count together.
As long as nobody has proved a spelling, all codes of a mailbox go to its plain one. So if a mail is refused
here, a good code is in the mailbox, or on its way (docs/decisions/0052-codes-of-mailboxes.md).

mail_codes    One document per mailbox: the last mails with codes. Kept for two days after the last mail.
              Addresses are stored only as keyed hashes.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from shared.contracts.sealing import mailbox
from shared.storage import mongo
from shared.storage.mongo import Database, Document, ReturnDocument

CODES_PER_DAY_MAX = 3
CODES_APART = timedelta(hours=1)
DAY = timedelta(days=1)
KEPT = timedelta(days=2)


class CodeLimit:
    """Admits mails with codes, in all processes together."""

    def __init__(self, database: Database, secret: str) -> None:
        self._codes = database["mail_codes"]
        self._secret = sha256(f"mail codes {secret}".encode()).digest()

    async def prepare(self) -> None:
        """Create the index."""
        await mongo.delete_after(self._codes, "used_at", KEPT)

    async def admit(
        self, address: str, message_id: str, round_: int, good_until: datetime, now: datetime
    ) -> bool:
        """
        Whether this mail may be sent now. It counts from now on, until the server says that it does not take
        it.

        A mail that is tried again is treated as a new one: others may have been sent meanwhile.
        """
        listing = _Listing(message_id, round_, good_until, now)
        with mongo.outages_named():
            after = await self._codes.find_one_and_update(
                {"_id": self._hash(mailbox(address))},
                listing.update(),
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        return any(one["id"] == message_id for one in after["sent"])

    async def take_back(self, address: str, message_id: str) -> None:
        """Do not count this mail, which the server has not taken: others must not wait for it."""
        with mongo.outages_named():
            await self._codes.update_one(
                {"_id": self._hash(mailbox(address))}, {"$pull": {"sent": {"id": message_id}}}
            )

    def _hash(self, address: str) -> str:
        return hmac.new(self._secret, address.encode(), sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class _Listing:
    """A mail that may be sent."""

    message_id: str
    round: int
    good_until: datetime
    now: datetime

    def update(self) -> list[Document]:
        """The update that lists the mail as sent now if there is room for it, and otherwise takes it out."""
        # The mails of an earlier round were wanted.
        kept: Document = {
            "$and": [
                {"$gt": ["$$one.at", self.now - DAY]},
                {"$ne": ["$$one.id", self.message_id]},
                {"$gte": ["$$one.round", self.round]},
            ]
        }
        listed: Document = {
            "id": self.message_id,
            "at": self.now,
            "round": self.round,
            "until": self.good_until,
        }
        return [
            {"$set": {"sent": _those(kept, {"$ifNull": ["$sent", []]}), "used_at": self.now}},
            {
                "$set": {
                    "sent": {"$cond": [self._has_room(), {"$concatArrays": ["$sent", [listed]]}, "$sent"]}
                }
            },
        ]

    def _has_room(self) -> Document:
        # A mail whose code has ended opens nothing: it keeps the next one back for an hour only.
        good = _those({"$gt": ["$$one.until", self.now]}, "$sent")
        last: Document = {"$max": {"$map": {"input": "$sent", "as": "one", "in": "$$one.at"}}}
        is_apart: Document = {"$lte": [{"$ifNull": [last, self.now - DAY]}, self.now - CODES_APART]}
        return {"$and": [_fewer_than(CODES_PER_DAY_MAX, good), is_apart]}


def _fewer_than(count: int, mails: Document) -> Document:
    return {"$lt": [{"$size": mails}, count]}


def _those(condition: Document, mails: Document | str) -> Document:
    return {"$filter": {"input": mails, "as": "one", "cond": condition}}
