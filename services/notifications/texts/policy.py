"""
The notices: the events for which participants get messages, the channels, and the facts. All functions are
pure.

To notify people of another event, add a row here and a template `KIND.txt` to templates/zh-CN and
templates/en. The consumer subscribes to every event in this table (messages/handlers.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Literal, TypeAlias

from services.notifications.texts.reasons import BY_ORGANISER
from shared.contracts import events
from shared.contracts.envelope import Event
from shared.contracts.events import Channel

DeliveryChannel = Literal["inbox", "email", "sms"]
Fact: TypeAlias = str | int | float | bool | datetime | None

# The ticket code, encrypted with the participant's own key. Templates get it as `ticket_code` (tickets.py).
TICKET_SEALED = "ticket_sealed"
# A code, and the contact that a message goes to if it is not that of the profile. Both are encrypted with the
# participant's own key.
CODE_LOCKED = "code_locked"
CONTACT_LOCKED = "contact_locked"
# The kind of mails with a code. No inbox has them: they prove whose the mailbox is.
CODE_KIND = "participant_code"
# Tells the reader of a contact that the participant has another one now.
CHANGED_KIND = "participant_contact_changed"
# They go to the contact that their event names. Their text is fixed, without a name; nobody turns them off.
TO_NAMED_CONTACT = frozenset({CODE_KIND, CHANGED_KIND})
# The kind of messages whose text and number other systems choose.
REQUESTED_KIND = "notification_requested"


@dataclass(frozen=True, slots=True)
class Notice:
    """
    How participants are notified of one type of event.

    Args:
        kind: of message; also the name of the template.
        facts: the event's fields that the template needs. They are stored with the message.
        channels: empty if the event itself names them.
        expires: the fact with the time after which a mail is useless and is not sent (sending/compose.py).
            None if there is no such time.
        recipient: the event's field with the id of the participant to notify.
        sms: whether participants who gave a phone number, and no e-mail address, get an SMS in place of a
            mail. SMS cost money, so only what people must know soon goes by SMS. All else is in the inbox.
        sms_codes: an SMS is sent only if the fact `code` has one of these values. None: it may have any.
    """

    kind: str
    facts: tuple[str, ...]
    channels: tuple[Channel, ...]
    recipient: str = "participant_id"
    expires: str | None = None
    sms: bool = False
    sms_codes: frozenset[str] | None = None


_SESSION = ("activity_title", "starts_at", "venue", "places")
_SHIFT = ("activity_title", "duty", "starts_at", "ends_at", "venue")

NOTICES: Mapping[type[Event], Notice] = {
    events.ParticipantCodeRequested: Notice(
        CODE_KIND,
        (CODE_LOCKED, CONTACT_LOCKED, "language", "round", "expires_at"),
        # Or by SMS: the event says by_phone (`channels_of`).
        ("email",),
        expires="expires_at",
        sms=True,
    ),
    events.ParticipantContactChanged: Notice(
        CHANGED_KIND, (CONTACT_LOCKED, "language", "changed_at"), ("email",), sms=True
    ),
    # Inbox only: nobody knows yet whether the address is the participant's own.
    events.RegistrationHeld: Notice("registration_held", (*_SESSION, "until", "promoted"), ("inbox",)),
    events.RegistrationConfirmed: Notice(
        "registration_confirmed",
        (*_SESSION, "session_id", TICKET_SEALED, "promoted"),
        ("inbox", "email"),
        sms=True,
    ),
    # Its `until` is the end of the time to verify the contact. Whoever has verified it goes on waiting.
    events.RegistrationWaitlisted: Notice(
        "registration_waitlisted", (*_SESSION, "position", "until", "waiting_policy"), ("inbox", "email")
    ),
    events.RegistrationOffered: Notice(
        "registration_offered", (*_SESSION, "until"), ("inbox", "email"), expires="until", sms=True
    ),
    events.RegistrationRejected: Notice("registration_rejected", ("session_id", "code"), ("inbox", "email")),
    events.RegistrationCancelled: Notice(
        "registration_cancelled",
        (*_SESSION, "code", "reason"),
        ("inbox", "email"),
        # No SMS for what participants have cancelled themselves, or let run out.
        sms=True,
        sms_codes=BY_ORGANISER,
    ),
    events.RegistrationMoved: Notice(
        "registration_moved",
        (*_SESSION, "session_id", "starts_at_before", "venue_before"),
        ("inbox", "email"),
        sms=True,
    ),
    events.RegistrationReminded: Notice(
        "registration_reminded",
        (*_SESSION, "reminder", "until", "feedback"),
        ("inbox", "email"),
        expires="until",
    ),
    events.ShiftAssigned: Notice("shift_assigned", _SHIFT, ("inbox", "email")),
    events.ShiftMoved: Notice(
        "shift_moved",
        (*_SHIFT, "starts_at_before", "ends_at_before", "venue_before", "assigned"),
        ("inbox", "email"),
    ),
    events.ShiftReminded: Notice("shift_reminded", (*_SHIFT, "until"), ("inbox", "email"), expires="until"),
    events.ShiftEnded: Notice("shift_ended", (*_SHIFT, "code", "reason"), ("inbox", "email")),
    events.GroupApplicationDecided: Notice(
        "group_application_decided", ("group_name", "approved", "group_id", "reason"), ("inbox", "email")
    ),
    # Inbox only: any group can enter anybody's address, and must not be able to send mails by it.
    events.ParticipantEntered: Notice("participant_entered", ("group_id", "group_name"), ("inbox",)),
    # Inbox only: many participants take the contest many times, and a mail each time would annoy them.
    events.QuizCompleted: Notice(
        "quiz_completed",
        (
            "quiz_title",
            "score_percent",
            "points",
            "points_max",
            "passed",
            "time_used_seconds",
            "completed_at",
        ),
        ("inbox",),
    ),
    # Inbox only, for the same reason. Whoever gets an award by it gets the mail about the award.
    events.QuizRegraded: Notice(
        "quiz_regraded",
        (
            "quiz_title",
            "code",
            "points_before",
            "points",
            "points_max",
            "points_max_before",
            "passed_before",
            "passed",
        ),
        ("inbox",),
    ),
    # Inbox only: a decision may be taken back, and the reason is between the organisers and the participant.
    events.QuizDisqualificationDecided: Notice(
        "quiz_disqualification_decided", ("quiz_title", "disqualified", "results", "reason"), ("inbox",)
    ),
    events.AwardIssued: Notice(
        "award_issued",
        ("scheme_title", "kind", "tier", "award_code", "issued_at", "version", "tier_before"),
        ("inbox", "email"),
        recipient="recipient_id",
    ),
    events.AwardRevoked: Notice(
        "award_revoked",
        ("scheme_title", "award_code", "reason", "revoked_at", "code", "superseded_by"),
        ("inbox", "email"),
        recipient="recipient_id",
    ),
    # Inbox only: it is not certain yet. Whoever gets the award gets the mail about the award.
    events.AwardProposed: Notice(
        "award_proposed",
        ("scheme_title", "tier", "status", "code", "notice_until", "notice_version"),
        ("inbox",),
        recipient="recipient_id",
    ),
    # Inbox only: whoever wins gets the mail about the award.
    events.SelectionNominated: Notice(
        "selection_nominated", ("selection_id", "selection_title", "withdrawn"), ("inbox",)
    ),
    events.SelectionAdmitted: Notice(
        "selection_admitted", ("selection_id", "selection_title", "admitted", "code"), ("inbox",)
    ),
    # Only some of them are told (`is_told`).
    events.AwardObjected: Notice(
        "award_objected", ("selection_id", "selection_title"), ("inbox",), recipient="recipient_id"
    ),
    # Another system or an organiser writes the text and chooses the channels.
    events.NotificationRequested: Notice(REQUESTED_KIND, ("subject", "body"), ()),
}

KINDS: Mapping[str, type[Event]] = {notice.kind: event for event, notice in NOTICES.items()}
# In templates, `places` is the number of all places, also if the event's field `places` cannot hold it.
# `results` is the number of `result_ids`: a text needs no ids.
_READ_FROM = {"places": "places_in_all", "results": "result_ids"}
_FACTS = {
    event: attrgetter(*[_READ_FROM.get(fact, fact) for fact in notice.facts])
    for event, notice in NOTICES.items()
}


def recipient_of(event: Event) -> str:
    """The id of the participant to notify of this event."""
    recipient_id: str = getattr(event, NOTICES[type(event)].recipient)
    return recipient_id


def is_told(event: Event) -> bool:
    """
    Whether an event makes messages.

    Of an objection to a candidate people hear when it is upheld. If one to a proposal is, `award.proposed`
    tells them. An objection that is open or dismissed changes nothing for them.
    """
    if isinstance(event, events.AwardObjected):
        return event.selection_id is not None and event.status == "upheld"
    return type(event) in NOTICES


def channels_of(event: Event) -> tuple[DeliveryChannel, ...]:
    """The channels for this event, each once, to somebody with an e-mail address."""
    if (
        isinstance(event, (events.ParticipantCodeRequested, events.ParticipantContactChanged))
        and event.by_phone
    ):
        return ("sms",)
    if isinstance(event, events.NotificationRequested):
        return tuple(dict.fromkeys(event.channels))
    return NOTICES[type(event)].channels


def goes_by_sms(kind: str, facts: Mapping[str, Fact]) -> bool:
    """Whether a participant who gave a phone number gets an SMS with these facts."""
    notice = NOTICES[KINDS[kind]] if kind in KINDS else None
    if notice is None or not notice.sms:
        return False
    return notice.sms_codes is None or facts.get("code") in notice.sms_codes


def expires_at(kind: str, facts: Mapping[str, Fact]) -> datetime | None:
    """After this time a mail of this kind is of no use any more. None if there is no such time."""
    # A message of another release may have a kind that is unknown here.
    notice = NOTICES[KINDS[kind]] if kind in KINDS else None
    at = facts.get(notice.expires) if notice and notice.expires else None
    return at if isinstance(at, datetime) else None


def facts_of(event: Event) -> dict[str, Fact]:
    """The facts that the event's template needs."""
    notice = NOTICES[type(event)]
    facts: dict[str, Fact] = dict(zip(notice.facts, _FACTS[type(event)](event), strict=True))
    if isinstance(event, events.QuizDisqualificationDecided):
        facts["results"] = len(event.result_ids)
    return facts
