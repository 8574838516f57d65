"""What reading costs this process: memory, and how long the event loop stands still."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

LOOK_SECONDS = 0.01


def peak_kb(*, forget: bool = False) -> int:
    """The most memory that this process had; `forget` begins anew from what it has now."""
    if forget:
        Path("/proc/self/clear_refs").write_text("5")
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line]
    return int(line.split()[1])


@dataclass
class Costs:
    """What was used since the beginning; `loop_seconds` is the longest time without a turn for others."""

    peak_mb: float = 0.0
    loop_seconds: float = 0.0


@asynccontextmanager
async def costing() -> AsyncIterator[Costs]:
    """What the block costs, known at its end."""
    costs = Costs()

    async def look() -> None:
        while True:
            # In this process's own time: others of this machine may be busy.
            before = time.process_time()
            await asyncio.sleep(LOOK_SECONDS)
            costs.loop_seconds = max(costs.loop_seconds, time.process_time() - before)

    before_kb = peak_kb(forget=True)
    looking = asyncio.create_task(look())
    try:
        yield costs
    finally:
        looking.cancel()
        costs.peak_mb = (peak_kb() - before_kb) / 1024
