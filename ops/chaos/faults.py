"""Carries out one fault after the other, and says what each did."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from ops.chaos.child import Orders
from ops.chaos.proxy import Mode
from ops.chaos.rig import FULL_SECONDS, Rig
from ops.chaos.schedule import DOWN_SECONDS, Fault

# A process that does not come by a place in the code in this time is a fault of the run itself.
NEVER_THERE = "nobody came by"


@dataclass(frozen=True, slots=True)
class Suffered:
    """
    A fault that has been carried out.

    Attributes:
        began_at, ended_at: by `time.time()`.
        note: what it did, if that is not sure beforehand.
        missed: whether it did not happen.
    """

    fault: Fault
    began_at: float
    ended_at: float
    note: str = ""
    missed: bool = False
    # Until everybody was acknowledged again, in seconds; None: nobody was.
    recovered_seconds: float | None = field(default=0.0)


async def carry_out(rig: Rig, fault: Fault) -> Suffered:
    """
    Let a fault happen, and end it. Whoever died is started again.

    Raises:
        StackError: Kafka or MongoDB does not come back.
    """
    acts: Mapping[str, Callable[[Rig, Fault], Awaitable[str]]] = {
        "kill": _kill,
        "several": _kill,
        "leader": _kill_leader,
        "stop": _stop,
        "long_stop": _stop,
        "cut": _cut_off,
        "swallow": _cut_off,
        "deaf": _cut_off,
        "delay": _cut_off,
        "clock": _shift_clock,
        "disk": _fill_disk,
        "stall": _stall,
        "crash": _crash,
    }
    began_at = time.time()
    note = await acts[fault.kind](rig, fault)
    return Suffered(fault, began_at, time.time(), note, missed=note == NEVER_THERE)


async def _kill(rig: Rig, fault: Fault) -> str:
    for name in fault.victims:
        await asyncio.to_thread(rig.kill, name)
    await asyncio.sleep(fault.seconds)
    for name in fault.victims:
        await asyncio.to_thread(rig.start, name)
    return ""


async def _kill_leader(rig: Rig, fault: Fault) -> str:
    leading = await rig.leader(fault.victims[0])
    await _kill(rig, replace(fault, victims=(leading,)))
    return f"{leading} was leading"


async def _stop(rig: Rig, fault: Fault) -> str:
    """The process stands still and keeps its connections; its lease or its session may end meanwhile."""
    try:
        for name in fault.victims:
            rig.signal(name, signal.SIGSTOP)
        await asyncio.sleep(fault.seconds)
    finally:
        for name in fault.victims:
            rig.signal(name, signal.SIGCONT)
    return ""


async def _stall(rig: Rig, fault: Fault) -> str:
    """A process dies while its server stands still: what only it knew of is gone."""
    [name] = fault.victims
    try:
        rig.signal(fault.detail, signal.SIGSTOP)
        await asyncio.sleep(fault.seconds)
        await asyncio.to_thread(rig.kill, name)
    finally:
        rig.signal(fault.detail, signal.SIGCONT)
    await asyncio.to_thread(rig.start, name)
    return ""


async def _cut_off(rig: Rig, fault: Fault) -> str:
    [name] = fault.victims
    proxy = rig.proxies[fault.detail]
    before = proxy.lost, proxy.resets
    with ExitStack() as mend:
        mend.callback(rig.net, fault.detail, Mode.open)
        await asyncio.to_thread(rig.net, fault.detail, Mode(fault.kind), name)
        await asyncio.sleep(fault.seconds)
    return f"{proxy.lost - before[0]} lost, {proxy.resets - before[1]} connections reset"


async def _shift_clock(rig: Rig, fault: Fault) -> str:
    [name] = fault.victims
    with ExitStack() as mend:
        mend.callback(rig.order, name, Orders())
        rig.order(name, Orders(shift_seconds=float(fault.detail.split()[0])))
        await asyncio.sleep(fault.seconds)
    return ""


async def _fill_disk(rig: Rig, fault: Fault) -> str:
    [name] = fault.victims
    with ExitStack() as mend:
        mend.callback(rig.fill_disk(name))
        died = await rig.until_it_dies(name, FULL_SECONDS)
    if not died:
        # It may have stopped to write for good, as Kafka does with the only folder that it has.
        await asyncio.to_thread(rig.kill, name)
    await asyncio.sleep(DOWN_SECONDS)
    await asyncio.to_thread(rig.start, name)
    return "it ended by itself" if died else "it was killed"


async def _crash(rig: Rig, fault: Fault) -> str:
    copies = rig.copies_of(fault.victims[0])
    try:
        for name in copies:
            rig.order(name, Orders(crash_at=fault.detail))
        died = await rig.until_one_dies(copies)
    finally:
        for name in copies:
            rig.order(name, Orders())
    if died is None:
        return NEVER_THERE
    await asyncio.sleep(fault.seconds)
    for name in copies:
        await asyncio.to_thread(rig.start, name)
    return f"{died} died there"
