"""
How many codes a mailbox gets that nobody may have asked for: one an hour and three a day.

Anybody can ask for a code to anybody's address. A code that is used shows that its mail was wanted: then
registration begins a new round, and the bound with it. All codes of a round and a day are the same or good
beside each other (services/registration/participants/codes.py). So where this refuses a mail, a good code is
in the mailbox, or on its way.

mail_codes    One document per mailbox: its round, and the last mails with codes. Kept for two days after the
              last one. Addresses are stored only as keyed hashes.
"""

import hmac
from datetime import datetime, timedelta
from hashlib import sha256

from shared.contracts.checked import mailbox
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

    async def admit(self, address: str, message_id: str, round_: int, now: datetime) -> bool:
        """
        Whether this mail may be sent now. It counts from now on, also if the server does not take it.

        A mail that is tried again is looked at as if it came now: others may have been sent meanwhile.
        """
        id_ = hmac.new(self._secret, mailbox(address).encode(), sha256).hexdigest()
        with mongo.outages_named():
            after = await self._codes.find_one_and_update(
                {"_id": id_},
                _admitting(message_id, round_, now),
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        return any(one["id"] == message_id for one in after["sent"])


def _admitting(message_id: str, round_: int, now: datetime) -> list[Document]:
    """The update that lists a mail as sent now, if its mailbox has room for it; otherwise takes it out."""
    is_new_round: Document = {"$gt": [round_, {"$ifNull": ["$round", 0]}]}
    recent: Document = {
        "$filter": {
            "input": {"$ifNull": ["$sent", []]},
            "as": "one",
            "cond": {"$and": [{"$gt": ["$$one.at", now - DAY]}, {"$ne": ["$$one.id", message_id]}]},
        }
    }
    has_room: Document = {
        "$and": [
            {"$lt": [{"$size": "$sent"}, CODES_PER_DAY_MAX]},
            {"$lte": [{"$ifNull": [{"$max": "$sent.at"}, now - DAY]}, now - CODES_APART]},
        ]
    }
    listed = {"$concatArrays": ["$sent", [{"id": message_id, "at": now}]]}
    return [
        {
            "$set": {
                "sent": {"$cond": [is_new_round, [], recent]},
                "round": {"$max": ["$round", round_]},
                "used_at": now,
            }
        },
        {"$set": {"sent": {"$cond": [has_room, listed, "$sent"]}}},
    ]
