"""The audit of notifications: everyone gets one message on each channel, and every mail is sent."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

from ops.audit.findings import Check, compare, kept, true_of_all
from ops.audit.log import Entry, Log, conforms
from shared.contracts import topics
from shared.contracts.events import NotificationRequested, is_cause_id
from shared.storage.mongo import Database

Json: TypeAlias = dict[str, Any]
TOPIC, GROUP = "notification.requested", topics.NOTIFICATIONS
BOTH, INBOX = ("inbox", "email"), ("inbox",)
CHANNELS: Mapping[str, tuple[str, ...]] = {
    "participant.code_requested": ("email",),
    "participant.contact_changed": ("email",),
    "registration.held": INBOX,
    "registration.confirmed": BOTH,
    "registration.waitlisted": BOTH,
    "registration.offered": BOTH,
    "registration.rejected": BOTH,
    "registration.cancelled": BOTH,
    "registration.moved": BOTH,
    "group.application_decided": BOTH,
    "participant.entered": INBOX,
    "registration.reminded": BOTH,
    "shift.assigned": BOTH,
    "shift.moved": BOTH,
    "shift.reminded": BOTH,
    "shift.ended": BOTH,
    "quiz.completed": INBOX,
    "quiz.regraded": INBOX,
    "quiz.disqualification_decided": INBOX,
    "award.issued": BOTH,
    "award.revoked": BOTH,
    "award.proposed": INBOX,
    "award.objected": INBOX,
    "selection.nominated": INBOX,
    "selection.admitted": INBOX,
}
# Their messages go to the contact that the event names.
NAMING_TOPICS = ("participant.code_requested", "participant.contact_changed")
FACTS = (
    "ticket_sealed",
    "award_code",
    "score_percent",
    "points",
    "points_before",
    "scheme_title",
    "selection_title",
    "activity_title",
    "duty",
    "subject",
    "body",
)
# The kinds of these messages.
TO_NAMED_CONTACT = frozenset({"participant_code", "participant_contact_changed"})
# What goes by SMS to people who gave a phone number. A cancellation only if organisers made it.
TEXTED = frozenset(
    {
        *TO_NAMED_CONTACT,
        "registration_confirmed",
        "registration_offered",
        "registration_moved",
        "registration_cancelled",
    }
)
# A mailbox that has a good code gets no other one (services/notifications/sending/code_limit.py).
NOT_MAILED = ("too_many_mails", "too_many_sms", "out_of_date", "code_sent_before", "code_expired")
MESSAGE_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


async def audit_notifications(
    log: Log, database: Database, mail_file: Path, settled_at: datetime
) -> list[Check]:
    """
    Compare the messages expected with those stored, those delivered, and the mails that were sent.

    Args:
        settled_at: what finished later may not be in the log yet.
    """
    fields = (
        "cause.id",
        "cause.source",
        "participant_id",
        "channel",
        "kind",
        "state",
        "code",
        "unmailed",
        "finished_at",
    )
    looked_at = dict.fromkeys(fields, 1)
    looked_at |= {f"facts.{fact}": 1 for fact in FACTS}
    messages = [message async for message in database["messages"].find({}, looked_at)]
    mails = {m["_id"] for m in messages if m["channel"] == "email" and m["state"] == "delivered"}
    # Only verified contacts get mails, except for the codes that verify them. A contact stays verified.
    addressed = {
        event.body["participant_id"]
        for event in log.events("participant.joined")
        if event.body.get("contact_sealed") and event.body.get("verified")
    }
    # People who have given a phone number, now or before: mails to them may have been skipped.
    phoned = {e.body["participant_id"] for e in log.events("participant.joined") if e.body.get("by_phone")}
    texted = [message for message in messages if message["channel"] == "sms"]
    erased = {event.key for event in log.events("participant.erased")}
    sent = set(_sent(mail_file))
    refused = {*_refused(log)}
    given_up = {place for topic in _read() for place in log.given_up(topic, GROUP, refused)}
    return [
        compare("refused events are dead-lettered", refused, given_up),
        compare("everyone concerned is notified", _expected(log), _names(messages)),
        *_published(log, messages, settled_at),
        kept("mails delivered were taken by the SMTP server", mails, sent),
        kept("mails sent are of messages", sent, (message["_id"] for message in messages)),
        true_of_all(
            "SMS say only what goes by SMS, to people who gave a number",
            (one["_id"] for one in texted if one["kind"] not in TEXTED or not _may_be_texted(one, phoned)),
            len(texted),
        ),
        true_of_all("what is said is what happened", _misquoted(log, messages), len(messages)),
        true_of_all(
            "who has an address gets mail, all an inbox",
            _unsent(messages, addressed - phoned, left_out=erased | phoned),
            len(messages),
        ),
        true_of_all(
            "the erased are marked as erased and not notified any more",
            [*_still_notified(messages, erased), *await _unmarked(database, erased)],
            len(erased),
        ),
    ]


def _published(log: Log, messages: Sequence[Json], settled_at: datetime) -> Iterator[Check]:
    told = {
        topic: [event.body["message_id"] for event in log.events(topic)]
        for topic in ("notification.delivered", "notification.failed")
    }
    published = {id_ for ids in told.values() for id_ in ids}
    finished = [
        message
        for message in messages
        if message["_id"] in published or message.get("finished_at", settled_at) <= settled_at
    ]
    yield compare(
        "deliveries are published (notification.delivered)",
        (message["_id"] for message in finished if message["state"] == "delivered"),
        told["notification.delivered"],
    )
    yield kept(
        "failures are published (notification.failed)",
        (message["_id"] for message in finished if message["state"] == "failed"),
        told["notification.failed"],
    )


def _read() -> Iterator[str]:
    return (topic.name for topic in topics.LIVE if GROUP in topic.groups)


def _refused(log: Log) -> Iterator[str]:
    """The places of records that notifications refuses: nobody is notified of them."""
    for topic in (*CHANNELS, TOPIC):
        yield from (entry.place for entry in log.records(topic) if not _is_taken(entry))


def _is_taken(entry: Entry) -> bool:
    # The events about deliveries have to name it.
    is_named = entry.event_id is None or is_cause_id(entry.event_id)
    return is_named and (entry.topic != TOPIC or conforms(entry, NotificationRequested))


def _is_told(event: Entry) -> bool:
    """Of objections, only of an upheld one to a candidate: `award.proposed` tells of the others."""
    is_of_candidate = event.body.get("selection_id") is not None
    return event.topic != "award.objected" or (is_of_candidate and event.body["status"] == "upheld")


def _event(source: object, id_: str) -> str:
    """An event's name: two systems may give the same id."""
    return f"{source} {id_}"


def _expected(log: Log) -> Iterator[str]:
    for topic, channels in CHANNELS.items():
        for event in filter(_is_told, filter(_is_taken, log.events(topic))):
            recipient = event.body.get("participant_id") or event.body["recipient_id"]
            is_texted = topic in NAMING_TOPICS and event.body.get("by_phone")
            for channel in ("sms",) if is_texted else channels:
                yield f"{_event(event.alike.get('ce_source'), event.id)}/{recipient}/{channel}"
    for event in filter(_is_taken, log.events(TOPIC)):
        name = f"{_event(event.alike.get('ce_source'), event.id)}/{event.body['participant_id']}"
        yield from (f"{name}/{channel}" for channel in _asked(event))


def _asked(event: Entry) -> set[str]:
    return set(event.body.get("channels", INBOX))


def _names(messages: list[Json]) -> Iterator[str]:
    for message in messages:
        if message["channel"] == "sms" and message["kind"] not in TO_NAMED_CONTACT:
            # In place of a mail; checked apart.
            continue
        cause = message["cause"]
        name = f"{_event(cause['source'], cause['id'])}/{message['participant_id']}"
        yield f"{name}/{message['channel']}"
        # This message is in the inbox only. Its field `unmailed` says why there is no mail.
        if "unmailed" in message:
            yield f"{name}/email"


def _sent(mail_file: Path) -> Iterator[str]:
    lines = mail_file.read_text("utf-8").splitlines() if mail_file.exists() else []
    for line in lines:
        if found := MESSAGE_ID.search(json.loads(line)["message_id"] or ""):
            yield found.group()


def _unsent(messages: list[Json], addressed: set[str], *, left_out: set[str]) -> Iterator[str]:
    for message in messages:
        if message["participant_id"] in left_out:
            # Unsent messages to the erased are cancelled: `_still_notified` checks that.
            continue
        is_to_profile = message["channel"] == "email" and message["kind"] not in TO_NAMED_CONTACT
        right: tuple[str, ...] = ("delivered",)
        if is_to_profile and message["participant_id"] not in addressed:
            right = ("skipped", "waiting_contact")
        if message["state"] not in right and not (_is_put_off(message) or _is_refused(message)):
            yield message["_id"]
        if "unmailed" in message and message["participant_id"] in addressed:
            yield message["_id"]


def _may_be_texted(message: Json, phoned: set[str]) -> bool:
    """A code may go to a number that is not the participant's yet, and a warning to one from before."""
    return message["kind"] in TO_NAMED_CONTACT or message["participant_id"] in phoned


def _is_put_off(message: Json) -> bool:
    """Whether a mail waits for its next try, there was no room for it, or it was too late: see its code."""
    skipped = message.get("code") in NOT_MAILED
    return (message["state"] in ("pending", "claimed") and "code" in message) or skipped


def _is_refused(message: Json) -> bool:
    """Whether the mail server has refused a mail for good, as for a mailbox that does not exist."""
    return message["state"] == "failed" and message.get("code") == "smtp_rejected"


def _still_notified(messages: list[Json], erased: set[str]) -> Iterator[str]:
    for message in messages:
        if message["participant_id"] in erased and (
            message.get("facts") or message["state"] in ("waiting_contact", "pending", "claimed")
        ):
            yield message["_id"]


async def _unmarked(database: Database, erased: set[str]) -> list[str]:
    """Erased people whose contact has no mark: after a later event notifications would write to them."""
    of = {"_id": {"$in": list(erased)}, "erased_at": {"$exists": True}}
    marked = {one["_id"] async for one in database["contacts"].find(of, {"_id": 1})}
    return sorted(erased - marked)


def _misquoted(log: Log, messages: list[Json]) -> Iterator[str]:
    """Messages whose facts (codes, scores, titles) differ from the event that caused them."""
    said = {
        _event(event.alike.get("ce_source"), event.id): event
        for topic in _read()
        for event in log.events(topic)
    }
    for message in messages:
        facts = message.get("facts") or {}
        event = said.get(_event(message["cause"]["source"], message["cause"]["id"]))
        body = event.body if event and facts else {}
        if any(facts[name] != body.get(name) for name in FACTS if name in facts):
            yield message["_id"]
