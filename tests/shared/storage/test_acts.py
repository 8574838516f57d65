"""The log of acts in MongoDB."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from shared.runtime.acting import Act
from shared.storage.acts import ACT_DAYS_KEPT, ActStore
from shared.storage.mongo import Database
from tests.support.kafka import fresh_database

pytestmark = pytest.mark.stack

NOW = datetime(2027, 5, 20, 9, tzinfo=UTC)


@pytest.fixture
async def database(mongo: str) -> AsyncIterator[Database]:
    async with fresh_database(mongo) as database:
        yield database


@pytest.fixture
async def acts(database: Database) -> ActStore:
    store = ActStore(database)
    await store.prepare()
    return store


def act(number: int, who: str = "east-gate", **changes: object) -> Act:
    fields: dict[str, object] = {
        "act_id": f"act-{number}",
        "at": NOW + timedelta(seconds=number),
        "who": who,
        "role": "door",
        "method": "POST",
        "route": "/check-ins",
        "ids": {"session_id": "opening"},
        "correlation_id": "a-request",
    }
    return Act(**(fields | changes))  # type: ignore[arg-type]


async def test_an_act_is_found_as_it_was_begun_noted_and_ended(acts: ActStore) -> None:
    await acts.begin(act(1))
    assert await acts.page(None, None, None, 10) == [act(1)]
    await acts.note("act-1", {"people": 3, "reason": "evacuation"})
    await acts.end("act-1", 409, "session_full")
    assert await acts.page(None, None, None, 10) == [
        act(1, details={"people": 3, "reason": "evacuation"}, status=409, code="session_full")
    ]


async def test_acts_are_found_latest_first_page_after_page_by_name_and_since(acts: ActStore) -> None:
    for number in range(6):
        await acts.begin(act(number, who="east-gate" if number % 2 else "owner"))
    # Two of the same moment.
    await acts.begin(act(9, at=NOW + timedelta(seconds=5)))
    seen: list[str] = []
    before: tuple[datetime, str] | None = None
    while page := await acts.page(None, None, before, 2):
        seen += [one.act_id for one in page]
        before = page[-1].at, page[-1].act_id
    assert seen == ["act-9", "act-5", "act-4", "act-3", "act-2", "act-1", "act-0"]
    assert [one.act_id for one in await acts.page("owner", None, None, 10)] == ["act-4", "act-2", "act-0"]
    since = NOW + timedelta(seconds=2)
    assert [one.act_id for one in await acts.page("owner", since, None, 10)] == ["act-4", "act-2"]
    last = act(4).at, "act-4"
    assert [one.act_id for one in await acts.page("owner", since, last, 10)] == ["act-2"]


async def test_an_outcome_that_cannot_be_kept_spoils_no_answer(database: Database) -> None:
    await database.drop_collection("acts")
    database.client.close()
    await ActStore(database).end("act-1", 200, None)


async def test_acts_are_deleted_by_the_server_in_the_end(acts: ActStore, database: Database) -> None:
    indexes = await database["acts"].index_information()
    assert [one["expireAfterSeconds"] for one in indexes.values() if "expireAfterSeconds" in one] == [
        ACT_DAYS_KEPT * 86_400
    ]
