"""Mails with codes: the only ones to contacts that nobody has verified, and never many of them."""

from datetime import UTC, datetime, timedelta

import pytest

from services.notifications.contacts.rules import Preferences
from services.notifications.messages.rules import RetryPolicy
from services.notifications.sending.code_limit import CODES_PER_DAY_MAX, DAY, CodeLimit
from tests.notifications.builders import (
    NAME,
    address_of,
    code_requested,
    confirmed,
    contact_changed,
    erased,
    joined,
    keyed,
    locked,
)
from tests.notifications.sending.builders import at_work, courier, one_turn, turns
from tests.support.kafka import fresh_database
from tests.support.service import new_id
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack
NOON = datetime(2023, 5, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
LI = "li@example.org"


async def test_an_unverified_contact_gets_the_code_alone_and_the_rest_once_it_is_verified(mongo: str) -> None:
    person = new_id()
    async with at_work(mongo) as (at, office):
        # In any order: the code's mail waits for the key.
        await at.handle(code_requested(person), confirmed(person))
        await at.handle(keyed(person), joined(person, verified=False))
        sender = courier(at, office)
        await turns(sender)
        [(to, mail)] = office.mails
        body = mail.get_content()
        assert (to, "7K3Q-M0R9" in body) == (address_of(person), True)
        assert sorted(await at.states(person)) == ["delivered", "waiting_contact"]
        assert len(await at.messages(person, "inbox")) == 1
        await at.handle(joined(person, version=2, verified=True))
        await turns(sender)
        await eventually(lambda: at.states(person), lambda states: states == ["delivered"] * 2)
        await sender.aclose()


async def test_the_mail_with_the_code_has_a_fixed_text_without_the_name(mongo: str) -> None:
    one, other = new_id(), new_id()
    async with at_work(mongo) as (at, office):
        named = {one: "王无忌", other: "请访问我们的网站"}
        for person, name in named.items():
            sealed = locked(person, name=name)
            await at.handle(keyed(person), joined(person, verified=False, contact_sealed=sealed))
            await at.handle(code_requested(person, expires_at=NOON.replace(year=2090)))
        sender = courier(at, office)
        await turns(sender)
        await sender.aclose()
        texts = [mail.get_content() for _, mail in office.mails]
        assert len(texts) == 2
        assert texts[0] == texts[1]


@pytest.mark.parametrize("address", ["victim@example.org", "victim+{}@example.org"])
async def test_a_mailbox_gets_one_unasked_code_an_hour_from_however_many_strangers(
    mongo: str, address: str
) -> None:
    strangers = [new_id() for _ in range(9)]
    async with at_work(mongo) as (at, office):
        for number, person in enumerate(strangers):
            sealed = locked(person, email=address.format(number))
            await at.handle(keyed(person), joined(person, verified=False, contact_sealed=sealed))
            await at.handle(code_requested(person), code_requested(person), confirmed(person))
        sender = courier(at, office)
        await turns(sender)
        await sender.aclose()
        assert len(office.mails) == 1
        outcomes = [
            (message["state"], message.get("code"))
            for person in strangers
            for message in await at.messages(person)
            if message["kind"] == "participant_code"
        ]
        assert sorted(set(outcomes), key=str) == [("delivered", None), ("skipped", "code_sent_before")]


async def test_a_code_that_an_erasure_has_cancelled_keeps_no_other_one_back(mongo: str) -> None:
    stranger, victim = new_id(), new_id()
    address = "victim@example.org"
    async with at_work(mongo, RetryPolicy()) as (at, office):
        # As servers do that list senders grey: the first mail is to come again in some minutes.
        office.replies[address] = ["450 greylisted", "250 OK"]
        for person in (stranger, victim):
            sealed = locked(person, email=address)
            await at.handle(keyed(person), joined(person, verified=False, contact_sealed=sealed))
        await at.handle(code_requested(stranger))
        sender = courier(at, office)
        await one_turn(sender)
        assert await at.states(stranger) == ["pending"]
        await at.handle(erased(stranger))
        await at.handle(code_requested(victim))
        await one_turn(sender)
        assert await at.states(victim) == ["delivered"]
        assert [to for to, _ in office.mails] == [address]


async def test_a_code_goes_to_a_new_contact_and_no_code_goes_after_its_end(mongo: str) -> None:
    person = new_id()
    async with at_work(mongo) as (at, office):
        await at.handle(keyed(person), joined(person))
        new = locked(person, email="new@example.org")
        over = code_requested(person, expires_at=datetime.now(UTC) - HOUR)
        await at.handle(code_requested(person, contact_locked=new), over)
        sender = courier(at, office)
        await turns(sender)
        await sender.aclose()
        assert [to for to, _ in office.mails] == ["new@example.org"]
        codes = {message.get("code") for message in await at.messages(person)}
        assert codes == {None, "code_expired"}


async def test_the_reader_of_a_contact_from_before_is_told_whatever_the_new_one_is(mongo: str) -> None:
    person, late = new_id(), new_id()
    async with at_work(mongo) as (at, office):
        new = locked(person, email="new@example.org")
        await at.handle(keyed(person), joined(person, contact_sealed=new, language="en"))
        await at.contacts.choose(person, Preferences(email=False), issued_at=0)
        await at.handle(contact_changed(person), confirmed(person))
        # The event comes before the participant is known.
        await at.handle(contact_changed(late, contact_locked=locked(late, email="old@example.org")))
        await at.handle(keyed(late), joined(late))
        sender = courier(at, office)
        await turns(sender)
        await sender.aclose()
        assert sorted(to for to, _ in office.mails) == ["before@example.org", "old@example.org"]
        for _, mail in office.mails:
            assert "联系方式已更改" in str(mail.get("subject"))
            body = mail.get_content()
            assert NAME not in body
            assert "example.org" not in body


async def admits(limit: CodeLimit, address: str, id_: str, round_: int, now: datetime) -> bool:
    return await limit.admit(address, id_, round_, now + 2 * DAY, now)


async def test_an_address_gets_one_code_an_hour_and_three_a_day(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        limits = [CodeLimit(database, "secret"), CodeLimit(database, "secret")]
        minutes = range(0, 60 * 30, 10)
        sent = [
            minute
            for number, minute in enumerate(minutes)
            if await admits(limits[number % 2], LI, f"m-{minute}", 1, NOON + timedelta(minutes=minute))
        ]
        assert sent == [0, 60, 120, 24 * 60, 25 * 60, 26 * 60]
        stored = await database["mail_codes"].find().to_list(None)
        assert "example" not in str(stored)


async def test_a_used_code_begins_a_new_bound_and_an_old_round_does_not(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        limit = CodeLimit(database, "secret")
        assert await admits(limit, LI, "m-1", 1, NOON)
        assert not await admits(limit, LI, "m-2", 1, NOON)
        assert await admits(limit, LI, "m-3", 2, NOON)
        assert not await admits(limit, LI, "m-4", 1, NOON)
        assert await admits(limit, "wang@example.org", "m-5", 1, NOON)


async def test_all_spellings_of_a_mailbox_have_one_bound(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        limit = CodeLimit(database, "secret")
        spellings = ["li+1@example.org", LI, "Li@example.org", "li+2@example.org", "LI@example.org"]
        assert await admits(limit, spellings[0], "m-0", 1, NOON)
        for spelling in spellings:
            assert not await admits(limit, spelling, spelling, 1, NOON + HOUR / 2)
        others = enumerate(spellings[1:], 1)
        admitted = [await admits(limit, one, one, 1, NOON + HOUR * number) for number, one in others]
        assert admitted == [True] * (CODES_PER_DAY_MAX - 1) + [False] * 2
        # What was wanted does not count: a code was used.
        assert await admits(limit, LI, "m-5", 2, NOON + HOUR * 5)


async def test_codes_that_are_not_good_any_more_keep_the_next_one_back_for_an_hour_only(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        limit = CodeLimit(database, "secret")
        end = NOON + HOUR * CODES_PER_DAY_MAX
        for number in range(CODES_PER_DAY_MAX):
            assert await limit.admit(LI, f"m-{number}", 1, end, NOON + HOUR * number)
        assert not await limit.admit(LI, "m-3", 1, end + DAY, end - HOUR / 4)
        assert await limit.admit(LI, "m-4", 1, end + DAY, end)


async def test_a_mail_that_the_server_did_not_take_is_taken_back(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        limit = CodeLimit(database, "secret")
        assert await admits(limit, LI, "m-1", 1, NOON)
        await limit.take_back(LI, "m-1")
        assert await admits(limit, LI, "m-2", 1, NOON)
        await limit.take_back(LI, "m-1")
        assert not await admits(limit, LI, "m-3", 1, NOON)


async def test_a_mail_that_is_tried_again_waits_for_nothing_but_others(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        limit = CodeLimit(database, "secret")
        assert await admits(limit, LI, "m-1", 1, NOON)
        assert await admits(limit, LI, "m-1", 1, NOON + HOUR / 2)
        # It was tried again half an hour ago, so another one is too early.
        assert not await admits(limit, LI, "m-2", 1, NOON + HOUR)
        assert await admits(limit, LI, "m-2", 1, NOON + 2 * HOUR)
        assert not await admits(limit, LI, "m-1", 1, NOON + 2 * HOUR)
