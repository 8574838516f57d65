"""
Messages stored, released and deleted in MongoDB (documents.py describes the document; erasures.py erases).

The ids of a participant's messages are one range (`rules.message_id`), so an erasure finds them without
another index. Most messages are in inboxes. They are in one more index, in which a page of an inbox finds its
messages in order. They are in no index by age: `delete_old` walks over the ids instead.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from msgspec.structs import replace

from services.notifications.contacts.rules import Reach
from services.notifications.messages.documents import document_of, message_from, times_of
from services.notifications.messages.rules import (
    NO_ADDRESS,
    MailShare,
    Message,
    Outcome,
    RetryPolicy,
    beside,
    mail_outcome,
    share_of,
)
from services.notifications.texts.policy import CODE_KIND, TO_NAMED_CONTACT, DeliveryChannel, goes_by_sms
from shared.storage import mongo
from shared.storage.documents import latest_first
from shared.storage.mongo import ASCENDING, DESCENDING, Database, Document

ANSWER_DOCUMENTS_MAX = 1_000
# Messages can be read until next year's week is over.
KEPT = timedelta(days=400)
# Every time is later. A condition with it finds the documents that have a time.
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
DUE_BY_CHANNEL = "due_by_channel"
# The same, only of messages with a code.
CODES_DUE = "codes_due"
# The index of pages of inboxes.
INBOXES = "inboxes"
# The index of a participant's open messages, by channel.
OF_PARTICIPANTS: Mapping[DeliveryChannel, str] = {
    "email": "mails_of_participants",
    "sms": "sms_of_participants",
}
# How many messages one call of `delete_old` looks at.
SLICE_MESSAGES = 1_000

Stored: TypeAlias = tuple[Message, Outcome, bool]
"""A message, its outcome as it is stored, and whether it is new."""


class MessageStore:
    """
    The messages: what events do with them.

    Args:
        sends_sms: whether SMS can be sent.
    """

    def __init__(self, database: Database, retry_policy: RetryPolicy, *, sends_sms: bool = False) -> None:
        self._messages = database["messages"]
        self._retry_policy = retry_policy
        self._sends_sms = sends_sms

    async def prepare(self) -> None:
        """Create the collection and its indexes now: creating them in a transaction causes conflicts."""
        with mongo.outages_named():
            # A message leaves the index when its recipient is erased: then it has no facts any more.
            await self._messages.create_index(
                [("participant_id", ASCENDING), *latest_first("created_at")],
                name=INBOXES,
                partialFilterExpression={"channel": "inbox", "facts": {"$exists": True}},
            )
            # For organisers: mails and SMS by state, and the cancelled messages of erased participants.
            by_state = [
                ("state", ASCENDING),
                ("channel", ASCENDING),
                ("created_at", DESCENDING),
                ("_id", DESCENDING),
            ]
            await self._messages.create_index(
                by_state,
                partialFilterExpression={"$or": [{"channel": "email"}, {"state": "cancelled"}]},
            )
            await self._messages.create_index(
                by_state, name="sms_by_state", partialFilterExpression={"channel": "sms"}
            )
            await self._messages.create_index(
                [("unmailed", ASCENDING), ("created_at", DESCENDING), ("_id", DESCENDING)],
                partialFilterExpression={"unmailed": {"$exists": True}},
            )
            # A participant's open mails: only open mails expire. Every mail is in this index, also when it is
            # done. MongoDB keeps deleted entries for a while, and a search walks over all of them up to the
            # next entry that is there. The mails that are done are such entries: so a search for one
            # participant never walks over what was deleted of others (docs/decisions/0008-deliveries.md).
            for channel, name in OF_PARTICIPANTS.items():
                await self._messages.create_index(
                    [
                        ("participant_id", ASCENDING),
                        ("channel", ASCENDING),
                        ("expires_at", ASCENDING),
                        ("kind", ASCENDING),
                    ],
                    name=name,
                    partialFilterExpression={"channel": channel},
                )
            # Only open mails and SMS have these fields, so the two indexes stay small. With the channel: a
            # queue that waits for its server must not slow the search in another one.
            await self._messages.create_index(
                [("channel", ASCENDING), ("due_at", ASCENDING)],
                name=DUE_BY_CHANNEL,
                partialFilterExpression={"due_at": {"$exists": True}},
            )
            await self._messages.create_index(
                [("channel", ASCENDING), ("due_at", ASCENDING)],
                name=CODES_DUE,
                partialFilterExpression={"kind": CODE_KIND, "due_at": {"$exists": True}},
            )
            await self._messages.create_index([("expires_at", ASCENDING)], sparse=True)

    async def open_mails(
        self, participant_ids: Collection[str], channel: DeliveryChannel = "email"
    ) -> dict[MailShare, int]:
        """The number of open mails or SMS to these participants, only from the index."""
        counted = [
            {"$match": open_to(participant_ids, channel)},
            {"$group": {"_id": {"to": "$participant_id", "kind": "$kind"}, "mails": {"$sum": 1}}},
        ]
        with mongo.outages_named():
            # Without the hint, the server also tries the index of what expires, and walks over its deleted
            # entries to compare.
            found = self._messages.aggregate(
                counted, batchSize=ANSWER_DOCUMENTS_MAX, hint=OF_PARTICIPANTS[channel]
            )
            rows = await found.to_list(None)
        counts: Counter[MailShare] = Counter()
        for row in rows:
            counts[share_of(row["_id"]["to"], row["_id"]["kind"])] += row["mails"]
        return counts

    async def add(self, messages: Sequence[tuple[Message, Outcome]]) -> list[Stored]:
        """
        Store the messages that are new. Messages that are already stored do not change.

        Inbox messages are stored first. If a repeat then finds that no mail was made beside an inbox message,
        it makes none either.

        A crash may have come between the inbox message and its mail. If the recipient has no address by the
        time of the repeat, the mail is stored as skipped, since the stored inbox message does not say so.
        """
        inboxes = [pair for pair in messages if pair[0].channel == "inbox"]
        stored = await self._add(inboxes)
        mails = [pair for pair in messages if pair[0].channel != "inbox"]
        mails += [
            (beside(as_stored, "email"), Outcome("skipped", given.unmailed))
            for (given, _), (as_stored, _, is_new) in zip(inboxes, stored, strict=True)
            if given.unmailed and not as_stored.unmailed and not is_new
        ]
        if mails:
            unmailed = {beside(message, "email").message_id for message, _, _ in stored if message.unmailed}
            stored += await self._add([pair for pair in mails if pair[0].message_id not in unmailed])
        return stored

    async def _add(self, messages: Sequence[tuple[Message, Outcome]]) -> list[Stored]:
        documents = [document_of(message, outcome, self._retry_policy) for message, outcome in messages]
        repeats = await mongo.insert_new(self._messages, documents)
        if not repeats:
            return [(message, outcome, True) for message, outcome in messages]
        ids = [documents[place]["_id"] for place in repeats]
        fields = {"state": 1, "created_at": 1, "unmailed": 1}
        with mongo.outages_named():
            answer = self._messages.find({"_id": {"$in": ids}}, fields).batch_size(ANSWER_DOCUMENTS_MAX)
            found = await answer.to_list(None)
        earlier = {document["_id"]: document for document in found}
        stored: list[Stored] = []
        for place, (message, outcome) in enumerate(messages):
            if place in repeats:
                then = earlier[message.message_id]
                as_stored = replace(message, created_at=then["created_at"], unmailed=then.get("unmailed"))
                stored.append((as_stored, Outcome(then["state"]), False))
            else:
                stored.append((message, outcome, True))
        return stored

    async def release(self, reach: Mapping[str, Reach], now: datetime) -> None:
        """
        Make mails and SMS due that waited for these participants' contacts, or skip them if there is no
        address.

        A mail that waited for the contact of somebody who gave a phone number is skipped: there is an SMS in
        its place, if its kind is worth one.

        A race cannot leave a mail waiting. The code that stores a contact or a key releases mails afterwards.
        The code that stores a waiting mail reads the contact afterwards. So the last writer sees the other's
        write.
        """
        with mongo.outages_named():
            await self._release("email", reach, now)
            if self._sends_sms:
                await self._release("sms", reach, now)
            if by_phone := {id_: how for id_, how in reach.items() if how.by_phone}:
                await self._text_instead(by_phone, now)

    async def _release(self, channel: DeliveryChannel, reach: Mapping[str, Reach], now: datetime) -> None:
        due, skipped = Outcome("pending"), Outcome("skipped", NO_ADDRESS)
        change: Document = {"$set": {"state": due.state, **times_of(due, now, self._retry_policy)}}
        hint = OF_PARTICIPANTS[channel]
        ours, named, unreachable = [], [], []
        for id_, (how, by_phone) in reach.items():
            if how == "unaddressed":
                unreachable.append(id_)
            elif how == "addressed" and by_phone == (channel == "sms"):
                ours.append(id_)
            elif how in ("addressed", "unverified"):
                # These may go to another contact than the profile's.
                named.append(id_)
        if ours:
            await self._messages.update_many(_waiting(ours, channel), change, hint=hint)
        if named:
            to_named = {**_waiting(named, channel), "kind": {"$in": list(TO_NAMED_CONTACT)}}
            await self._messages.update_many(to_named, change, hint=hint)
        if unreachable:
            await self._messages.update_many(
                _waiting(unreachable, channel), _skipping(skipped, now), hint=hint
            )

    async def _text_instead(self, reach: Mapping[str, Reach], now: datetime) -> None:
        """
        Store SMS in place of the mails that waited for the contacts of participants who gave a phone number.

        The SMS are stored first. If the process dies in between, the repeat finds the mails still waiting.
        """
        known = [id_ for id_, (how, _) in reach.items() if how in ("addressed", "unverified")]
        mails = {**_waiting(known, "email"), "kind": {"$nin": list(TO_NAMED_CONTACT)}}
        found = await self._messages.find(mails, hint=OF_PARTICIPANTS["email"]).to_list(None)
        if not found:
            return
        texted = []
        for document in found:
            mail = message_from(document)
            if goes_by_sms(mail.kind, mail.facts or {}):
                outcome = mail_outcome(mail.kind, reach[mail.participant_id])
                texted.append(document_of(beside(mail, "sms"), outcome, self._retry_policy))
        await mongo.insert_new(self._messages, texted)
        these: Document = {
            "_id": {"$in": [document["_id"] for document in found]},
            "state": "waiting_contact",
        }
        await self._messages.update_many(these, _skipping(Outcome("skipped", NO_ADDRESS), now))

    async def delete_old(self, after: str, now: datetime) -> str | None:
        """
        Delete messages older than `KEPT` among the next `SLICE_MESSAGES` messages after this id.

        Returns: the id after which to continue; None at the end.
        """
        with mongo.outages_named():
            ahead = self._messages.find({"_id": {"$gt": after}}, {"_id": 1}).sort("_id", ASCENDING)
            ends = await ahead.skip(SLICE_MESSAGES - 1).limit(1).to_list(None)
            ids: Document = {"$gt": after}
            if ends:
                ids["$lte"] = ends[0]["_id"]
            await self._messages.delete_many({"_id": ids, "created_at": {"$lt": now - KEPT}})
        return ends[0]["_id"] if ends else None


def open_to(participant_ids: Collection[str], channel: DeliveryChannel) -> Document:
    """The condition of open messages to these participants; the index for it is in `OF_PARTICIPANTS`."""
    return {
        "participant_id": {"$in": list(participant_ids)},
        "channel": channel,
        "expires_at": {"$gt": LONG_AGO},
    }


def _waiting(participant_ids: Collection[str], channel: DeliveryChannel) -> Document:
    return {**open_to(participant_ids, channel), "state": "waiting_contact"}


def _skipping(outcome: Outcome, now: datetime) -> Document:
    finished = {"state": outcome.state, "code": outcome.code, "finished_at": now}
    return {"$set": finished, "$unset": {"expires_at": ""}}
