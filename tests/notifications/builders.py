"""Events, contacts, settings, and the handler over a database, for the tests of notifications."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

import httpx

from services.notifications.app import NotificationsSettings, assemble
from services.notifications.contacts.store import ContactStore
from services.notifications.deliveries.store import DeliveryStore
from services.notifications.inbox.store import InboxStore
from services.notifications.messages.erasures import ErasureStore
from services.notifications.messages.handlers import subscriptions
from services.notifications.messages.rules import RetryPolicy
from services.notifications.messages.store import MessageStore
from services.notifications.sending.store import Queue
from services.notifications.texts.policy import channels_of
from shared.contracts import events, sealing
from shared.contracts.envelope import Envelope, Event
from shared.storage.ended_tokens import EndedTokens
from shared.storage.mongo import Database, Document
from shared.storage.outbox import prepare
from tests.support.kafka import database_of, read_back
from tests.support.service import (
    CONTACT_PRIVATE_KEY,
    CONTACT_PUBLIC_KEY,
    NO_KAFKA,
    batch_of,
    copies_of,
    in_outbox,
    settings_of,
)

NOW = datetime(2023, 5, 19, 8, 0, tzinfo=UTC)
STARTS_AT = datetime(2023, 5, 20, 1, 0, tzinfo=UTC)
NAME = "王小明"
TICKET = "T-4711"


def address_of(participant_id: str) -> str:
    return f"{participant_id}@example.org"


def number_of(participant_id: str) -> str:
    """A mobile phone number, the same each time."""
    return f"+861{int.from_bytes(sha256(participant_id.encode()).digest()[:4]) % 10**9:09d}0"


def key_of(participant_id: str) -> bytes:
    """A participant's own key, the same each time."""
    return sha256(participant_id.encode()).digest()


def locked(participant_id: str, *, email: str | None = "", name: str = NAME, key: bytes = b"") -> str:
    """A contact named `NAME`, with the participant's own address and key unless told otherwise."""
    address = address_of(participant_id) if email == "" else email
    return sealing.encrypt_contact(sealing.Contact(name=name, email=address), key or key_of(participant_id))


def keyed(participant_id: str, **changes: Any) -> events.ParticipantKeyed:
    fields: dict[str, Any] = {
        "participant_id": participant_id,
        "version": 1,
        "key_sealed": sealing.seal_key(key_of(participant_id), CONTACT_PUBLIC_KEY),
    }
    return events.ParticipantKeyed(**(fields | changes))


def joined(participant_id: str, **changes: Any) -> events.ParticipantJoined:
    fields: dict[str, Any] = {
        "participant_id": participant_id,
        "version": 1,
        "kind": "person",
        "group_id": None,
        "district": None,
        "audience": "youth",
        "language": "zh-CN",
        "contact_sealed": locked(participant_id),
        "verified": True,
    }
    return events.ParticipantJoined(**(fields | changes))


def known(*participant_ids: str, **changes: Any) -> list[Event]:
    """What makes notifications able to reach these participants."""
    keys: list[Event] = [keyed(id_) for id_ in participant_ids]
    return keys + [joined(id_, **changes) for id_ in participant_ids]


def by_phone(*participant_ids: str, **changes: Any) -> list[Event]:
    """What makes notifications able to reach these participants by SMS."""
    events_: list[Event] = [keyed(id_) for id_ in participant_ids]
    return events_ + [
        joined(id_, contact_sealed=number_locked(id_), by_phone=True, **changes) for id_ in participant_ids
    ]


def number_locked(participant_id: str) -> str:
    contact = sealing.Contact(name=NAME, phone=number_of(participant_id))
    return sealing.encrypt_contact(contact, key_of(participant_id))


def erased(participant_id: str) -> events.ParticipantErased:
    return events.ParticipantErased(participant_id=participant_id, version=2, erased_at=NOW)


def _session(participant_id: str) -> dict[str, Any]:
    return {
        "registration_id": str(uuid4()),
        "version": 1,
        "request_id": str(uuid4()),
        "participant_id": participant_id,
        "activity_id": "street",
        "activity_title": "科普宣传一条街",
        "session_id": "street-0520",
        "starts_at": STARTS_AT,
        "venue": "市政府综合办公楼广场",
        "places": 2,
    }


def confirmed(participant_id: str, **changes: Any) -> events.RegistrationConfirmed:
    ticket = sealing.encrypt_words(TICKET, key_of(participant_id))
    fields = _session(participant_id) | {"ticket_sealed": ticket, "promoted": False}
    return events.RegistrationConfirmed(**(fields | changes))


def held(participant_id: str, **changes: Any) -> events.RegistrationHeld:
    fields = _session(participant_id) | {"until": STARTS_AT - timedelta(days=2), "promoted": False}
    return events.RegistrationHeld(**(fields | changes))


def waitlisted(participant_id: str, **changes: Any) -> events.RegistrationWaitlisted:
    fields: dict[str, Any] = _session(participant_id) | {"position": 3}
    return events.RegistrationWaitlisted(**(fields | changes))


def offered(participant_id: str, **changes: Any) -> events.RegistrationOffered:
    # In the future: the mail of an offer that has ended is skipped.
    fields = _session(participant_id) | {"until": datetime.now(UTC) + timedelta(hours=23)}
    return events.RegistrationOffered(**(fields | changes))


def rejected(participant_id: str, code: str = "session_full") -> events.RegistrationRejected:
    return events.RegistrationRejected(
        request_id=str(uuid4()),
        participant_id=participant_id,
        session_id="street-0520",
        code=code,
        reason="the session is full, and its waiting list too",
    )


def cancelled(
    participant_id: str, code: str = "cancelled_by_participant", **changes: Any
) -> events.RegistrationCancelled:
    return events.RegistrationCancelled(**_session(participant_id), code=code, **changes)


def moved(participant_id: str, **changes: Any) -> events.RegistrationMoved:
    fields = _session(participant_id) | {
        "starts_at_before": STARTS_AT - timedelta(days=1),
        "venue_before": "会展中心",
    }
    return events.RegistrationMoved(**(fields | changes))


def reminded(participant_id: str, **changes: Any) -> events.RegistrationReminded:
    fields = _session(participant_id) | {
        "reminder": "day_before",
        "ends_at": STARTS_AT + timedelta(hours=2),
        "until": datetime.now(UTC) + timedelta(hours=23),
    }
    return events.RegistrationReminded(**(fields | changes))


def completed(participant_id: str, *, passed: bool = True) -> events.QuizCompleted:
    return events.QuizCompleted(
        result_id=str(uuid4()),
        quiz_id="contest",
        quiz_title="科普知识竞赛",
        participant_id=participant_id,
        group_id=None,
        district=None,
        points=85 if passed else 40,
        points_max=100,
        score_percent=85 if passed else 40,
        passed=passed,
        time_used_seconds=754,
        completed_at=NOW,
    )


def regraded(participant_id: str, **changes: Any) -> events.QuizRegraded:
    fields: dict[str, Any] = {
        "result_id": str(uuid4()),
        "version": 2,
        "quiz_id": "contest",
        "quiz_title": "科普知识竞赛",
        "participant_id": participant_id,
        "correction": 1,
        "code": "key_corrected",
        "points_before": 11.5,
        "points": 12,
        "points_max": 20,
        "score_percent": 60,
        "passed_before": False,
        "passed": True,
        "time_used_seconds": 754,
        "completed_at": NOW,
        "regraded_at": NOW,
    }
    return events.QuizRegraded(**(fields | changes))


def disqualified(participant_id: str, **changes: Any) -> events.QuizDisqualificationDecided:
    fields: dict[str, Any] = {
        "quiz_id": "contest",
        "quiz_title": "科普知识竞赛",
        "participant_id": participant_id,
        "version": 1,
        "disqualified": True,
        "reason": "两台设备同时作答",
        "decided_at": NOW,
    }
    return events.QuizDisqualificationDecided(**(fields | changes))


def issued(participant_id: str, **changes: Any) -> events.AwardIssued:
    fields: dict[str, Any] = {
        "award_id": str(uuid4()),
        "version": 1,
        "award_code": "KW-7Q2MA-X4D0P",
        "scheme_id": "contest-prize",
        "scheme_title": "科普知识竞赛奖",
        "kind": "prize",
        "tier": "一等奖",
        "recipient_id": participant_id,
        "cause": str(uuid4()),
        "issued_at": NOW,
    }
    return events.AwardIssued(**(fields | changes))


def revoked(participant_id: str, code: str | None = None) -> events.AwardRevoked:
    return events.AwardRevoked(
        award_id=str(uuid4()),
        version=2,
        award_code="KW-7Q2MA-X4D0P",
        scheme_id="contest-prize",
        scheme_title="科普知识竞赛奖",
        recipient_id=participant_id,
        reason="成绩复核后撤销",
        revoked_at=NOW,
        code=code,
    )


def proposed(participant_id: str, code: str | None = None, **changes: Any) -> events.AwardProposed:
    """A public notice proposes a prize for them; with a code it does not any more."""
    facts: dict[str, Any] = {
        "award_id": str(uuid4()),
        "version": 1 if code is None else 2,
        "scheme_id": "contest-prize",
        "scheme_title": "科普知识竞赛奖",
        "kind": "prize",
        "tier": "二等奖",
        "recipient_id": participant_id,
        "cause": "contest",
        "status": "proposed" if code is None else "withdrawn",
        "code": code,
        "notice_version": 1,
        "notice_until": NOW,
        "said_at": NOW,
    }
    return events.AwardProposed(**facts | changes)


def nominated(participant_id: str, **changes: Any) -> events.SelectionNominated:
    facts: dict[str, Any] = {
        "selection_id": "finest",
        "participant_id": participant_id,
        "version": 1,
        "withdrawn": False,
        "changed_at": NOW,
        "selection_title": "最美科技工作者",
    }
    return events.SelectionNominated(**facts | changes)


def admitted(participant_id: str, code: str | None = None, **changes: Any) -> events.SelectionAdmitted:
    """They may be judged; with a code they may not."""
    facts: dict[str, Any] = {
        "selection_id": "finest",
        "participant_id": participant_id,
        "version": 2,
        "admitted": code is None,
        "code": code,
        "decided_at": NOW,
        "selection_title": "最美科技工作者",
    }
    return events.SelectionAdmitted(**facts | changes)


def objected(participant_id: str, **changes: Any) -> events.AwardObjected:
    """An objection to a candidate is upheld."""
    facts: dict[str, Any] = {
        "objection_id": str(uuid4()),
        "version": 2,
        "scheme_id": "finest",
        "recipient_id": participant_id,
        "status": "upheld",
        "said_at": NOW,
        "selection_id": "finest",
        "selection_title": "最美科技工作者",
    }
    return events.AwardObjected(**facts | changes)


def decided(participant_id: str, **changes: Any) -> events.GroupApplicationDecided:
    facts: dict[str, Any] = {
        "application_id": str(uuid4()),
        "participant_id": participant_id,
        "group_name": "濮阳市第一中学",
        "approved": False,
        "reason": "同名学校已登记",
    }
    return events.GroupApplicationDecided(**facts | changes)


def entered(participant_id: str, **changes: Any) -> events.ParticipantEntered:
    facts = {"participant_id": participant_id, "group_id": "school-1", "group_name": "濮阳市第一中学"}
    return events.ParticipantEntered(**facts | changes)


def _shift(participant_id: str) -> dict[str, Any]:
    return {
        "assignment_id": str(uuid4()),
        "version": 1,
        "participant_id": participant_id,
        "activity_id": "street",
        "activity_title": "科普宣传一条街",
        "session_id": "street-0520",
        "shift_id": "guide-am",
        "duty": "讲解员",
        "starts_at": STARTS_AT,
        "ends_at": STARTS_AT + timedelta(hours=4),
        "venue": "市政府综合办公楼广场",
    }


def shift_assigned(participant_id: str) -> events.ShiftAssigned:
    return events.ShiftAssigned(**_shift(participant_id))


def shift_moved(participant_id: str, **changes: Any) -> events.ShiftMoved:
    fields = _shift(participant_id) | {
        "starts_at_before": STARTS_AT - timedelta(days=1),
        "ends_at_before": STARTS_AT - timedelta(hours=20),
        "venue_before": "会展中心",
        "assigned": True,
    }
    return events.ShiftMoved(**(fields | changes))


def shift_reminded(participant_id: str, **changes: Any) -> events.ShiftReminded:
    # In the future: the mail of a reminder that makes no sense any more is skipped.
    fields = _shift(participant_id) | {"until": datetime.now(UTC) + timedelta(hours=23)}
    return events.ShiftReminded(**(fields | changes))


def shift_ended(participant_id: str, code: str = "withdrawn", **changes: Any) -> events.ShiftEnded:
    return events.ShiftEnded(**_shift(participant_id), code=code, **changes)


def requested(participant_id: str, **changes: Any) -> events.NotificationRequested:
    fields: dict[str, Any] = {
        "request_id": str(uuid4()),
        "participant_id": participant_id,
        "subject": "场地变更通知",
        "body": "请于9:00前到广场集合。",
        "channels": ("inbox", "email"),
    }
    return events.NotificationRequested(**(fields | changes))


def code_requested(participant_id: str, **changes: Any) -> events.ParticipantCodeRequested:
    fields: dict[str, Any] = {
        "sign_in_id": str(uuid4()),
        "participant_id": participant_id,
        "language": "zh-CN",
        "round": 1,
        "code_locked": sealing.encrypt_words("7K3Q-M0R9", key_of(participant_id)),
        "expires_at": NOW.replace(year=2090),
    }
    return events.ParticipantCodeRequested(**(fields | changes))


def contact_changed(participant_id: str, **changes: Any) -> events.ParticipantContactChanged:
    fields: dict[str, Any] = {
        "participant_id": participant_id,
        "version": 3,
        "language": "zh-CN",
        "contact_locked": locked(participant_id, email="before@example.org"),
        "changed_at": NOW,
    }
    return events.ParticipantContactChanged(**(fields | changes))


def everything(participant_id: str) -> list[Event]:
    """One event of each kind that an inbox tells of."""
    return [
        held(participant_id),
        confirmed(participant_id),
        waitlisted(participant_id),
        offered(participant_id),
        rejected(participant_id),
        cancelled(participant_id),
        moved(participant_id),
        shift_assigned(participant_id),
        shift_moved(participant_id),
        shift_reminded(participant_id),
        shift_ended(participant_id),
        decided(participant_id),
        entered(participant_id),
        reminded(participant_id),
        completed(participant_id),
        regraded(participant_id),
        disqualified(participant_id),
        issued(participant_id),
        revoked(participant_id),
        proposed(participant_id),
        objected(participant_id),
        nominated(participant_id),
        admitted(participant_id),
        requested(participant_id),
    ]


def messages_of_everything() -> int:
    """How many messages a participant gets about `everything`, on all channels."""
    return sum(len(channels_of(event)) for event in everything("p"))


def delivered_ids(
    following: list[Envelope[events.NotificationDelivered]],
) -> dict[str, events.NotificationDelivered]:
    """What follows from a batch, by the ids of the events."""
    return {one.context.id: one.event for one in following}


class Desk:
    """The handler and the stores over a database of its own."""

    def __init__(self, database: Database, retry_policy: RetryPolicy, *, sends_sms: bool = False) -> None:
        self.database = database
        self.contacts = ContactStore(database, sends_sms=sends_sms)
        self.store = MessageStore(database, retry_policy, sends_sms=sends_sms)
        self.erasures = ErasureStore(database)
        self.inboxes = InboxStore(database)
        self.deliveries = DeliveryStore(database, retry_policy)
        self.queue = Queue(database, "email")
        self.retry_policy = retry_policy
        self.woken = 0
        [subscription] = subscriptions(
            self.contacts, self.store, self.erasures, EndedTokens(database), wake=self._wake
        )
        self._handle = subscription.handle

    def _wake(self) -> None:
        self.woken += 1

    async def handle(
        self, *happened: Event | Envelope[Event]
    ) -> list[Envelope[events.NotificationDelivered]]:
        """Handle these as one batch; returns the events that follow."""
        following = await self._handle(batch_of(*happened))
        delivered = read_back(following, events.NotificationDelivered)
        assert len(delivered) == len(following)
        return delivered

    async def messages(self, participant_id: str, channel: str = "email") -> list[Document]:
        """The documents of a participant's messages, the oldest first."""
        found = self.database["messages"].find({"participant_id": participant_id, "channel": channel})
        return await found.sort("_id", 1).to_list(None)

    async def states(self, participant_id: str, channel: str = "email") -> list[str]:
        return [document["state"] for document in await self.messages(participant_id, channel)]

    async def published(self, topic: str) -> list[str]:
        """The bodies of the events of this topic that wait in the outbox."""
        return await in_outbox(self.database, topic)


@asynccontextmanager
async def desk(
    mongo: str, retry_policy: RetryPolicy | None = None, *, sends_sms: bool = False
) -> AsyncIterator[Desk]:
    async with database_of(mongo, "NotificationsSettings") as database:
        await prepare(database)
        made = Desk(database, retry_policy or RetryPolicy(), sends_sms=sends_sms)
        await made.contacts.prepare()
        await made.store.prepare()
        yield made


def settings(*, mongo: str, kafka: str = NO_KAFKA, **changes: object) -> NotificationsSettings:
    own: dict[str, object] = {"contact_private_key": CONTACT_PRIVATE_KEY, "mail_from": "kepu@example.org"}
    return settings_of(NotificationsSettings, mongo=mongo, kafka=kafka, **(own | changes))


@asynccontextmanager
async def service(
    mongo: str, *, kafka: str = NO_KAFKA, copies: int = 1, **changes: object
) -> AsyncIterator[tuple[list[httpx.AsyncClient], Database]]:
    """Copies of the service on one database, and that database."""
    of = settings(mongo=mongo, kafka=kafka, **changes)
    async with copies_of(assemble, of, of.database, copies=copies) as clients_and_database:
        yield clients_and_database
