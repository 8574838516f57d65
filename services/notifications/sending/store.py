"""
The queue of a channel in MongoDB: messages that are due, claimed, marked or expired. It is a view of the
collection `messages` (messages/documents.py).

A claim is a lease: `due_at` of a claimed mail is the end of the claim. After that any process may claim the
mail again (docs/decisions/0008-deliveries.md).
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from services.notifications.messages.documents import message_from
from services.notifications.messages.events import delivered, failed
from services.notifications.messages.metrics import count
from services.notifications.messages.rules import Outcome, too_many
from services.notifications.messages.store import CODES_DUE, DUE_BY_CHANNEL, OF_PARTICIPANTS, open_to
from services.notifications.sending.metrics import count_failed
from services.notifications.sending.rules import RECIPIENT_MAILS_MAX, UNREADABLE, Claimed, expired
from services.notifications.texts.policy import CODE_KIND, DeliveryChannel
from shared.contracts.envelope import Envelope, Event
from shared.contracts.origin import ids_of
from shared.runtime.few_lines import FewLines
from shared.storage import mongo
from shared.storage.mongo import ASCENDING, Database, Document, UpdateOne
from shared.storage.unit_of_work import UnitOfWork, save_together

log = logging.getLogger(__name__)

EXPIRED_PER_CALL_MAX = 500
DUE_COUNTED_MAX = 10_000
# A message that was put back is due again after this time at the latest. It waits all the same.
PUT_BACK_SECONDS_MAX = 30.0
# Put back at random, the one that waits longest is somewhere among those that are due next.
OLDEST_AMONG_MAX = 1_000


class Queue:
    """The messages of one channel on their way."""

    def __init__(self, database: Database, channel: DeliveryChannel) -> None:
        self._database = database
        self._channel = channel
        self._messages = database["messages"]
        self._lines = FewLines(log)

    async def due(
        self,
        now: datetime,
        limit: int,
        under_way: Mapping[str, int] | None = None,
        *,
        only_codes: bool = False,
    ) -> list[tuple[str, str]]:
        """
        The ids and recipients of mails to send now.

        Codes come first, since people wait for them; but if others are due too, these have half of the
        places. Within each, the mail that is due for the longest time comes first.

        A mail whose claim has ended is due again. Together with the mails `under_way`, a recipient has at
        most `RECIPIENT_MAILS_MAX` mails. So other recipients wait only for a few mails of one recipient.
        """
        counts = Counter(under_way or {})
        codes = await self._due_of(CODES_DUE, CODE_KIND, now, limit, counts)
        if only_codes:
            return codes
        others = await self._due_of(DUE_BY_CHANNEL, {"$ne": CODE_KIND}, now, limit, counts)
        of_codes = max(limit - len(others), limit // 2)
        return [*codes[:of_codes], *others][:limit]

    async def _due_of(
        self, index: str, kind: str | Document, now: datetime, limit: int, counts: Counter[str]
    ) -> list[tuple[str, str]]:
        """Those of these kinds, in order; they are added to the counts of their recipients."""
        condition: Document = {
            "channel": self._channel,
            "kind": kind,
            "due_at": {"$lte": now},
            "state": {"$in": ["pending", "claimed"]},
        }
        if busy := [id_ for id_, mails in counts.items() if mails >= RECIPIENT_MAILS_MAX]:
            condition["participant_id"] = {"$nin": busy}
        with mongo.outages_named():
            # Open mails of one recipient are bounded (messages/rules.py: OPEN_MAILS_MAX), so these are mails
            # of several recipients.
            found = self._messages.find(condition, {"participant_id": 1}, hint=index)
            found = found.sort("due_at", ASCENDING)
            documents = await found.limit(limit).batch_size(limit).to_list(None)
        chosen = []
        for document in documents:
            recipient_id = str(document.get("participant_id"))
            if counts[recipient_id] < RECIPIENT_MAILS_MAX:
                counts[recipient_id] += 1
                chosen.append((document["_id"], recipient_id))
        return chosen

    async def claim(self, ids: Sequence[str], now: datetime, lease: timedelta) -> tuple[str, list[Claimed]]:
        """
        Claim these mails, except those that another process has claimed meanwhile.

        Returns: the claim's id, and the mails that it holds.
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
                await self._messages.update_many({"_id": {"$in": unreadable}}, _change(UNREADABLE, now))
        return claim, claimed

    async def mark(self, claim: str, outcomes: Sequence[tuple[Claimed, Outcome]], now: datetime) -> int:
        """
        Save what became of claimed mails, together with the events that report it.

        A mail that this claim no longer holds stays as it is: it was cancelled, or the claim has ended and
        another process has claimed it.

        Returns: how many were marked.
        """
        if not outcomes:
            return 0

        async def work(unit: UnitOfWork) -> list[tuple[Claimed, Outcome]]:
            ids = [one.message.message_id for one, _ in outcomes]
            held = self._messages.find(
                {"_id": {"$in": ids}, "claim": claim}, {"_id": 1}, session=unit.session
            )
            ours = {document["_id"] for document in await held.to_list(None)}
            marked = [pair for pair in outcomes if pair[0].message.message_id in ours]
            if marked:
                writes = [
                    UpdateOne({"_id": one.message.message_id}, _change(outcome, now))
                    for one, outcome in marked
                ]
                await self._messages.bulk_write(writes, ordered=False, session=unit.session)
                unit.publish(*[event for pair in marked for event in _events_of(*pair, now)])
            return marked

        marked = await save_together(self._database, work)
        for one, outcome in marked:
            if not _is_put_back(outcome):
                state = outcome.state if outcome.state != "pending" else "deferred"
                count(self._channel, state, outcome.code)
            if outcome.state == "failed":
                self._tell_failed(one, outcome)
        return len(marked)

    def _tell_failed(self, one: Claimed, outcome: Outcome) -> None:
        kind = ("channel", self._channel), ("code", outcome.code)
        if self._lines.admit("a message has failed", kind):
            log.warning("a message has failed", extra={**dict(kind), **ids_of(one.message.cause)})

    async def bring_forward(self, participant_ids: Sequence[str], now: datetime) -> None:
        """Make mails to these participants due now, if they were put off to the next day."""
        put_off = {
            **open_to(participant_ids, self._channel),
            "state": "pending",
            "code": too_many(self._channel),
        }
        change = {"$set": {"due_at": now}, "$unset": {"code": ""}}
        with mongo.outages_named():
            await self._messages.update_many(put_off, change, hint=OF_PARTICIPANTS[self._channel])

    async def length(self, now: datetime) -> tuple[int, datetime | None]:
        """
        The number of mails that could go now, up to `DUE_COUNTED_MAX`, and since when the first one could.

        Mails that were put back count too: only others that are under way keep them.
        """
        waiting: Document = {
            "channel": self._channel,
            "due_at": {"$lte": now + timedelta(seconds=PUT_BACK_SECONDS_MAX)},
            "$or": [{"due_at": {"$lte": now}}, {"late_since": {"$exists": True}}],
        }
        with mongo.outages_named():
            first = (
                await self._messages.find(waiting, {"due_at": 1, "late_since": 1}, hint=DUE_BY_CHANNEL)
                .sort("due_at", ASCENDING)
                .limit(OLDEST_AMONG_MAX)
                .to_list(None)
            )
            mails = (
                await self._messages.count_documents(waiting, limit=DUE_COUNTED_MAX, hint=DUE_BY_CHANNEL)
                if len(first) == OLDEST_AMONG_MAX
                else len(first)
            )
        since: list[datetime] = [one["late_since"] if "late_since" in one else one["due_at"] for one in first]
        return mails, min(since, default=None)

    async def expire(self, now: datetime) -> int:
        """
        Fail mails that have waited too long for a contact or for the mail server.

        Returns: their number, at most `EXPIRED_PER_CALL_MAX`. If it is that number, call again.
        """
        overdue: Document = {
            "channel": self._channel,
            "expires_at": {"$lte": now},
            # Leave out mails whose claim has not ended: they may be delivered at this moment.
            "$or": [{"state": {"$in": ["waiting_contact", "pending"]}}, {"due_at": {"$lte": now}}],
        }
        with mongo.outages_named():
            if not await self._messages.find_one(overdue, {"_id": 1}):
                return 0

        async def work(unit: UnitOfWork) -> tuple[int, int, Counter[str | None]]:
            codes: Counter[str | None] = Counter()
            found = await self._messages.find(overdue, session=unit.session).to_list(EXPIRED_PER_CALL_MAX)
            writes, unreadable = [], 0
            for document in found:
                try:
                    one, outcome = _expired(document, now)
                    events = _events_of(one, outcome, now)
                except (KeyError, TypeError):
                    outcome, events = UNREADABLE, []
                    unreadable += 1
                unit.publish(*events)
                codes[outcome.code] += 1
                writes.append(UpdateOne({"_id": document["_id"]}, _change(outcome, now)))
            if writes:
                await self._messages.bulk_write(writes, ordered=False, session=unit.session)
            return len(writes), unreadable, codes

        mails, unreadable, codes = await save_together(self._database, work)
        if unreadable:
            # After the transaction, because `work` may run more than once.
            _report_unreadable(unreadable)
        for code, failed_mails in codes.items():
            count(self._channel, "failed", code, failed_mails)
        return mails


def _claimed(document: Document) -> Claimed:
    return Claimed(
        message_from(document),
        document["attempts"],
        document.get("round", 0),
        document["expires_at"],
        document["claims"],
    )


def _expired(document: Document, now: datetime) -> tuple[Claimed, Outcome]:
    one = Claimed(message_from(document), document["attempts"], document.get("round", 0), now)
    return one, expired(document["state"], document.get("code"))


def _report_unreadable(messages: int) -> None:
    """Count messages that cannot be read. They have failed without an event, so that the others go on."""
    count_failed(UNREADABLE.code, messages)
    log.error("messages cannot be read", extra={"messages": messages})


def _is_put_back(outcome: Outcome) -> bool:
    """Nobody has refused it: others that are under way go before it, or the server is away."""
    return outcome.state == "pending" and outcome.code is None


def _change(outcome: Outcome, now: datetime) -> Document:
    set_: Document = {"state": outcome.state}
    unset: Document = {"claim": "", "claims": ""}
    is_put_back = _is_put_back(outcome)
    if not is_put_back:
        unset["late_since"] = ""
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
        # The reason of an earlier deferral does not matter any more.
        unset |= {"code": "", "reply": ""}
    change: Document = {"$set": set_, "$unset": unset}
    if not outcome.counted:
        change["$inc"] = {"attempts": -1}
    if is_put_back:
        # Only the first time.
        change["$min"] = {"late_since": now}
    return change


def _events_of(one: Claimed, outcome: Outcome, now: datetime) -> list[Envelope[Event]]:
    try:
        if outcome.state == "delivered":
            return [delivered(one.message, now, one.round)]
        if outcome.state == "failed":
            attempts = one.attempts if outcome.counted else one.attempts - 1
            code = outcome.code or "failed"
            return [failed(one.message, code, attempts, now, one.round)]
    except ValueError as error:
        # An older version accepted an event id that our events cannot carry. The other mails go on.
        count_failed("untellable")
        log.warning(
            "a delivery cannot be told", extra={"reason": type(error).__name__, **ids_of(one.message.cause)}
        )
    return []
