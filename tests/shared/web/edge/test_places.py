"""A full process leaves room for others, however many networks one customer has."""

import asyncio
from itertools import count

import pytest

from shared.runtime.errors import Overloaded
from shared.web.edge.places import Places, Turn
from shared.web.senders import sender_at


@pytest.mark.parametrize("address", ["2001:db8:2::1", "198.51.100.1"])
async def test_thousands_of_networks_of_one_site_keep_nobody_else_out(address: str) -> None:
    places, numbers = Places(under_way_max=4_000), count()

    def let_in(address: str) -> Turn:
        turn = Turn(1, sender_at(address, ""), places)
        turn.let_in()
        return turn

    waiting = [
        asyncio.create_task(let_in(f"2001:db8:1:{next(numbers):x}::1").begin_work()) for _ in range(4_000)
    ]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        let_in(f"2001:db8:1:{next(numbers):x}::1")
    for _ in range(50):
        let_in(address)
    await asyncio.sleep(0)
    # Each has taken the place of one of the site.
    assert sum(isinstance(task.exception(), Overloaded) for task in waiting if task.done()) >= 50
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
