"""Mails that cannot be composed fail alone."""

from datetime import UTC, datetime

import pytest

from services.notifications.contacts.rules import Preferences
from shared.contracts import sealing
from shared.contracts.events import NotificationFailed
from tests.notifications.builders import (
    TICKET,
    address_of,
    confirmed,
    desk,
    joined,
    key_of,
    keyed,
    known,
    locked,
)
from tests.notifications.sending.builders import QUICK, at_work, courier, sending, until_all, until_settled
from tests.notifications.sending.post_office import PostOffice, open_office
from tests.support.service import new_id

pytestmark = pytest.mark.stack


async def test_no_address_and_mails_turned_off_are_no_failures_and_an_unreadable_contact_is(
    mongo: str,
) -> None:
    nameless, quiet, unreadable, broken = new_id(), new_id(), new_id(), new_id()
    foreign_key = sealing.new_key()
    async with at_work(mongo) as (at, office):
        await at.handle(
            *known(nameless, contact_sealed=locked(nameless, email=None)),
            *known(quiet),
            *known(unreadable, contact_sealed=locked(unreadable, key=foreign_key)),
            *known(broken, contact_sealed="AAAA"),
        )
        await at.contacts.choose(quiet, Preferences(email=False), issued_at=0)
        await at.handle(*[confirmed(person) for person in (nameless, quiet, unreadable, broken)])
        async with sending(courier(at, office)):
            await until_all(at, "skipped", 2)
            await until_all(at, "failed", 2)
        codes = {person: (await at.messages(person))[0]["code"] for person in (nameless, quiet, unreadable)}
        told = await at.published(NotificationFailed.topic)
    assert codes == {nameless: "no_address", quiet: "email_off", unreadable: "contact_unreadable"}
    assert len(told) == 2
    assert office.mails == []


async def test_contacts_that_cannot_be_opened_fail_one_by_one_and_stop_nobody_elses_mail(mongo: str) -> None:
    broken, fine = [new_id() for _ in range(60)], [new_id() for _ in range(5)]
    foreign_private, foreign_public = sealing.new_key_pair()
    async with at_work(mongo) as (at, office):
        await at.handle(*known(*broken[:30], contact_sealed=locked("other")), *known(*fine))
        # Keys that were sealed for somebody else, too.
        await at.handle(*[joined(person) for person in broken[30:]])
        foreign_key = sealing.seal_key(key_of("x"), foreign_public)
        await at.handle(*[keyed(person, key_sealed=foreign_key) for person in broken[30:]])
        await at.handle(*[confirmed(person) for person in broken + fine])
        async with sending(courier(at, office)):
            await until_all(at, "delivered", 5)
            await until_all(at, "failed", 60)
        codes = {(await at.messages(person))[0]["code"] for person in broken}
        assert len(await at.published(NotificationFailed.topic)) == 60
    assert codes == {"contact_unreadable", "key_unreadable"}
    assert foreign_private


async def test_a_mail_that_cannot_be_made_fails_alone_and_costs_the_others_no_try(mongo: str) -> None:
    odd, strange, late, fine = new_id(), new_id(), new_id(), [new_id() for _ in range(10)]
    async with at_work(mongo) as (at, office):
        await at.handle(
            *known(odd, strange, late, *fine), *[confirmed(person) for person in (odd, strange, late, *fine)]
        )
        # As an older or a newer version may have stored them.
        mails = at.database["messages"]
        await mails.update_one(
            {"participant_id": odd, "channel": "email"}, {"$set": {"facts.starts_at": "tomorrow"}}
        )
        await mails.update_one(
            {"participant_id": strange, "channel": "email"},
            {"$set": {"kind": "unheard_of", "cause.id": "two\u2028lines"}},
        )
        await mails.update_one(
            {"participant_id": late, "channel": "email"},
            {"$set": {"created_at": datetime(9999, 12, 31, 20, tzinfo=UTC)}},
        )
        async with sending(courier(at, office)):
            await until_all(at, "delivered", 10)
            await until_all(at, "failed", 3)
        assert {(await at.messages(person))[0]["code"] for person in (odd, strange, late)} == {
            "mail_unmakeable"
        }
        assert {(await at.messages(person))[0]["attempts"] for person in fine} == {1}
        # What no event can name is not told; the others are.
        assert len(await at.published(NotificationFailed.topic)) == 2


async def test_a_message_or_contact_that_cannot_be_read_stops_nobody_elses_mail(mongo: str) -> None:
    torn, bare, fine = new_id(), new_id(), [new_id() for _ in range(5)]
    async with at_work(mongo) as (at, office):
        await at.handle(*known(torn, bare, *fine), *[confirmed(person) for person in (torn, bare, *fine)])
        await at.database["messages"].update_many({"participant_id": torn}, {"$unset": {"cause": ""}})
        await at.database["contacts"].replace_one({"_id": bare}, {})
        async with sending(courier(at, office)):
            await until_all(at, "delivered", 5)
            await until_settled(at)
        assert (await at.messages(torn))[0]["code"] == "message_unreadable"
        assert (await at.messages(bare))[0]["code"] == "no_address"
        assert {(await at.messages(person))[0]["attempts"] for person in fine} == {1}


async def test_a_session_in_the_year_9999_stops_no_mail(mongo: str) -> None:
    person = new_id()
    async with at_work(mongo) as (at, office):
        await at.handle(*known(person), confirmed(person))
        end = datetime(9999, 12, 31, 20, tzinfo=UTC)
        await at.database["messages"].update_many({}, {"$set": {"facts.starts_at": end}})
        async with sending(courier(at, office)):
            await until_all(at, "delivered", 1)
        assert "另行通知" in office.of(address_of(person))[0].get_content()


async def test_a_mail_holds_the_ticket_that_the_event_had_locked(mongo: str) -> None:
    person = new_id()
    async with at_work(mongo) as (at, office):
        await at.handle(*known(person), confirmed(person))
        async with sending(courier(at, office)):
            await until_all(at, "delivered", 1)
        assert TICKET in office.of(address_of(person))[0].get_content()


async def test_a_key_destroyed_before_the_mail_leaves_stops_it(mongo: str) -> None:
    person = new_id()
    async with at_work(mongo) as (at, office):
        await at.handle(*known(person), confirmed(person))
        await at.handle(keyed(person, version=2, key_sealed=None))
        async with sending(courier(at, office)):
            await until_all(at, "cancelled", 1)
    assert office.mails == []


async def test_an_address_in_chinese_is_written_as_such_where_the_server_can_and_fails_alone_where_not(
    mongo: str,
) -> None:
    person, domain, fine = new_id(), new_id(), new_id()
    for utf8 in (True, False):
        async with desk(mongo, QUICK) as at, open_office(PostOffice(utf8=utf8)) as office:
            await at.handle(*known(person, contact_sealed=locked(person, email="王小明@example.org")))
            await at.handle(
                *known(domain, contact_sealed=locked(domain, email="xiaoming@例子.cn")), *known(fine)
            )
            await at.handle(*[confirmed(one) for one in (person, domain, fine)])
            async with sending(courier(at, office)):
                await until_all(at, "delivered", 3 if utf8 else 2)
                await until_settled(at)
            to = {to for to, _ in office.mails}
            [document] = await at.messages(person)
        assert {"xiaoming@xn--fsqu00a.cn", address_of(fine)} < to | {""}
        assert ("王小明@example.org" in to) is utf8
        assert document.get("code") == (None if utf8 else "address_needs_smtputf8")
