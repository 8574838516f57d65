"""Requests of the framework leave time to all others, however many there are and whatever they wait for."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from fastapi import FastAPI

from shared.runtime.fair_queue import Sender
from shared.web.edge.limits import Limits
from shared.web.edge.places import AT_WORK_MAX, PLACE_SECONDS_MAX, Turn
from shared.web.edge.turns import FIRST, OTHERS, Turns
from shared.web.hot import HotRequest, HotRoute
from shared.web.identity import AsOrganiser, AsParticipant
from shared.web.organiser_keys import KEY_CHARS
from tests.support.service import token_of
from tests.support.waiting import eventually
from tests.support.web import bare_app, port_of, serving

STEP_SECONDS = 0.01
# Behind a flood of these tests a request would wait for 5 s and more, on a loaded machine for longer.
QUICK_SECONDS = 3.0
# Nobody can guess it. A shorter key waits as everybody: otherwise a wait would show that it is right.
LONG_KEY = "k" * KEY_CHARS
RUDE, KIND = (
    b"Authorization: Bearer %b\r\n" % token_of(participant_id).encode() for participant_id in ("rude", "kind")
)
GET = b"GET %b HTTP/1.1\r\nHost: x\r\n%b\r\n"


def compute(seconds: float = STEP_SECONDS) -> None:
    """Work that gives the event loop to nobody."""
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends:
        pass


@dataclass
class Served:
    port: int
    app: FastAPI
    open: asyncio.Event = field(default_factory=asyncio.Event)
    begun: int = 0
    kept: list[asyncio.StreamWriter] = field(default_factory=list)

    async def send(self, *requests: bytes, source: str = "127.0.0.1") -> asyncio.StreamReader:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(source, 0))
        self.kept.append(writer)
        writer.write(b"".join(requests))
        return reader

    async def flood(self, *of_each: bytes) -> list[asyncio.StreamReader]:
        """Send what each of so many connections sends. First all are open: to open one takes a turn."""
        opened = [await asyncio.open_connection("127.0.0.1", self.port) for _ in of_each]
        for (_, writer), requests in zip(opened, of_each, strict=True):
            self.kept.append(writer)
            writer.write(requests)
        await asyncio.sleep(0)
        return [reader for reader, _ in opened]

    async def seconds_of(self, path: bytes, header: bytes = b"", source: str = "127.0.0.1") -> float:
        """How long one request takes, on a connection of its own. The answer is 200."""
        began = time.perf_counter()
        reader = await self.send(GET % (path, header), source=source)
        async with asyncio.timeout(10):
            assert (await reader.read(12)).endswith(b"200")
        return time.perf_counter() - began


@asynccontextmanager
async def served(limits: Limits | None = None) -> AsyncIterator[Served]:
    async def hot(_: HotRequest) -> tuple[int, bytes]:
        # As a request that looks into the database a few times.
        for _query in range(5):
            await asyncio.sleep(0.001)
        return 200, b"{}"

    app = bare_app(HotRoute("GET", "/hot", hot), organiser_key=LONG_KEY, limits=limits)

    @app.get("/computes")
    async def computes() -> None:
        at.begun += 1
        # When a test is over, the server still answers what has come: thousands.
        if not at.open.is_set():
            compute()

    @app.get("/mine")
    async def mine(who: AsParticipant) -> None:
        await computes()

    @app.get("/rests")
    async def rests() -> None:
        at.begun += 1
        await asyncio.sleep(PLACE_SECONDS_MAX / 2)

    @app.get("/waits")
    async def waits() -> None:
        await at.open.wait()

    @app.get("/organisers", dependencies=[AsOrganiser])
    async def organisers() -> None:
        """Ask for this with a key."""

    @app.get("/organisers/computed", dependencies=[AsOrganiser])
    async def computed() -> None:
        await computes()

    async with serving(app) as server:
        at = Served(port_of(server), app)
        try:
            yield at
        finally:
            at.open.set()
            for writer in at.kept:
                writer.close()


@pytest.mark.parametrize("path", [b"/hot", b"/hot?", b"/health"])
async def test_thousands_of_requests_of_the_framework_delay_neither_hot_ones_nor_health(path: bytes) -> None:
    async with served() as at:
        # Five seconds of work for each round of all connections, and ten rounds.
        await at.flood(*[GET % (b"/computes", b"") * 10] * 500)
        await eventually(lambda: at.begun)
        assert max([await at.seconds_of(path) for _ in range(5)]) < QUICK_SECONDS
        # Meanwhile the others are answered too.
        await eventually(lambda: at.begun > 5)


async def test_one_connection_has_one_turn_whatever_it_sends() -> None:
    async with served() as at:
        await at.send(GET % (b"/computes", b"") * 90)
        await eventually(lambda: at.begun)
        await at.seconds_of(b"/computes")
        # Half of them still wait.
        assert at.begun < 45


async def test_a_participant_does_not_wait_behind_the_thousands_of_another() -> None:
    async with served() as at:
        await at.flood(*[GET % (b"/mine", RUDE) * 10] * 500)
        await eventually(lambda: at.begun)
        for _ in range(3):
            # Theirs are 5 s of work for each round of all connections. Each has at most some places in front.
            assert await at.seconds_of(b"/mine", KIND) < QUICK_SECONDS
            # Who has no token is not behind them either.
            assert await at.seconds_of(b"/computes") < QUICK_SECONDS


async def test_tokens_that_somebody_makes_up_are_not_many_senders() -> None:
    async with served() as at:
        headers = [b"Authorization: Bearer made-up-%d\r\n" % number for number in range(500)]
        await at.flood(*[GET % (b"/computes", header) * 10 for header in headers])
        await eventually(lambda: at.begun)
        # Of the same network. All of theirs are one line, and this is another.
        assert await at.seconds_of(b"/mine", KIND) < QUICK_SECONDS


@pytest.mark.parametrize(
    ("header", "source"),
    [
        (b"", "127.0.0.9"),
        (KIND, "127.0.0.1"),
        (b"X-Organiser-Key: %b\r\n" % LONG_KEY.encode(), "127.0.0.1"),
    ],
    ids=["another network", "a participant of the same network", "an organiser"],
)
async def test_a_full_process_refuses_those_of_who_has_most_and_not_who_comes(
    header: bytes, source: str
) -> None:
    async with served(Limits(framework_under_way_max=4 * AT_WORK_MAX)) as at:
        answers = await at.flood(*[GET % (b"/rests", b"")] * 20 * AT_WORK_MAX)
        await eventually(lambda: at.begun)
        for _ in range(5):
            await at.seconds_of(b"/rests", header, source)
        statuses = [(await answer.read(12))[-3:] for answer in answers]
    assert set(statuses) == {b"200", b"503"}
    # Each of the five has taken the place of one at most.
    assert statuses.count(b"200") >= 4 * AT_WORK_MAX - 5


async def test_organisers_do_not_wait_behind_everybody() -> None:
    async with served() as at:
        await at.flood(*[GET % (b"/computes", b"") * 10] * 500)
        await eventually(lambda: at.begun)
        key = b"X-Organiser-Key: %b\r\n" % LONG_KEY.encode()
        assert await at.seconds_of(b"/organisers", key) < QUICK_SECONDS


@pytest.mark.parametrize("path", [b"/hot?", b"/metrics"])
async def test_organisers_and_doors_do_not_wait_behind_what_anybody_may_send_first(path: bytes) -> None:
    async with served() as at:
        await at.flood(*[GET % (path, b"") * 20] * 300)
        key = b"X-Organiser-Key: %b\r\n" % LONG_KEY.encode()
        for _ in range(3):
            assert await at.seconds_of(b"/organisers", key) < QUICK_SECONDS


async def test_organisers_do_not_keep_all_others_out() -> None:
    async with served() as at:
        key = b"X-Organiser-Key: %b\r\n" % LONG_KEY.encode()
        await at.flood(*[GET % (b"/organisers/computed", key) * 10] * 500)
        await eventually(lambda: at.begun)
        assert await at.seconds_of(b"/computes") < QUICK_SECONDS


async def test_who_waits_for_something_else_keeps_no_place() -> None:
    async with served() as at:
        for _ in range(5 * AT_WORK_MAX):
            await at.send(GET % (b"/waits", b""))
        # Otherwise for ever.
        assert await at.seconds_of(b"/computes") < 5


async def test_nothing_is_done_for_those_who_have_left() -> None:
    async with served() as at:
        # Five seconds of work.
        await at.flood(*[GET % (b"/computes", b"")] * 500)
        await eventually(lambda: at.begun)
        for writer in at.kept:
            writer.transport.abort()
        await eventually(lambda: not at.app.state.connections.open)
        await at.seconds_of(b"/computes")
        assert at.begun < 250


@pytest.mark.parametrize("begins", [True, False], ids=["its turn", "its place"])
async def test_who_is_cancelled_while_it_waits_takes_nothing_from_the_next(begins: bool) -> None:
    turns = Turns(round_seconds=STEP_SECONDS, at_work_max=1)
    ended: list[int] = []

    async def work(number: int, turn: Turn) -> None:
        if not begins:
            await turn.begin_work()
        try:
            for _ in range(3):
                compute()
                await asyncio.sleep(0)
        finally:
            ended.append(number)

    async def by_turns(number: int) -> None:
        turn = turns.turn(OTHERS, Sender())
        await turns.by_turns(turn, work(number, turn))

    tasks = [asyncio.create_task(by_turns(number)) for number in range(5)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    tasks[3].cancel()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(one, asyncio.CancelledError) for one in done] == [False, True, False, True, False]
    assert {0, 2, 4} <= set(ended)


SOMEBODY = Sender("127.0.0.1")


async def test_in_one_turn_of_the_loop_the_framework_makes_no_more_steps_than_a_round_has_time_for() -> None:
    turns, steps = Turns(round_seconds=STEP_SECONDS / 2), 0

    async def request() -> None:
        nonlocal steps
        for _ in range(5):
            steps += 1
            compute()
            await asyncio.sleep(0)

    requests = [
        asyncio.create_task(turns.by_turns(turns.turn(OTHERS, SOMEBODY), request())) for _ in range(8)
    ]
    most = 0
    while not all(one.done() for one in requests):
        before = steps
        await asyncio.sleep(0)
        most = max(most, steps - before)
    assert steps == 40
    assert most == 1


@pytest.mark.parametrize("rank", [FIRST, OTHERS])
async def test_few_requests_are_at_work_at_the_same_time(rank: int) -> None:
    turns, at_work, most = Turns(), 0, 0

    async def request(turn: Turn) -> None:
        nonlocal at_work, most
        await turn.begin_work()
        at_work += 1
        most = max(most, at_work)
        for _ in range(5):
            await asyncio.sleep(0)
        at_work -= 1
        turn.end_work()

    await asyncio.gather(
        *(turns.by_turns(turn, request(turn)) for turn in [turns.turn(rank, SOMEBODY) for _ in range(50)])
    )
    assert most == AT_WORK_MAX
