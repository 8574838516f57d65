"""Made-up numbers cannot spend what numbers that somebody has shown to be theirs need to sign in."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from services.notifications.sending.budget import Budget
from tests.notifications.builders import by_phone, code_requested, desk
from tests.notifications.sending.builders import QUICK, turns
from tests.notifications.sending.sms_gateway import open_gateway, sms_courier
from tests.support.kafka import fresh_database
from tests.support.service import new_id

pytestmark = pytest.mark.stack
NOON = datetime(2023, 5, 20, 4, tzinfo=UTC)


async def test_codes_leave_a_quarter_of_the_budget_to_others_and_a_day_begins_anew(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        budget = Budget(database, 100)
        await budget.prepare()
        asked = [budget.spend("codes", 7, NOON) for _ in range(20)]
        assert sum(await asyncio.gather(*asked)) == 75
        assert await budget.left(NOON) == 25
        assert await budget.spend("others", 30, NOON) == 25
        assert await budget.spend("others", 1, NOON) == 0
        await budget.give_back("others", 5, NOON)
        assert await budget.spend("codes", 9, NOON) == 0
        assert await budget.spend("others", 9, NOON) == 5
        # Midnight in Beijing.
        assert await budget.spend("codes", 9, NOON + timedelta(hours=12)) == 9


async def test_first_codes_leave_a_third_of_the_codes_to_numbers_that_were_used_before(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        budget = Budget(database, 100)
        asked = [budget.spend("first_codes", 7, NOON) for _ in range(20)]
        assert sum(await asyncio.gather(*asked)) == 50
        assert await budget.spend("codes", 40, NOON) == 25
        assert await budget.left(NOON) == 25
        await budget.give_back("first_codes", 3, NOON)
        assert await budget.spend("first_codes", 9, NOON) == 3
        assert await budget.spend("others", 40, NOON) == 25


async def test_codes_that_others_have_spent_are_no_more_there_for_first_codes(mongo: str) -> None:
    async with fresh_database(mongo) as database:
        budget = Budget(database, 100)
        assert await budget.spend("codes", 70, NOON) == 70
        assert await budget.spend("first_codes", 40, NOON) == 5


async def test_after_thousands_of_made_up_numbers_one_that_was_used_before_gets_its_code(mongo: str) -> None:
    strangers, known = [new_id() for _ in range(30)], new_id()
    async with desk(mongo, QUICK, sends_sms=True) as at, open_gateway() as gateway:
        await at.handle(*by_phone(*strangers, known))
        await at.handle(*[code_requested(person, by_phone=True) for person in strangers])
        courier = sms_courier(at, gateway, parts_max=20)
        await turns(courier)
        # A quarter is for other messages, and a third of the rest for numbers that were used before.
        sent = [await at.states(person, "sms") for person in strangers].count(["delivered"])
        assert 0 < sent <= 10
        await at.handle(code_requested(known, by_phone=True, round=2))
        await turns(courier)
        await courier.aclose()
        assert await at.states(known, "sms") == ["delivered"]
