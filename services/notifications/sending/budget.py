"""
The budget: how many parts of SMS may be sent in a day, to all numbers together. Parts cost money.

A part is counted before the SMS is handed over, and given back if the gateway refuses the SMS. If nobody
knows whether the gateway took it, the part stays counted. So a crash never exceeds the budget, and several
processes never exceed it.

Strangers choose the numbers that codes are sent to. So codes may use only three quarters of the budget. The
rest is kept for people who take part: they have to know that a session has moved.

sms_budget    One document per day (rules.py: `day_of`), kept for two months: the parts of codes and others.
"""

from datetime import datetime, timedelta
from typing import Literal

from services.notifications.sending.rules import day_of
from shared.storage import mongo
from shared.storage.mongo import Database, Document, ReturnDocument

KEPT = timedelta(days=60)
CODES_SHARE = 0.75
BUDGET_SPENT = "budget_spent"

Use = Literal["codes", "others"]


class Budget:
    """Spends the parts of a day, in all processes together."""

    def __init__(self, database: Database, parts_max: int) -> None:
        self._days = database["sms_budget"]
        self._parts_max = parts_max
        self._codes_max = int(parts_max * CODES_SHARE) or parts_max

    async def prepare(self) -> None:
        """Create the index."""
        await mongo.delete_after(self._days, "began_at", KEPT)

    async def spend(self, use: Use, parts: int, now: datetime) -> int:
        """
        Count up to this number of parts as spent.

        Returns: how many parts may be sent.
        """
        if parts == 0:
            return 0
        with mongo.outages_named():
            before = await self._days.find_one_and_update(
                {"_id": day_of(now).isoformat()},
                self._spending(use, parts, now),
                upsert=True,
                return_document=ReturnDocument.BEFORE,
            )
        return min(parts, self._room(use, before or {}))

    async def give_back(self, use: Use, parts: int, at: datetime) -> None:
        """Count these parts as not spent: nothing was sent. `at`: the time at which they were spent."""
        if parts == 0:
            return
        change = {f"parts.{use}": -parts}
        with mongo.outages_named():
            await self._days.update_one({"_id": day_of(at).isoformat()}, {"$inc": change})

    async def left(self, now: datetime) -> int:
        """How many parts may still be sent today."""
        with mongo.outages_named():
            today = await self._days.find_one({"_id": day_of(now).isoformat()})
        return self._room("others", today or {})

    def _room(self, use: Use, document: Document) -> int:
        spent: dict[str, int] = document.get("parts", {})
        codes, others = spent.get("codes", 0), spent.get("others", 0)
        room = self._parts_max - codes - others
        return max(0, min(room, self._codes_max - codes) if use == "codes" else room)

    def _spending(self, use: Use, parts: int, now: datetime) -> list[Document]:
        codes: Document = {"$ifNull": ["$parts.codes", 0]}
        others: Document = {"$ifNull": ["$parts.others", 0]}
        rooms: list[Document] = [{"$subtract": [self._parts_max, {"$add": [codes, others]}]}]
        if use == "codes":
            rooms.append({"$subtract": [self._codes_max, codes]})
        spent = {"$max": [0, {"$min": [parts, *rooms]}]}
        now_spent = {
            "codes": {"$add": [codes, spent if use == "codes" else 0]},
            "others": {"$add": [others, spent if use == "others" else 0]},
        }
        return [{"$set": {"parts": now_spent, "began_at": {"$ifNull": ["$began_at", now]}}}]
