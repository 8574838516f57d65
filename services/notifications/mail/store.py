"""
Mails on their way, in MongoDB: due, claimed, marked, given up.

A claim is a lease: `due_at` of a claimed message is when the claim ends and anybody may
claim it anew (docs/decisions/0008-deliveries.md).
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from services.notifications.messages import delivery_events
from services.notifications.messages.rules import Message, Outcome
from services.notifications.messages.store import message_from
from shared.contracts.envelope import Envelope, Event
from shared.runtime import metrics
from shared.storage import mongo, outbox
from shared.storage.mongo import ASCENDING, Database, Document, Session, UpdateOne

log = logging.getLogger(__name__)

GIVEN_UP_AT_ONCE_MAX = 500
DUE_COUNTED_MAX = 10_000

_UNREADABLE = Outcome("failed", "message_unreadable")


@dataclass(frozen=True, slots=True)
class Claimed:
    """
    A mail that this process may send now; `attempts` counts this time too.

    `claims` counts how often it was claimed since it was marked last, this time included.
    """

    message: Message
    attempts: int
    round: int
    expires_at: datetime
    claims: int = 1


class MailQueue:
    """The courier's view of the messages."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._messages = database["messages"]

    async def due(self, now: datetime, limit: int) -> list[str]:
        """The ids of mails to be sent now, the longest due first; also those whose claim has ended."""
        condition = {"due_at": {"$lte": now}, "state": {"$in": ["pending", "claimed"]}}
        with mongo.outages_named():
            found = self._messages.find(condition, {"_id": 1}).sort("due_at", ASCENDING).limit(limit)
            return [document["_id"] for document in await found.to_list(None)]

    async def claim(self, ids: Sequence[str], now: datetime, lease: timedelta) -> tuple[str, list[Claimed]]:
        """
        Take those of these mails that nobody else has taken meanwhile.

        Returns: the claim's id, and what it holds.
        """
        claim = str(uuid4())
        with mongo.outages_named():
            await self._messages.update_many(
                {
                    "_id": {"$in": list(ids)},
                    "due_at": {"$lte": now},
                    "state": {"$in": ["pending", "claimed"]},
                },
                {
                    "$set": {"state": "claimed", "claim": claim, "due_at": now + lease},
                    "$inc": {"attempts": 1, "claims": 1},
                },
            )
            found = await self._messages.find({"_id": {"$in": list(ids)}, "claim": claim}).to_list(None)
        claimed, unreadable = [], []
        for document in found:
            try:
                claimed.append(_claimed(document))
            except (KeyError, TypeError):
                unreadable.append(document["_id"])
        if unreadable:
            _report_unreadable(len(unreadable))
            with mongo.outages_named():
                await self._messages.update_many({"_id": {"$in": unreadable}}, _change(_UNREADABLE, now))
        return claim, claimed

    async def mark(self, claim: str, outcomes: Sequence[tuple[Claimed, Outcome]], now: datetime) -> int:
        """
        Keep what became of claimed mails, and tell of it, in one transaction.

        A mail that is no longer under this claim is left alone: it was cancelled, or the claim
        ended and it is another's.

        Returns: how many were marked.
        """
        if not outcomes:
            return 0

        async def work(session: Session) -> list[tuple[Claimed, Outcome]]:
            ids = [one.message.message_id for one, _ in outcomes]
            held = self._messages.find({"_id": {"$in": ids}, "claim": claim}, {"_id": 1}, session=session)
            ours = {document["_id"] for document in await held.to_list(None)}
            marked = [pair for pair in outcomes if pair[0].message.message_id in ours]
            if marked:
                await self._messages.bulk_write(
                    [
                        UpdateOne({"_id": one.message.message_id}, _change(outcome, now))
                        for one, outcome in marked
                    ],
                    ordered=False,
                    session=session,
                )
                told = [_told(one, outcome, now) for one, outcome in marked]
                await outbox.append(self._database, session, [event for event in told if event is not None])
            return marked

        marked = await mongo.in_transaction(self._database, work)
        for _, outcome in marked:
            word = outcome.state if outcome.state != "pending" else "deferred"
            metrics.DELIVERIES.labels("email", word).inc()
        return len(marked)

    async def length(self, now: datetime) -> tuple[int, datetime | None]:
        """How many mails are due, counted up to `DUE_COUNTED_MAX`, and since when the first of them is."""
        due = {"due_at": {"$lte": now}}
        with mongo.outages_named():
            first = (
                await self._messages.find(due, {"due_at": 1}).sort("due_at", ASCENDING).limit(1).to_list(None)
            )
            count = await self._messages.count_documents(due, limit=DUE_COUNTED_MAX) if first else 0
        return count, first[0]["due_at"] if first else None

    async def give_up(self, now: datetime) -> int:
        """
        Fail mails that have waited too long, for a contact or for the mail server, and tell of it.

        Returns: how many, at most `GIVEN_UP_AT_ONCE_MAX`; call again while it is that many.
        """
        overdue: Document = {
            "expires_at": {"$lte": now},
            # A claim that has not ended may yet be a delivery.
            "$or": [{"state": {"$in": ["waiting_contact", "pending"]}}, {"due_at": {"$lte": now}}],
        }
        with mongo.outages_named():
            if not await self._messages.find_one(overdue, {"_id": 1}):
                return 0

        async def work(session: Session) -> tuple[int, int]:
            found = await self._messages.find(overdue, session=session).to_list(GIVEN_UP_AT_ONCE_MAX)
            writes, told, unreadable = [], [], 0
            for document in found:
                try:
                    one, outcome = _overdue(document, now)
                    told.append(_told(one, outcome, now))
                except (KeyError, TypeError):
                    unreadable += 1
                    outcome = _UNREADABLE
                writes.append(UpdateOne({"_id": document["_id"]}, _change(outcome, now)))
            if writes:
                await self._messages.bulk_write(writes, ordered=False, session=session)
                await outbox.append(self._database, session, [event for event in told if event is not None])
            return len(writes), unreadable

        count, unreadable = await mongo.in_transaction(self._database, work)
        if unreadable:
            # Not within the transaction, which may run more than once.
            _report_unreadable(unreadable)
        metrics.DELIVERIES.labels("email", "failed").inc(count)
        return count


def _claimed(document: Document) -> Claimed:
    return Claimed(
        message_from(document),
        document["attempts"],
        document.get("round", 0),
        document["expires_at"],
        document["claims"],
    )


def _overdue(document: Document, now: datetime) -> tuple[Claimed, Outcome]:
    unheard = "contact_unknown" if document["state"] == "waiting_contact" else "expired"
    one = Claimed(message_from(document), document["attempts"], document.get("round", 0), now)
    # Why it was put off last says more than that its time is over.
    return one, Outcome("failed", document.get("code", unheard))


def _report_unreadable(messages: int) -> None:
    """Nothing can be told of what cannot be read: it ends, so that the others go on, and is counted."""
    metrics.ITEMS_FAILED.labels("courier", _UNREADABLE.code).inc(messages)
    log.error("messages cannot be read", extra={"messages": messages})


def _change(outcome: Outcome, now: datetime) -> Document:
    set_: Document = {"state": outcome.state}
    unset: Document = {"claim": "", "claims": ""}
    if outcome.code is not None:
        set_["code"] = outcome.code
    if outcome.reply is not None:
        set_["reply"] = outcome.reply
    if outcome.state == "pending":
        set_["due_at"] = outcome.due_at or now
    else:
        set_["finished_at"] = now
        unset |= {"due_at": "", "expires_at": ""}
    if outcome.state == "delivered":
        # What went wrong on the way is of no interest any more.
        unset |= {"code": "", "reply": ""}
    change: Document = {"$set": set_, "$unset": unset}
    if not outcome.counted:
        change["$inc"] = {"attempts": -1}
    return change


def _told(one: Claimed, outcome: Outcome, now: datetime) -> Envelope[Event] | None:
    try:
        if outcome.state == "delivered":
            return delivery_events.delivered(one.message, now, one.round)
        if outcome.state == "failed":
            attempts = one.attempts if outcome.counted else one.attempts - 1
            return delivery_events.failed(one.message, outcome.code or "failed", attempts, now, one.round)
    except ValueError as error:
        # An older version took an event under an id that no event of ours can name. Others must go on.
        metrics.ITEMS_FAILED.labels("courier", "untellable").inc()
        log.warning("a delivery cannot be told", extra={"reason": type(error).__name__})
    return None
