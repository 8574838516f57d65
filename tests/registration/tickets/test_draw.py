"""A picture that many ask for is drawn once, and one picture at a time."""

import asyncio
import threading
import time

import pytest

from services.registration.tickets.draw import DRAWN_MAX, Drawings


class Pen:
    """Notes what it draws, and in how many threads at once."""

    def __init__(self) -> None:
        self.drawn: list[str] = []
        self.at_once_max = self._at_once = 0
        self._lock = threading.Lock()

    def draw(self, what: str) -> bytes:
        with self._lock:
            self._at_once += 1
            self.at_once_max = max(self.at_once_max, self._at_once)
        time.sleep(0.002)
        with self._lock:
            self._at_once -= 1
            self.drawn.append(what)
        return what.encode()


async def test_a_ticket_that_is_asked_for_again_and_again_is_drawn_once() -> None:
    pen, drawings = Pen(), Drawings()
    draw = pen.draw
    assert await asyncio.gather(*(drawings.draw(draw, "mine") for _ in range(50))) == [b"mine"] * 50
    assert await drawings.draw(draw, "yours") == b"yours"
    assert pen.drawn == ["mine", "yours"]


async def test_tickets_of_many_are_drawn_one_at_a_time_and_the_last_are_remembered() -> None:
    pen, drawings = Pen(), Drawings()
    draw = pen.draw
    await asyncio.gather(*(drawings.draw(draw, f"{number}") for number in range(DRAWN_MAX + 1)))
    assert pen.at_once_max == 1
    await drawings.draw(draw, f"{DRAWN_MAX}")
    assert len(pen.drawn) == DRAWN_MAX + 1
    await drawings.draw(draw, "0")
    assert len(pen.drawn) == DRAWN_MAX + 2


async def test_who_goes_away_takes_the_picture_from_nobody() -> None:
    drawings = Drawings()
    draw = Pen().draw
    gone, stays = (asyncio.create_task(drawings.draw(draw, "ours")) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    assert await stays == b"ours"
    with pytest.raises(asyncio.CancelledError):
        await gone
