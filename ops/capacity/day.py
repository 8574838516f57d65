"""
A day of a deployment, simulated in steps of some seconds. All functions are pure.

People come by a curve. Each stage has a queue, and processes that work it off. An autoscaler looks now and
then and starts or ends processes; a started one works after a delay. Stages can also share the cores of one
machine, as on a laptop or in the bench.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

# A process of ours is one Python interpreter: it uses one core.
CORES_EACH = 1.0


@dataclass(frozen=True, slots=True)
class Autoscaler:
    """
    Starts and ends processes of one stage. Times are in seconds.

    Attributes:
        least, most: the bounds of the number of processes.
        busy_share: it wants so many that each is busy for this share of its time.
        queue_seconds: beside that, so many that the queue is worked off in this time.
        look_seconds: it looks so often.
        start_seconds: from its decision until a new process works.
        calm_seconds: fewer are wanted for so long before it ends some.
    """

    least: int = 1
    most: int = 1
    busy_share: float = 0.6
    queue_seconds: float = 60.0
    look_seconds: float = 30.0
    start_seconds: float = 20.0
    calm_seconds: float = 300.0


@dataclass(frozen=True, slots=True)
class Stage:
    """
    One kind of process.

    Attributes:
        cpu_us: CPU of one process for one item.
        beside_us: CPU of Kafka and MongoDB for one item. It matters only where all share one machine.
    """

    name: str
    cpu_us: float
    beside_us: float
    autoscaler: Autoscaler


@dataclass(slots=True)
class Moment:
    """What is seen of a stage at the end of one step. `age` is how long its oldest item waits, in seconds."""

    at: float
    arrived: float
    done: float
    waiting: float
    age: float
    processes: int


@dataclass(slots=True)
class _Running:
    stage: Stage
    processes: int
    coming: list[tuple[float, int]] = field(default_factory=list)
    waiting: float = 0.0
    arrived: float = 0.0
    done: float = 0.0
    calm_since: float | None = None
    # The time and the total arrived until then: the age of the oldest item follows from it.
    history: list[tuple[float, float]] = field(default_factory=lambda: [(0.0, 0.0)])
    oldest: int = 0

    @property
    def each_second(self) -> float:
        return self.processes * CORES_EACH * 1e6 / self.stage.cpu_us


def simulate(
    stages: Sequence[Stage],
    arrivals: Callable[[float], float],
    *,
    seconds: float,
    step_seconds: float = 1.0,
    cores: float | None = None,
) -> dict[str, list[Moment]]:
    """
    Let people come, and let each stage hand on to the next one.

    Args:
        arrivals: people a second at a time in seconds.
        seconds: how long.
        cores: of the one machine that all share; None if each process has its own core.

    Returns: what is seen of each stage, by its name.
    """
    running = [_Running(stage, stage.autoscaler.least) for stage in stages]
    seen: dict[str, list[Moment]] = {stage.name: [] for stage in stages}
    for number in range(math.ceil(seconds / step_seconds)):
        at = number * step_seconds
        coming = arrivals(at) * step_seconds
        shares = _shares(running, coming, step_seconds, cores)
        for one, share in zip(running, shares, strict=True):
            _scale(one, at, coming / step_seconds, step_seconds)
            one.arrived += coming
            one.waiting += coming
            arrived = coming
            coming = min(one.waiting, one.each_second * step_seconds * share)
            one.waiting -= coming
            one.done += coming
            one.history.append((at + step_seconds, one.arrived))
            seen[one.stage.name].append(
                Moment(
                    at + step_seconds,
                    arrived,
                    coming,
                    one.waiting,
                    _age(one, at + step_seconds),
                    one.processes,
                )
            )
    return seen


def _shares(
    running: Sequence[_Running], coming: float, step_seconds: float, cores: float | None
) -> list[float]:
    """Which share of what each stage could do it gets, where all share one machine."""
    if cores is None:
        return [1.0] * len(running)
    wanted = []
    for one in running:
        items = min(one.waiting + coming, one.each_second * step_seconds)
        wanted.append(items * (one.stage.cpu_us + one.stage.beside_us) / 1e6)
        coming = items
    share = min(1.0, cores * step_seconds / max(sum(wanted), 1e-9))
    return [share] * len(running)


def _scale(one: _Running, at: float, rate: float, step_seconds: float) -> None:
    scaler = one.stage.autoscaler
    ready = sum(count for when, count in one.coming if when <= at)
    one.processes += ready
    one.coming = [(when, count) for when, count in one.coming if when > at]
    if at % scaler.look_seconds >= step_seconds:
        return
    needed = (rate + one.waiting / scaler.queue_seconds) * one.stage.cpu_us / 1e6 / CORES_EACH
    wanted = min(scaler.most, max(scaler.least, math.ceil(needed / scaler.busy_share - 1e-9)))
    known = one.processes + sum(count for _, count in one.coming)
    if wanted > known:
        one.coming.append((at + scaler.start_seconds, wanted - known))
    if wanted >= known:
        one.calm_since = None
    elif one.calm_since is None:
        one.calm_since = at
    elif at - one.calm_since >= scaler.calm_seconds:
        one.processes = max(wanted, 1)
        one.calm_since = None


def _age(one: _Running, now: float) -> float:
    """How long the oldest item waits: since the moment at which as many had arrived as are done now."""
    if one.waiting < 1e-6:
        return 0.0
    while one.oldest + 1 < len(one.history) and one.history[one.oldest + 1][1] <= one.done:
        one.oldest += 1
    return now - one.history[one.oldest][0]
