"""An address gets a limited number of mails a day."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from services.notifications.sending.daily_limit import DailyLimit
from services.notifications.sending.rules import RECIPIENTS_PER_ADDRESS_MAX, SPREAD, day_of, next_day
from shared.contracts.events import NotificationFailed
from shared.runtime import clock
from tests.notifications.builders import address_of, confirmed, joined, known, locked
from tests.notifications.sending.builders import (
    all_in,
    at_work,
    courier,
    sending,
    turns,
    until_all,
    until_none_is_due,
)
from tests.support.kafka import fresh_database
from tests.support.service import new_id

pytestmark = pytest.mark.stack


async def test_an_address_gets_so_many_mails_a_day_and_no_more(mongo: str) -> None:
    people = [new_id() for _ in range(8)]
    async with at_work(mongo) as (at, office):
        await at.handle(*known(*people[:7], contact_sealed=None), *known(people[7]))
        for version, address in ((2, "bombed@example.org"), (3, "Bombed@example.org")):
            for person in people[:7]:
                shared = locked(person, email=address)
                await at.handle(joined(person, version=version, contact_sealed=shared))
            await at.handle(*[confirmed(person) for person in people])
            async with sending(courier(at, office, per_day_max=5)):
                await until_none_is_due(at)
        over = [one for person in people for one in await at.messages(person) if one["state"] != "delivered"]
        counts = await at.database["mail_counts"].find().to_list(None)
    assert len(office.mails) == 5 + 2
    assert len(over) == 2 + 7
    # It is our bound and no fault of theirs: it costs no try.
    waits = {(one["state"], one["code"], one["attempts"]) for one in over}
    assert waits == {("pending", "too_many_mails", 0)}
    # Not all at once.
    due = [one["due_at"] for one in over]
    assert next_day(clock.now()) <= min(due) < max(due) <= next_day(clock.now()) + SPREAD
    assert len(set(due)) == len(due)
    assert "example" not in str(counts)


async def test_strangers_with_somebodys_address_do_not_silence_who_was_known_there_before_today(
    mongo: str,
) -> None:
    known_there, strangers = new_id(), [new_id() for _ in range(7)]
    address = address_of(known_there)
    async with at_work(mongo) as (at, office):
        by_hand = courier(at, office, per_day_max=5)
        await at.handle(*known(known_there), confirmed(known_there))
        await turns(by_hand)
        # As if a night had passed.
        yesterday = (day_of(clock.now()) - timedelta(days=1)).isoformat()
        await at.database["mail_recipients"].update_many({}, {"$set": {"first.$[].since": yesterday}})
        await at.database["mail_counts"].delete_many({})
        for stranger in strangers:
            await at.handle(*known(stranger, contact_sealed=locked(stranger, email=address)))
        await at.handle(*[confirmed(stranger) for stranger in strangers])
        await turns(by_hand)
        assert len(office.of(address)) == 1 + 5
        await at.handle(*[confirmed(known_there) for _ in range(6)])
        await turns(by_hand)
        states = Counter(await at.states(known_there))
        stored = str(await at.database["mail_recipients"].find().to_list(None))
        await by_hand.aclose()
    # Their own allowance, and no more than that.
    assert states == {"delivered": 1 + 5, "pending": 1}
    assert len(office.of(address)) == 1 + 5 + 5
    assert address not in stored
    assert known_there not in stored


async def test_the_places_of_an_address_are_few_and_kept_by_those_who_came_first(mongo: str) -> None:
    people = [new_id() for _ in range(RECIPIENTS_PER_ADDRESS_MAX + 3)]
    async with fresh_database(mongo) as database:
        limit = DailyLimit(database, "secret", 15)
        await limit.prepare()
        first = clock.now()
        for day in range(3):
            now = first + timedelta(days=day)
            places = [place for person in people for place in await limit.admit([("a@b.cn", person)], now)]
            await limit.count_sent([(place, True) for place in places if place is not None], now)
        [document] = await database["mail_recipients"].find().to_list(None)
        assert len(document["first"]) == RECIPIENTS_PER_ADDRESS_MAX
        counts = {place.count_id for place in places if place is not None}
        # One each for those who came first, and one for all others.
        assert len(counts) == RECIPIENTS_PER_ADDRESS_MAX + 1
        again = await limit.admit([("A@b.cn", people[0])] * 16, now)
        assert [place is not None for place in again] == [True] * 14 + [False] * 2


async def test_mails_that_are_being_sent_at_the_same_time_do_not_get_the_same_place(mongo: str) -> None:
    now = clock.now()
    async with fresh_database(mongo) as database:
        limit = DailyLimit(database, "secret", 3)
        both = await asyncio.gather(*[limit.admit([("a@b.cn", new_id())] * 2, now) for _ in range(2)])
        places = [place for admitted in both for place in admitted if place is not None]
        assert len(places) == 3
        # One was not taken: its place is free again. The others are counted.
        await limit.count_sent(list(zip(places, (True, True, False), strict=True)), now)
        again = await limit.admit([("a@b.cn", new_id())] * 2, now)
        assert [place is not None for place in again] == [True, False]


async def test_mails_beyond_a_days_number_leave_on_the_next_day(mongo: str) -> None:
    person = new_id()
    async with at_work(mongo) as (at, office):
        await at.handle(*known(person), *[confirmed(person) for _ in range(3)])
        by_hand = courier(at, office, per_day_max=2)
        await turns(by_hand)
        assert await all_in(at, "delivered", 2)
        # As if a night had passed: the counts are a day old, and the mail is due.
        await at.database["mail_counts"].delete_many({})
        await at.database["messages"].update_many({"state": "pending"}, {"$set": {"due_at": clock.now()}})
        await turns(by_hand)
        await by_hand.aclose()
        assert await all_in(at, "delivered", 3)


async def test_a_mail_beyond_a_days_number_whose_time_ends_before_the_next_has_failed(mongo: str) -> None:
    person = new_id()
    async with at_work(mongo) as (at, office):
        await at.handle(*known(person), *[confirmed(person) for _ in range(2)])
        ends_at = next_day(clock.now())
        await at.database["messages"].update_many({"channel": "email"}, {"$set": {"expires_at": ends_at}})
        async with sending(courier(at, office, per_day_max=1)):
            await until_all(at, "failed", 1)
        [document] = [one for one in await at.messages(person) if one["state"] == "failed"]
        [told] = await at.published(NotificationFailed.topic)
    assert (document["code"], document["attempts"]) == ("too_many_mails", 0)
    event = NotificationFailed.model_validate_json(told)
    assert (event.code, event.attempts) == ("too_many_mails", 0)


async def test_mails_that_the_server_defers_or_refuses_do_not_count_against_a_days_number(mongo: str) -> None:
    full, gone = new_id(), new_id()
    async with at_work(mongo) as (at, office):
        office.replies[address_of(full)] = ["452 mailbox full"] * 10 + ["250 OK"]
        office.replies[address_of(gone)] = ["550 no such mailbox"]
        await at.handle(*known(full, gone), *[confirmed(person) for person in (full, full, gone)])
        async with sending(courier(at, office, per_day_max=3)):
            await until_all(at, "failed", 1)
            await until_all(at, "delivered", 2)
        counts = await at.database["mail_counts"].find().to_list(None)
    assert office.asked[address_of(full)] == 12
    assert [one["mails"] for one in counts] == [2]
