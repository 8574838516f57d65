"""
The log of what organisers did, in the collection `acts` of each service.

An act is written before its effect, not in the transaction of its effect: so the log also has the acts of
routes that save without a transaction, and those that were refused (docs/decisions/0031-log-of-acts.md).
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from shared.runtime.acting import Act, Details
from shared.storage import mongo
from shared.storage.documents import behind, from_document, latest_first, to_document
from shared.storage.mongo import (
    ASCENDING,
    Database,
    Document,
    IndexModel,
    PyMongoError,
    ReadConcern,
    WriteConcern,
    outages_named,
)

log = logging.getLogger(__name__)

# Over the next week a year later, whose organisers look back at this one.
ACT_DAYS_KEPT = 400


class ActStore:
    """
    Keeps acts, and finds them again.

    Raises Unavailable while the database is away.
    """

    def __init__(self, database: Database) -> None:
        self._acts = database["acts"]
        # An outcome need not survive a power failure: without it the act has no status, which is shown as
        # unknown. Reads see it before a majority has it.
        self._acts_now = self._acts.with_options(
            write_concern=WriteConcern(w=1, j=False), read_concern=ReadConcern("local")
        )

    async def prepare(self) -> None:
        """Create the indexes."""
        with outages_named():
            await self._acts.create_indexes(
                [
                    IndexModel([("at", ASCENDING), ("_id", ASCENDING)]),
                    IndexModel([("who", ASCENDING), ("at", ASCENDING), ("_id", ASCENDING)]),
                ]
            )
            await mongo.delete_after(self._acts, "at", timedelta(days=ACT_DAYS_KEPT))

    async def begin(self, act: Act) -> None:
        """Keep an act durably, before its effect."""
        with outages_named():
            await self._acts.insert_one(to_document(act, "act_id"))

    async def note(self, act_id: str, details: Details) -> None:
        """Add details durably, before the effect that they describe."""
        with outages_named():
            await self._acts.update_one(
                {"_id": act_id}, {"$set": {f"details.{name}": value for name, value in details.items()}}
            )

    async def end(self, act_id: str, status: int, code: str | None) -> None:
        """Keep the outcome. The effect is there already, so a failure is only logged."""
        try:
            await self._acts_now.update_one({"_id": act_id}, {"$set": {"status": status, "code": code}})
        except PyMongoError as error:
            log.warning("an act has no outcome", extra={"act": act_id, "reason": type(error).__name__})

    async def page(
        self, who: str | None, since: datetime | None, before: tuple[datetime, str] | None, limit: int
    ) -> Sequence[Act]:
        """Acts before this time and id, the latest first: of one organiser, or of all."""
        these: Document = {} if who is None else {"who": who}
        these["$and"] = [{"at": {"$gte": since}} if since else {}, behind("at", before)]
        with outages_named():
            found = self._acts_now.find(these).sort(latest_first("at")).limit(limit)
            return [from_document(Act, document, "act_id") for document in await found.to_list(None)]
