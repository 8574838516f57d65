"""The audit of notifications finds what is left of the erased, and takes no refused record for a loss."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from ops.audit.findings import Check
from ops.audit.log import Log, entry_of
from ops.audit.notifications import CHANNELS, GROUP, TOPIC, audit_notifications
from services.notifications.texts.policy import KINDS, channels_of
from shared.contracts.envelope import Envelope, Event, to_headers
from shared.runtime import clock
from tests.notifications.builders import (
    Desk,
    by_phone,
    code_requested,
    confirmed,
    contact_changed,
    desk,
    erased,
    everything,
    known,
    moved,
    requested,
)
from tests.support.logged import dead, logged, raw
from tests.support.service import enclosed, new_id

STATEMENT = "the erased are marked as erased and not notified any more"


def log_of(*happened: Envelope[Event]) -> Log:
    return Log(logged(one, offset) for offset, one in enumerate(happened))


async def found(at: Desk, log: Log, statement: str, settled_at: datetime | None = None) -> Check:
    checks = await audit_notifications(log, at.database, Path("no-mails"), settled_at or clock.now())
    return next(check for check in checks if check.name == statement)


def test_the_audit_expects_the_messages_that_participants_get() -> None:
    examples = [*everything("p"), code_requested("p"), contact_changed("p")]
    assert {type(event) for event in examples} == set(KINDS.values())
    # The audit states the channels itself. Of a request it reads them from the event.
    expected = {event.topic: channels_of(event) for event in examples if event.topic != TOPIC}
    assert expected == CHANNELS


@pytest.mark.stack
async def test_what_is_left_of_the_erased_is_found(mongo: str) -> None:
    person, other = new_id(), new_id()
    happened = [
        enclosed(event)
        for event in (*known(person, other), confirmed(person), requested(person), confirmed(other))
    ]
    happened.append(enclosed(erased(person)))
    log = log_of(*happened)
    async with desk(mongo) as at:
        await at.handle(*happened[:-1])
        assert not (await found(at, log, STATEMENT)).agrees
        await at.handle(happened[-1])
        assert (await found(at, log, STATEMENT)).agrees
        messages, contacts = at.database["messages"], at.database["contacts"]
        await messages.update_one({"participant_id": person}, {"$set": {"facts": {"subject": "left"}}})
        assert len((await found(at, log, STATEMENT)).wrong) == 1
        await contacts.delete_one({"_id": person})
        assert person in (await found(at, log, STATEMENT)).wrong


@pytest.mark.stack
async def test_a_moved_session_that_was_not_told_is_found(mongo: str) -> None:
    person = new_id()
    happened = [enclosed(event) for event in (*known(person), moved(person))]
    log = log_of(*happened)
    async with desk(mongo) as at:
        await at.handle(*happened[:-1])
        assert len((await found(at, log, "everyone concerned is notified")).missing) == 2
        await at.handle(happened[-1])
        assert (await found(at, log, "everyone concerned is notified")).agrees


@pytest.mark.stack
async def test_sms_are_expected_in_place_of_mails_and_wrong_ones_are_found(mongo: str) -> None:
    person, other = new_id(), new_id()
    events = (*by_phone(person), *known(other), confirmed(person), code_requested(person, by_phone=True))
    happened = [enclosed(event) for event in (*events, confirmed(other))]
    log, statement = log_of(*happened), "SMS say only what goes by SMS, to people who gave a number"
    async with desk(mongo, sends_sms=True) as at:
        await at.handle(*happened)
        assert (await found(at, log, "everyone concerned is notified")).agrees
        assert (await found(at, log, statement)).agrees
        await at.database["messages"].update_one({"channel": "email"}, {"$set": {"channel": "sms"}})
        assert len((await found(at, log, statement)).wrong) == 1


@pytest.mark.stack
async def test_what_was_delivered_since_the_log_was_read_is_no_finding(mongo: str) -> None:
    person, statement = new_id(), "deliveries are published (notification.delivered)"
    async with desk(mongo) as at:
        await at.handle(*[enclosed(event) for event in (*known(person), confirmed(person))])
        sent = {"$set": {"state": "delivered", "finished_at": clock.now()}}
        await at.database["messages"].update_many({}, sent)
        before = clock.now() - timedelta(seconds=10)
        assert (await found(at, log_of(), statement, settled_at=before)).agrees
        assert not (await found(at, log_of(), statement)).agrees


@pytest.mark.stack
@pytest.mark.parametrize("id_", ["a" * 201, " a", "a\u202eb"], ids=["long", "space", "direction"])
async def test_an_event_whose_id_no_delivery_could_name_is_a_dead_letter_and_no_finding(
    mongo: str, id_: str
) -> None:
    person = new_id()
    happened = [enclosed(event) for event in (*known(person), requested(person), requested(person))]
    unusable = happened[-1]
    happened[-1] = replace(unusable, context=replace(unusable.context, id=id_))
    async with desk(mongo) as at:
        await at.handle(*happened)
        entries = [logged(one, offset) for offset, one in enumerate(happened)]
        in_dead_letters = Log([*entries, dead(entries[-1], GROUP)])
        for statement in ("everyone concerned is notified", "refused events are dead-lettered"):
            assert (await found(at, in_dead_letters, statement)).agrees
        lost = await found(at, Log(entries), "refused events are dead-lettered")
        assert lost.missing == [entries[-1].place]


@pytest.mark.stack
async def test_two_systems_may_give_the_same_id_and_a_refused_record_takes_none(mongo: str) -> None:
    person = new_id()
    one, other = (enclosed(requested(person)) for _ in range(2))
    other = replace(other, context=replace(other.context, id=one.context.id, source="https://other.example"))
    profile = [enclosed(event) for event in known(person)]
    async with desk(mongo) as at:
        await at.handle(*profile, one, other)
        # The first record with this id is refused. Its sender has sent it again, and right.
        wrong = entry_of(raw(TOPIC, b"somebody else", b"{}", to_headers(one.context), offset=9), {})
        entries = [wrong, *(logged(event, offset) for offset, event in enumerate([*profile, one, other]))]
        log = Log([*entries, dead(wrong, GROUP)])
        for statement in ("everyone concerned is notified", "refused events are dead-lettered"):
            check = await found(at, log, statement)
            assert check.agrees, check.examples()
        assert log.contradictions() == []


@pytest.mark.stack
async def test_a_mail_that_the_server_refused_for_good_is_no_loss(mongo: str) -> None:
    person = new_id()
    happened = [enclosed(event) for event in (*known(person), confirmed(person))]
    async with desk(mongo) as at:
        await at.handle(*happened)
        mails = {"channel": "email", "participant_id": person}
        for code, agrees in (("smtp_rejected", True), ("mail_unmakeable", False)):
            await at.database["messages"].update_many({"channel": "inbox"}, {"$set": {"state": "delivered"}})
            await at.database["messages"].update_one(mails, {"$set": {"state": "failed", "code": code}})
            check = await found(at, log_of(*happened), "who has an address gets mail, all an inbox")
            assert check.agrees == agrees
