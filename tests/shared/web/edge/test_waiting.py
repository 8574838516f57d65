"""Who has the process wait takes nothing from others: half requests, unread answers, silent connections."""

import asyncio

import pytest

from shared.runtime.errors import NotAuthenticated
from shared.web.edge.limits import Limits
from shared.web.edge.waiting import Waiting
from shared.web.hot import HotRequest, HotRoute
from tests.shared.web.edge.held import BOTH, FRAMEWORK, HOT, LARGE_BYTES, Served, post, refusal, served
from tests.support.service import ORGANISER_KEY
from tests.support.waiting import eventually
from tests.support.web import bare_app, port_of, serving

BODY = b"x" * 50_000
FEW_BYTES = Limits(bodies_bytes_max=400_000, unfinished_bytes_max=200_000)
# Nothing is young, and nothing ends because it took long.
NOBODY_IS_YOUNG = Limits(connections_max=3, young_seconds=-1.0, sweep_seconds=0.05)


async def half_sent(at: Served, path: str, body: bytes = BODY) -> asyncio.StreamReader:
    reader, writer = await at.connect()
    writer.write(post(path, body=body)[:-1])
    await writer.drain()
    return reader


async def answered(at: Served, path: str) -> bytes:
    """What a client gets whose head and body come separately, as many libraries send them."""
    reader, writer = await at.connect()
    head, _, body = post(path, body=b"hello").partition(b"\r\n\r\n")
    writer.write(head + b"\r\n\r\n")
    await writer.drain()
    await asyncio.sleep(0)
    writer.write(body)
    answer = await reader.read(12)
    writer.close()
    return answer


@BOTH
@pytest.mark.parametrize("attacked", [HOT, FRAMEWORK])
async def test_bodies_that_do_not_end_give_way_and_others_are_answered(attacked: str, path: str) -> None:
    async with served(FEW_BYTES) as at:
        halves = []
        for _ in range(20):
            halves.append(await half_sent(at, attacked))
            assert await answered(at, path) == b"HTTP/1.1 202"
        # They are told, and their connections end.
        assert refusal(await halves[0].read()) == (503, "overloaded")
        assert at.app.state.bodies.bytes <= 400_000
        assert at.app.state.connections.unfinished.bytes <= 200_000


@BOTH
async def test_of_half_bodies_the_largest_give_way_and_of_equal_ones_the_oldest(path: str) -> None:
    async with served(FEW_BYTES) as at:
        small = await half_sent(at, path, b"x" * 500)
        first = await half_sent(at, path)
        await half_sent(at, path)
        for _ in range(3):
            await half_sent(at, path)
        assert refusal(await first.read()) == (503, "overloaded")
        small_ended = asyncio.create_task(small.read())
        await half_sent(at, path)
        await asyncio.sleep(0)
        assert not small_ended.done()
        small_ended.cancel()


@BOTH
async def test_a_complete_request_never_gives_way(path: str) -> None:
    async with served(FEW_BYTES) as at:
        at.open.clear()
        reader, writer = await at.connect()
        writer.write(post(path, body=BODY))
        await eventually(lambda: at.read)
        halves = [await half_sent(at, path) for _ in range(20)]
        assert refusal(await halves[0].read()) == (503, "overloaded")
        at.open.set()
        assert await reader.read(12) == b"HTTP/1.1 202"
        writer.close()


async def test_a_large_body_of_an_organiser_does_not_give_way() -> None:
    async with served(FEW_BYTES) as at:
        reader, writer = await at.connect()
        body = b'["' + b"x" * 150_000 + b'"]'
        request = (
            b"PUT /organisers HTTP/1.1\r\nHost: x\r\nX-Organiser-Key: %b\r\nContent-Length: %d\r\n\r\n%b"
            % (ORGANISER_KEY.encode(), len(body), body)
        )
        writer.write(request[:-1])
        await eventually(lambda: at.app.state.bodies.bytes >= 150_000)
        halves = [await half_sent(at, HOT) for _ in range(10)]
        assert refusal(await halves[0].read()) == (503, "overloaded")
        writer.write(request[-1:])
        assert await reader.read(12) == b"HTTP/1.1 200"
        writer.close()


async def test_half_heads_give_way() -> None:
    async with served(FEW_BYTES) as at:
        head = b"GET /health HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 20_000
        held = []
        for _ in range(15):
            reader, writer = await at.connect()
            writer.write(head)
            await writer.drain()
            held.append(reader)
        assert refusal(await held[0].read()) == (503, "overloaded")
        assert at.app.state.connections.unfinished.bytes <= 200_000


async def test_half_bodies_take_no_place_among_requests_under_way() -> None:
    async with served(Limits(framework_under_way_max=1)) as at:
        reader, writer = await at.connect()
        head = b"PUT /organisers HTTP/1.1\r\nHost: x\r\nX-Organiser-Key: %b\r\nContent-Length: 2\r\n\r\n"
        writer.write(head % ORGANISER_KEY.encode())
        await eventually(lambda: at.app.state.connections.unfinished.bytes)
        again, again_writer = await at.connect()
        again_writer.write(head % ORGANISER_KEY.encode() + b"[]")
        assert await again.read(12) == b"HTTP/1.1 200"
        writer.write(b"[]")
        assert await reader.read(12) == b"HTTP/1.1 200"


async def test_whoever_reads_no_answers_gives_way_to_others() -> None:
    # What the system buffers for a connection does not count, and it may buffer little. The newcomer
    # stays, so one answer may be more than the bound.
    async with served(Limits(unread_bytes_max=200_000)) as at:
        for _ in range(8):
            _, writer = await at.connect()
            writer.write(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n" * 3)
        await eventually(lambda: len(at.app.state.connections.open) <= 3)
        assert 0 < at.app.state.connections.unread.bytes <= 200_000 + LARGE_BYTES


async def test_connections_without_a_request_give_way_and_those_that_are_answered_do_not() -> None:
    async with served(NOBODY_IS_YOUNG) as at:
        at.open.clear()
        working, working_writer = await at.connect()
        working_writer.write(post(HOT))
        await eventually(lambda: at.read)
        idle, idle_writer = await at.connect()
        idle_writer.write(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        await idle.readuntil(b"}}")
        silent, _ = await at.connect()
        await eventually(lambda: len(at.app.state.connections.open) == 3)
        for gives_way in (silent, idle):
            another, another_writer = await at.connect()
            another_writer.write(post(HOT))
            assert await gives_way.read() == b""
        # All three wait for their answers now.
        await eventually(lambda: len(at.read) == 3)
        refused, _ = await at.connect()
        assert refusal(await refused.read()) == (503, "overloaded")
        at.open.set()
        assert await working.read(12) == b"HTTP/1.1 202"
        assert await another.read(12) == b"HTTP/1.1 202"


async def test_of_young_connections_only_the_one_that_is_silent_longest_gives_way() -> None:
    async with served(Limits(connections_max=3, young_seconds=3_600)) as at:
        idle, idle_writer = await at.connect()
        idle_writer.write(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        await idle.readuntil(b"}}")
        half = await half_sent(at, HOT)
        await eventually(lambda: at.app.state.connections.unfinished.bytes > len(BODY))
        silent, _ = await at.connect()
        await eventually(lambda: len(at.app.state.connections.open) == 3)
        another, another_writer = await at.connect()
        another_writer.write(post(HOT))
        assert await silent.read() == b""
        assert await another.read(12) == b"HTTP/1.1 202"
        # The others have asked. All four are young.
        refused, _ = await at.connect()
        assert refusal(await refused.read()) == (503, "overloaded")
        idle_writer.write(post(HOT))
        assert await idle.read(12) == b"HTTP/1.1 202"
        assert not half.at_eof()


async def test_a_half_request_gives_way_to_a_connection() -> None:
    async with served(NOBODY_IS_YOUNG) as at:
        halves = [await half_sent(at, path) for path in (HOT, FRAMEWORK, HOT)]
        await eventually(lambda: at.app.state.connections.unfinished.bytes > 3 * len(BODY))
        another, writer = await at.connect()
        writer.write(post(HOT))
        assert await another.read(12) == b"HTTP/1.1 202"
        ended, others = await asyncio.wait(
            [asyncio.create_task(half.read()) for half in halves], return_when=asyncio.FIRST_COMPLETED
        )
        assert [refusal(one.result()) for one in ended] == [(503, "overloaded")]
        for other in others:
            other.cancel()


class Held:
    def __init__(self, waiting: Waiting) -> None:
        self.waiting = waiting
        self.evicted = 0

    def evict(self) -> bool:
        self.evicted += 1
        # As a connection does whose other requests go on.
        self.waiting.hold(self, 1)
        return True


def test_one_that_holds_less_while_it_ends_ends_no_others() -> None:
    waiting = Waiting(1_000)
    held = [Held(waiting) for _ in range(12)]
    for one in held:
        waiting.hold(one, 100)
    assert [one.evicted for one in held] == [1, 1, 1] + [0] * 9
    assert waiting.bytes == 900


async def test_the_token_is_checked_once_and_before_the_body() -> None:
    checked: list[str] = []

    def who(id_: str, authorization: bytes) -> str:
        checked.append(id_)
        if authorization != b"Bearer good":
            raise NotAuthenticated("no", code="token_invalid")
        return "wang"

    async def answer(request: HotRequest) -> tuple[int, bytes]:
        return 202, f'"{request.who}:{request.body.decode()}"'.encode()

    app = bare_app(HotRoute("POST", "/hot/{name}", answer, who=who))
    async with serving(app) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
        bad, good = (
            post("/hot/a", b"Authorization: Bearer " + token, body=b"hello") for token in (b"x", b"good")
        )
        writer.write(bad[:-2])
        answer_to_bad = await reader.readuntil(b"}")
        assert refusal(answer_to_bad) == (401, "token_invalid")
        assert app.state.bodies.bytes == 0
        # The rest of the refused body is dropped, and the connection goes on.
        writer.write(bad[-2:] + good[:-2])
        await eventually(lambda: len(checked) == 2)
        writer.write(good[-2:-1])
        await asyncio.sleep(0)
        writer.write(good[-1:])
        assert (await reader.readuntil(b'o"')).endswith(b'"wang:hello"')
        assert checked == ["a", "a"]
        # In one piece it is left to the answer.
        writer.write(good)
        assert (await reader.readuntil(b'o"')).endswith(b'"None:hello"')
        writer.close()
