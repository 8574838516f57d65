"""Which messages an event makes, and what becomes of them."""

from datetime import timedelta
from typing import get_args

import pytest
from msgspec import structs

from services.notifications.contacts.rules import How, Reach
from services.notifications.messages.rules import Outcome, RetryPolicy, first_outcome, message_id, messages_of
from services.notifications.texts.policy import KINDS, NOTICES, is_told
from shared.contracts import topics
from shared.contracts.envelope import Event
from shared.contracts.events import Channel, ParticipantErased, ParticipantJoined, ParticipantKeyed
from shared.runtime.errors import Rejected
from tests.notifications.builders import NOW, confirmed, everything, issued, objected, requested
from tests.support.service import enclosed

RETRY_POLICY = RetryPolicy()
INBOX_ONLY = (
    "quiz.completed",
    "quiz.regraded",
    "quiz.disqualification_decided",
    "registration.held",
    "participant.entered",
    "award.proposed",
    "award.objected",
    "selection.nominated",
    "selection.admitted",
)


def test_every_topic_declared_for_the_group_is_in_the_policy_or_changes_contacts() -> None:
    read = {topic.name for topic in topics.LIVE if topics.NOTIFICATIONS in topic.groups}
    handled: list[type[Event]] = [*NOTICES, ParticipantKeyed, ParticipantJoined, ParticipantErased]
    assert {event.topic for event in handled} == read


def test_every_event_goes_to_the_inbox_and_quiz_results_to_no_mailbox() -> None:
    for event in everything("p"):
        context = enclosed(event).context
        channels = [message.channel for message in messages_of(event, context, NOW)]
        mailed = [] if event.topic in INBOX_ONLY else ["email"]
        assert channels == ["inbox", *mailed]


def test_only_an_upheld_objection_to_a_candidate_is_told() -> None:
    assert is_told(objected("p"))
    assert not is_told(objected("p", selection_id=None))
    assert not any(is_told(objected("p", status=status)) for status in ("made", "dismissed"))


def test_message_ids_are_the_same_on_a_repeat_and_differ_by_kind_channel_id_and_source() -> None:
    context = enclosed(confirmed("p"), "cause").context
    again = enclosed(confirmed("p"), "cause").context
    kind = "registration_confirmed"
    assert message_id("p", kind, context, "email") == message_id("p", kind, again, "email")
    other = enclosed(confirmed("p"), "other").context
    elsewhere = enclosed(confirmed("p"), "cause").context.__class__(
        context.id, "other/system", context.type, context.time, context.subject, context.correlation_id
    )
    ids = {
        message_id("p", kind, one, channel)
        for kind in KINDS
        for one in (context, other, elsewhere)
        for channel in get_args(Channel)
    }
    assert len(ids) == 6 * len(KINDS)


def test_no_other_source_and_id_make_the_same_text() -> None:
    context = enclosed(confirmed("p"), "cause").context
    ids = {
        message_id("p", "award_issued", structs.replace(context, source=source, id=id_), "email")
        for source, id_ in (("a b", "c"), ("a", "b c"), ("", "a b c"))
    }
    assert len(ids) == 3


def test_a_channel_asked_for_twice_is_meant_once() -> None:
    event = requested("p", channels=("email", "email"))
    [message] = messages_of(event, enclosed(event).context, NOW)
    assert message.channel == "email"


def test_messages_hold_the_facts_of_their_wording_and_their_recipient() -> None:
    event = issued("group-a")
    inbox, mail = messages_of(event, enclosed(event).context, NOW)
    assert inbox.participant_id == mail.participant_id == "group-a"
    assert inbox.facts == mail.facts
    assert set(inbox.facts or {}) == {
        "scheme_title",
        "kind",
        "tier",
        "tier_before",
        "version",
        "award_code",
        "issued_at",
    }


def test_a_large_group_reads_how_many_places_it_has() -> None:
    event = confirmed("school-1", places=60, all_places=500)
    assert {(one.facts or {})["places"] for one in messages_of(event, enclosed(event).context, NOW)} == {500}


def test_an_event_id_too_long_to_report_on_is_rejected() -> None:
    event = confirmed("p")
    context = enclosed(event).context
    long = context.__class__(
        "x" * 201, context.source, context.type, context.time, context.subject, context.correlation_id
    )
    with pytest.raises(Rejected) as refused:
        messages_of(event, long, NOW)
    assert refused.value.code == "cause_id_unusable"


@pytest.mark.parametrize(
    ("reach", "mail", "inbox"),
    [
        (None, Outcome("waiting_contact"), Outcome("delivered")),
        ("keyless", Outcome("waiting_contact"), Outcome("delivered")),
        ("addressed", Outcome("pending"), Outcome("delivered")),
        ("unaddressed", Outcome("skipped", "no_address"), Outcome("delivered")),
        ("erased", Outcome("cancelled", "erased"), Outcome("cancelled", "erased")),
    ],
)
def test_what_becomes_of_a_new_message_follows_from_what_is_known(
    reach: How | None, mail: Outcome, inbox: Outcome
) -> None:
    event, known = confirmed("p"), Reach(reach) if reach else None
    to_inbox, to_mail = messages_of(event, enclosed(event).context, NOW)
    assert first_outcome(to_mail, known) == mail
    assert first_outcome(to_inbox, known) == inbox


def test_mails_are_tried_for_as_long_as_the_standard_advises() -> None:
    # RFC 5321, 4.5.4.1: "at least 4-5 days", after first tries within the first hour.
    assert timedelta(days=4) <= RETRY_POLICY.pending_max <= timedelta(days=5)
    assert 60 <= RETRY_POLICY.retry_seconds <= 1_800
    assert 3_600 <= RETRY_POLICY.retry_seconds_max <= 6 * 3_600
