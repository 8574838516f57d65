"""
The budget: how many parts of SMS may be sent in a day, to all numbers together. Parts cost money.

A part is counted before the SMS is handed over, and given back if the gateway refuses the SMS. If nobody
knows whether the gateway took it, the part stays counted. So a crash never exceeds the budget, and several
processes never exceed it.

Strangers choose the numbers that codes are sent to. So codes may use only three quarters of the budget. The
rest is kept for people who take part: they have to know that a session has moved. First codes go to numbers
of which nobody has used a code yet. They may use only two thirds of the share of codes. So people who have
used a code before can sign in, however many numbers strangers make up.

sms_budget    One document per day (rules.py: `day_of`), kept for two months: the parts of each use.
"""

from datetime import datetime, timedelta
from typing import Literal, get_args

from services.notifications.sending.rules import day_of
from shared.storage import mongo
from shared.storage.mongo import Database, Document, ReturnDocument

KEPT = timedelta(days=60)
CODES_SHARE = 0.75
# Of the share of codes.
FIRST_CODES_SHARE = 0.67
BUDGET_SPENT = "budget_spent"

# Codes to numbers of which a code was used before; all other codes; all other messages.
Use = Literal["codes", "first_codes", "others"]
USES: tuple[Use, ...] = get_args(Use)


class Budget:
    """Spends the parts of a day, in all processes together."""

    def __init__(self, database: Database, parts_max: int) -> None:
        self._days = database["sms_budget"]
        codes_max = int(parts_max * CODES_SHARE) or parts_max
        # What some uses may spend together.
        self._bounds: tuple[tuple[frozenset[Use], int], ...] = (
            (frozenset(USES), parts_max),
            (frozenset(("codes", "first_codes")), codes_max),
            (frozenset(("first_codes",)), int(codes_max * FIRST_CODES_SHARE) or codes_max),
        )

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
        rooms = [most - sum(spent.get(one, 0) for one in uses) for uses, most in self._bounds if use in uses]
        return max(0, min(rooms))

    def _spending(self, use: Use, parts: int, now: datetime) -> list[Document]:
        spent: dict[str, Document] = {one: {"$ifNull": [f"$parts.{one}", 0]} for one in USES}
        rooms: list[Document] = [
            {"$subtract": [most, {"$add": [spent[one] for one in sorted(uses)]}]}
            for uses, most in self._bounds
            if use in uses
        ]
        more: Document = {"$max": [0, {"$min": [parts, *rooms]}]}
        now_spent = spent | {use: {"$add": [spent[use], more]}}
        return [{"$set": {"parts": now_spent, "began_at": {"$ifNull": ["$began_at", now]}}}]
