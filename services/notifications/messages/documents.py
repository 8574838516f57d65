"""
The document of a message. All rooms that read or write the collection `messages` use these functions.

_id, participant_id, channel, kind, cause, created_at   from the event; they never change
facts        what the template needs; deleted when the recipient is erased
state, code  the state of the message, and why (rules.py)
unmailed     on an inbox message: why no mail was made beside it
read_at      on an inbox message: when it was read first
attempts     on a mail, like the following: how often it was tried
due_at       when the courier looks at the mail, or when a claim on it ends; only while the mail is open
late_since   when it was put back first, since others that were under way had to go before it
expires_at   when the mail has failed; only while it is open
claim        the id of the claim that holds the mail
claims       how often it was claimed since its last outcome was saved
reply        the mail server's reply code
round        how often organisers have asked to try it again
finished_at  when its state became final
"""

import re
from collections.abc import Iterable
from datetime import datetime

from services.notifications.messages.rules import Message, MessageId, Outcome, RetryPolicy
from services.notifications.texts.policy import KINDS
from shared.contracts.envelope import Context
from shared.runtime.owned_ids import beginnings_of
from shared.storage.mongo import Document


def document_of(message: Message, outcome: Outcome, retry_policy: RetryPolicy) -> Document:
    """The document of a new message."""
    cause = message.cause
    document: Document = {
        "_id": message.message_id,
        "participant_id": message.participant_id,
        "channel": message.channel,
        "kind": message.kind,
        # Without the type, which follows from the kind.
        "cause": {
            "id": cause.id,
            "source": cause.source,
            "time": cause.time,
            "correlation_id": cause.correlation_id,
            "traceparent": cause.traceparent,
        },
        "created_at": message.created_at,
        "state": outcome.state,
    }
    if outcome.state != "cancelled":
        document["facts"] = message.facts
    if outcome.code is not None:
        document["code"] = outcome.code
    if message.channel == "inbox":
        if message.unmailed is not None:
            document["unmailed"] = message.unmailed
        return document
    document["attempts"] = 0
    return document | times_of(outcome, message.created_at, retry_policy)


def times_of(outcome: Outcome, now: datetime, retry_policy: RetryPolicy) -> Document:
    """When a mail that gets this state now is due and expires, or that it is finished."""
    if outcome.state == "pending":
        return {"due_at": now, "expires_at": retry_policy.expires_at("pending", now)}
    if outcome.state == "waiting_contact":
        return {"expires_at": retry_policy.expires_at("waiting_contact", now)}
    return {"finished_at": now}


def message_from(document: Document) -> Message:
    """
    The message in a document.

    Raises:
        KeyError, TypeError: a field is missing or of another type.
    """
    return Message(
        message_id=MessageId(document["_id"]),
        participant_id=document["participant_id"],
        channel=document["channel"],
        kind=document["kind"],
        facts=document.get("facts"),
        cause=Context(
            subject=document["participant_id"],
            # Another version of the service may have stored a kind that is unknown here.
            type=KINDS[document["kind"]].type if document["kind"] in KINDS else "unknown",
            **document["cause"],
        ),
        created_at=document["created_at"],
        unmailed=document.get("unmailed"),
    )


def ids_to(participant_ids: Iterable[str]) -> Document:
    """The condition on `_id` of messages to these participants; also compare `participant_id`."""
    beginnings = [beginning for id_ in participant_ids for beginning in beginnings_of(id_)]
    # Such a pattern is a range of the index, but only without Python's flag for Unicode.
    return {"$in": [re.compile(f"^{beginning}", re.ASCII) for beginning in beginnings]}
