"""A ticket that is scanned over and over costs each new scan no more than the first hundreds did."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.registration.check_in.rules import COUNTED_MAX, Scan, admit, counted_at_most, counts
from shared.storage.mongo import Database
from tests.registration.builders import activity, ask, check_in, now_on, own, put, service
from tests.registration.check_in.scenes import scan
from tests.registration.check_in.test_without_network import queued, send
from tests.support.service import ORGANISER

pytestmark = pytest.mark.stack


@st.composite
def scans_in_parts(draw: st.DrawFn) -> list[list[Scan]]:
    """Scans of one ticket, some at once and some noted, in the parts in which they come in."""
    scans = [
        scan(
            number,
            minutes=draw(st.integers(0, 3)),
            asked=draw(st.none() | st.integers(1, 4)),
            waited=(waited := draw(st.booleans())),
            let_in=None if waited else draw(st.booleans()),
        )
        for number in range(draw(st.integers(1, 9)))
    ]
    sizes = draw(st.lists(st.integers(1, 3), min_size=9, max_size=9))
    return [scans[sum(sizes[:part]) : sum(sizes[: part + 1])] for part in range(len(sizes))]


@given(scans_in_parts(), st.integers(1, 5), st.lists(st.booleans(), min_size=9, max_size=9))
def test_scans_that_do_not_count_change_no_verdict(
    parts: list[list[Scan]], places: int, undo: list[bool]
) -> None:
    all_of_them: dict[str, Scan] = {}
    counted: dict[str, Scan] = {}
    for part, undoes in zip(parts, undo, strict=True):
        of_all = admit(places, [*all_of_them.values(), *part])
        of_counted = admit(places, [*filter(counts, counted.values()), *part])
        all_of_them |= {one.scan_id: one for one in of_all}
        counted |= {one.scan_id: one for one in of_counted}
        assert counted == all_of_them
        if part and undoes:
            undone = replace(
                all_of_them[part[0].scan_id], undone_at=part[0].received_at, people=0, conflict=False
            )
            all_of_them[undone.scan_id] = counted[undone.scan_id] = undone


def test_of_too_many_noted_scans_only_those_beyond_are_refused() -> None:
    at_once = scan(0, waited=True, let_in=None)
    noted = [scan(number, minutes=-number) for number in range(1, 5)]
    kept = counted_at_most(COUNTED_MAX - 2, [*noted, at_once])
    assert kept[:2] == noted[:2]
    assert [(one.refusal, one.conflict) for one in kept[2:4]] == [("already_checked_in", True)] * 2
    assert kept[4] == at_once
    assert counted_at_most(0, noted) == noted


async def read_for(client: httpx.AsyncClient, database: Database, ticket: str) -> int:
    """How many scans the service reads for one more scan of this ticket."""
    await database.command({"profile": 2})
    assert (await check_in(client, ticket)).json()["verdict"] == "already_checked_in"
    await database.command({"profile": 0})
    found = {"ns": f"{database.name}.scans", "op": "query"}
    return sum([one["docsExamined"] async for one in database["system.profile"].find(found)])


async def send_all(client: httpx.AsyncClient, scans: Collection[dict[str, object]]) -> list[str]:
    answer = (await send(client, "door-2", *scans)).raise_for_status().json()
    return [one["verdict"] for one in answer["verdicts"]]


async def test_scans_that_let_nobody_in_are_not_read_again(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=5, **now_on()))
        code = (await ask(client, "one")).json()["ticket_code"]
        for start in (0, 90):
            scans = [{"scan_id": f"s-{start + number}", "ticket": code} for number in range(90)]
            body = {"device": "door-1", "scans": scans}
            assert (await client.post("/check-ins/batch", json=body, headers=ORGANISER)).is_success
        assert await read_for(client, database, code) <= 2


async def test_noted_scans_of_one_ticket_are_read_up_to_a_bound(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=5, **now_on()))
        holder = (await ask(client, "one")).json()
        now = datetime.now(UTC)
        scans = [
            # Each of them earlier than those before it.
            queued(f"s-{number}", holder["ticket_code"], now - timedelta(seconds=number))
            for number in range(COUNTED_MAX + 60)
        ]
        verdicts = await send_all(client, scans)
        assert verdicts[-60:] == ["already_checked_in"] * 60
        # Within the bound the earliest one counts, however late it came in.
        assert (await own(client, holder))["status"] == "checked_in"
        assert await database["scans"].count_documents({"people": 1}) == 1
        assert (
            await database["scans"].count_documents({"_id": f"door-2/s-{COUNTED_MAX - 1}", "people": 1}) == 1
        )
        assert await send_all(client, scans[-60:]) == ["already_checked_in"] * 60
        assert await read_for(client, database, holder["ticket_code"]) <= COUNTED_MAX + 2
