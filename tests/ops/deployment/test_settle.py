"""A week is at rest when nothing is due. Mails that wait for another day are counted, and not waited for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from ops.deployment.databases import Databases
from ops.deployment.settle import NotAtRest, told_now_and_then, wait_until_settled, words_of
from shared.runtime import clock
from tests.support.kafka import fresh_database

pytestmark = pytest.mark.stack


def mail(state: str, due_in_seconds: float | None = None, **fields: Any) -> dict[str, Any]:
    document = {"_id": str(uuid4()), "channel": "email", "state": state} | fields
    if due_in_seconds is not None:
        document["due_at"] = clock.now() + timedelta(seconds=due_in_seconds)
    return document


@asynccontextmanager
async def week(mongo: str, *mails: dict[str, Any]) -> AsyncIterator[Databases]:
    async with fresh_database(mongo) as database:
        await database["messages"].insert_many(mails)
        yield Databases(database, database, database, database)


async def test_mails_that_wait_for_another_day_are_counted_and_not_waited_for(mongo: str) -> None:
    waiting = [mail("pending", 7_200, code="too_many_mails") for _ in range(9)]
    async with week(mongo, *waiting, mail("waiting_contact"), mail("delivered"), mail("failed")) as databases:
        put_off = await wait_until_settled("no-kafka", databases, seconds=60, groups=())
    assert put_off == {"too_many_mails": 9, "waiting_contact": 1}
    assert words_of(put_off) == (
        "10 mails wait for later, as they should: 9 too_many_mails, 1 waiting_contact"
    )
    assert words_of({}) == ""


async def test_hundreds_of_deferred_mails_are_at_rest_whenever_they_are_due(mongo: str) -> None:
    deferred = [mail("pending", seconds, code="smtp_deferred") for seconds in range(-100, 200)]
    tried = [mail("claimed", 60, code="smtp_deferred") for _ in range(5)]
    async with week(mongo, *deferred, *tried) as databases:
        put_off = await wait_until_settled("no-kafka", databases, seconds=60, groups=())
    assert put_off == {"smtp_deferred": 305}


async def test_what_is_waited_for_is_said_at_once_and_now_and_then(mongo: str) -> None:
    said: list[str] = []
    async with week(mongo, mail("pending", 0)) as databases:
        with pytest.raises(NotAtRest):
            await wait_until_settled(
                "no-kafka", databases, told_now_and_then(said.append), seconds=1.5, groups=()
            )
    assert said == [
        "waiting for 0 events unread, 0 unpublished, 1 mails to deliver, 0 quizzes to grade again"
    ]


async def test_a_correction_that_is_under_way_is_waited_for(mongo: str) -> None:
    async with week(mongo, mail("delivered")) as databases:
        await databases.quiz["quizzes"].insert_many([{"regrading": {"correction": 1}}, {"regrading": None}])
        with pytest.raises(NotAtRest, match="correcting=1"):
            await wait_until_settled("no-kafka", databases, seconds=0.1, groups=())


@pytest.mark.parametrize("due", [mail("pending", 0), mail("claimed", 60)])
async def test_a_mail_that_is_due_or_under_way_is_waited_for(mongo: str, due: dict[str, Any]) -> None:
    async with week(mongo, due) as databases:
        with pytest.raises(NotAtRest, match="undelivered=1"):
            await wait_until_settled("no-kafka", databases, seconds=0.1, groups=())
