"""Heavy work is done one at a time and has half of the time, however many ask for it."""

import asyncio
import time
from collections.abc import AsyncIterator

from shared.web.paced import Paced

STEP_SECONDS = 0.02


class Work:
    def __init__(self) -> None:
        self.at_once = self.at_once_max = 0
        self.worked_seconds = 0.0

    async def do(self) -> None:
        self.at_once += 1
        self.at_once_max = max(self.at_once_max, self.at_once)
        began = time.monotonic()
        await asyncio.sleep(STEP_SECONDS)
        self.worked_seconds += time.monotonic() - began
        self.at_once -= 1

    async def file(self) -> AsyncIterator[int]:
        for number in range(3):
            await self.do()
            yield number


async def test_files_are_made_a_piece_at_a_time_and_others_have_half_of_the_time() -> None:
    paced, work = Paced(), Work()
    began = time.monotonic()
    files = await asyncio.gather(*(_whole(paced.pieces(work.file())) for _ in range(5)))
    assert files == [[0, 1, 2]] * 5
    assert work.at_once_max == 1
    # No rest follows the last one.
    assert time.monotonic() - began > 1.8 * (work.worked_seconds - STEP_SECONDS)


async def test_a_client_that_does_not_read_keeps_nobody_waiting() -> None:
    paced, work = Paced(), Work()
    unread = paced.pieces(work.file())
    assert await anext(unread) == 0
    async with asyncio.timeout(5):
        assert await _whole(paced.pieces(work.file())) == [0, 1, 2]


async def _whole(pieces: AsyncIterator[int]) -> list[int]:
    return [piece async for piece in pieces]
