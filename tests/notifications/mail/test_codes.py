"""Mails with codes: the only ones to contacts that nobody has verified, and never many of them."""

from datetime import UTC, datetime, timedelta

import pytest

from services.notifications.mail.code_limit import CodeLimit
from tests.notifications.builders import address_of, code_requested, confirmed, joined, keyed, locked
from tests.notifications.mail.builders import at_work, courier, turns
from tests.support.kafka import fresh_database
from tests.support.service import new_id

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
        assert await at.states(person) == ["delivered"] * 2
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


async def test_a_mailbox_gets_one_unasked_code_an_hour_from_however_many_strangers(mongo: str) -> None:
    strangers = [new_id() for _ in range(6)]
    async with at_work(mongo) as (at, office):
        for number, person in enumerate(strangers):
            sealed = locked(person, email=f"victim+{number}@example.org")
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


async def test_a_mailbox_gets_one_code_an_hour_and_three_a_day(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        limits = [CodeLimit(database, "secret"), CodeLimit(database, "secret")]
        minutes = range(0, 60 * 30, 10)
        sent = [
            minute
            for number, minute in enumerate(minutes)
            if await limits[number % 2].admit(
                "Li+x@example.org" if number % 3 else LI, f"m-{minute}", 1, NOON + timedelta(minutes=minute)
            )
        ]
        assert sent == [0, 60, 120, 24 * 60, 25 * 60, 26 * 60]
        stored = await database["mail_codes"].find().to_list(None)
        assert "example" not in str(stored)


async def test_a_used_code_begins_a_new_bound_and_an_old_round_does_not(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        limit = CodeLimit(database, "secret")
        assert await limit.admit(LI, "m-1", 1, NOON)
        assert not await limit.admit(LI, "m-2", 1, NOON)
        assert await limit.admit(LI, "m-3", 2, NOON)
        assert not await limit.admit(LI, "m-4", 1, NOON)
        assert await limit.admit("wang@example.org", "m-5", 1, NOON)


async def test_a_mail_that_is_tried_again_waits_for_nothing_but_others(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        limit = CodeLimit(database, "secret")
        assert await limit.admit(LI, "m-1", 1, NOON)
        assert await limit.admit(LI, "m-1", 1, NOON + HOUR / 2)
        # It was tried again half an hour ago, so another one is too early.
        assert not await limit.admit(LI, "m-2", 1, NOON + HOUR)
        assert await limit.admit(LI, "m-2", 1, NOON + 2 * HOUR)
        assert not await limit.admit(LI, "m-1", 1, NOON + 2 * HOUR)
