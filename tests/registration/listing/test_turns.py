"""Lists, files and statistics over real HTTP: organisers' keys take turns, and each has few under way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from ops.deployment.organisers import add
from services.registration.app import assemble
from services.registration.listing.lists import Lists
from services.registration.statistics.count import Counting
from shared.runtime.fair_queue import Sender
from shared.web.paced import OF_ONE_MAX, Paced
from tests.registration.builders import activity, ask, put, settings
from tests.support import databases
from tests.support.service import ANSWER_SECONDS_MAX, code_of
from tests.support.waiting import eventually
from tests.support.web import port_of, serving

pytestmark = pytest.mark.stack

LIST = "/sessions/one/registrations"
EXPORT = f"{LIST}/export"
OTHERS = 3
PRESS, TOWN = "press", "town"


@asynccontextmanager
async def week(mongo: str, folder: Path) -> AsyncIterator[tuple[FastAPI, "Desks"]]:
    """A served registration with some activities, and two viewers' keys."""
    file = folder / "organisers.json"
    keys = {name: add(file, name, "viewer", datetime.now(UTC)) for name in (PRESS, TOWN)}
    of = settings(mongo=mongo, organiser_keys_file=file)
    async with AsyncExitStack() as stack:
        stack.callback(databases.give_back, of.mongo, type(of).__name__, of.database)
        app = assemble(of)
        server = await stack.enter_async_context(serving(app))
        client = await stack.enter_async_context(
            httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{port_of(server)}",
                timeout=ANSWER_SECONDS_MAX,
                limits=httpx.Limits(max_connections=100),
            )
        )
        for number in range(OF_ONE_MAX + OTHERS):
            await put(
                client, f"street-{number}", activity(f"other-{number}" if number else "one", capacity=9)
            )
        await ask(client, "one")
        yield app, Desks(client, keys)


class Desks:
    """
    Organisers who ask.

    Attributes:
        answered: whose requests were answered with 200, in this order.
    """

    def __init__(self, client: httpx.AsyncClient, keys: dict[str, str]) -> None:
        self._client = client
        self._keys = keys
        self.answered: list[str] = []

    async def ask(self, who: str, path: str) -> httpx.Response:
        answer = await self._client.get(path, headers={"X-Organiser-Key": self._keys[who]})
        if answer.is_success:
            self.answered.append(who)
        return answer

    async def ask_for_all(self, who: str, paths: list[str]) -> list[asyncio.Task[httpx.Response]]:
        """Ask for more than one key may, while nothing is answered; returns those that wait."""
        asked = [asyncio.create_task(self.ask(who, path)) for path in paths]
        refused = len(paths) - OF_ONE_MAX
        await eventually(lambda: sum(one.done() for one in asked) == refused)
        for one in asked:
            if one.done():
                assert code_of(one.result()) == (503, "overloaded")
                assert one.result().headers["retry-after"]
        return [one for one in asked if not one.done()]


async def answers(*waiting: asyncio.Task[httpx.Response]) -> set[int]:
    return {(await one).status_code for one in waiting}


def line_of(app: FastAPI, what: str) -> Paced:
    provided: Any = app.state.provided
    paced: Paced = provided[Counting]._once._paced if what == "statistics" else provided[Lists]._paced
    return paced


@pytest.mark.parametrize("what", ["pages", "files", "statistics"])
async def test_a_key_keeps_another_one_waiting_for_one_turn_and_not_for_all_of_its_own(
    mongo: str, tmp_path: Path, what: str
) -> None:
    many = OF_ONE_MAX + OTHERS
    paths = {
        "pages": [LIST] * many,
        "files": [EXPORT] * many,
        "statistics": [f"/activities/street-{number}/statistics" for number in range(many)],
    }[what]
    async with week(mongo, tmp_path) as (app, desks):
        async with line_of(app, what).turn("somebody"):
            press = await desks.ask_for_all(PRESS, paths)
            town = await desks.ask_for_all(TOWN, list(reversed(paths)))
        assert await answers(*press, *town) == {200}
        # By turns, although the first eight were there before the others.
        first = desks.answered[:OF_ONE_MAX]
        assert abs(first.count(PRESS) - first.count(TOWN)) <= 2
        # Nothing is under way any more.
        assert await answers(*[asyncio.create_task(desks.ask(PRESS, path)) for path in paths[:3]]) == {200}


async def test_a_file_whose_client_goes_away_is_not_under_way_any_more(mongo: str, tmp_path: Path) -> None:
    async with week(mongo, tmp_path) as (app, desks):
        async with line_of(app, "files").turn("somebody"):
            for gone in await desks.ask_for_all(PRESS, [EXPORT] * (OF_ONE_MAX + 1)):
                gone.cancel()
            # Their places are free although nobody had a turn since.
            await eventually(lambda: not line_of(app, "files")._under_way[Sender(PRESS)])
            again = await desks.ask_for_all(PRESS, [EXPORT] * (OF_ONE_MAX + 1))
        assert await answers(*again) == {200}
