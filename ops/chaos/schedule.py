"""
Which faults come, and in which order: computed from a seed, so that a run can be repeated. Pure.

Each kind of fault comes as often as every other one, as far as the number allows, in an order of chance. Two
faults of the same process never follow each other immediately: it would still be coming back.
"""

import random
from collections.abc import Collection, Sequence
from dataclasses import dataclass

KAFKA, MONGO = "kafka", "mongo"
SERVERS = (KAFKA, MONGO)
# Longer than a lease (5 s), and longer than a member's session (10 s) and what the group takes to notice.
SHORT_STOP_SECONDS, LONG_STOP_SECONDS = 6.0, 14.0
CUT_SECONDS, SWALLOWED_SECONDS, DELAYED_SECONDS = 3.0, 4.0, 6.0
CLOCK_SECONDS = 6.0
STALL_SECONDS = 3.0
# Beyond what graders accept of a clock (60 s), and within it; forwards and backwards.
JUMPS_SECONDS = (90.0, -90.0, 4.0, -4.0, 3_600.0)
DOWN_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Fault:
    """
    One fault.

    Attributes:
        kind: one of `KINDS`.
        victims: the processes that suffer it, all at once.
        seconds: how long it lasts; of a kill, how long the process stays down.
        detail: of a crash, its point; of a clock, how far it jumps in seconds; of the network and of a stall,
            which server the process does not reach.
    """

    kind: str
    victims: tuple[str, ...]
    seconds: float
    detail: str = ""

    def __str__(self) -> str:
        words = f"{self.kind} {' + '.join(self.victims)}"
        return f"{words} ({self.detail})" if self.detail else words


@dataclass(frozen=True, slots=True)
class Cast:
    """
    Who can suffer faults here.

    Attributes:
        services: the names of the services' processes.
        servers: the nodes of Kafka and MongoDB. A cluster also has faults that hit the one that leads.
        crash_points: by process, the named places in the code where it can die.
    """

    services: tuple[str, ...]
    servers: tuple[str, ...] = SERVERS
    crash_points: Sequence[tuple[str, str]] = ()

    @property
    def is_cluster(self) -> bool:
        """Whether there is more than one node of Kafka and of MongoDB."""
        return len(self.servers) > len(SERVERS)


KINDS = (
    "kill",
    "stop",
    "long_stop",
    "several",
    "cut",
    "swallow",
    "deaf",
    "delay",
    "clock",
    "disk",
    "stall",
    "crash",
    "leader",
)


def schedule(seed: int, count: int, cast: Cast, only: Collection[str] = ()) -> list[Fault]:
    """
    The faults of a run.

    Args:
        count: how many; all crash points come, even if there are more.
        only: the kinds to choose from; empty: all.

    Raises:
        ValueError: `only` names a kind that there is not.
    """
    if unknown := set(only) - set(KINDS):
        raise ValueError(
            f"no kind of fault is named {', '.join(sorted(unknown))}: choose of {', '.join(KINDS)}"
        )
    chance = random.Random(seed)  # noqa: S311 (no secret)
    kinds = [kind for kind in KINDS if not only or kind in only]
    points = list(cast.crash_points) if "crash" in kinds else []
    chance.shuffle(points)
    chosen = [Fault("crash", (part,), DOWN_SECONDS, point) for part, point in points]
    others = [
        kind
        for kind in kinds
        if kind != "crash" and kind not in (("leader",), (*NET, "stall"))[cast.is_cluster]
    ]
    turns = {kind: _victims_in_turn(kind, cast, chance) for kind in others}
    for number in range(max(0, count - len(chosen)) if others else 0):
        kind = others[number % len(others)]
        chosen.append(turns[kind].next(number // len(others)))
    chance.shuffle(chosen)
    return _apart(chosen)


NET = ("cut", "swallow", "deaf", "delay")
NETWORK_SECONDS = {
    "cut": CUT_SECONDS,
    "swallow": SWALLOWED_SECONDS,
    "deaf": SWALLOWED_SECONDS,
    "delay": DELAYED_SECONDS,
}


@dataclass(slots=True)
class _Turns:
    """Everybody who can suffer a kind of fault does so in turn."""

    kind: str
    victims: list[tuple[str, ...]]
    chance: random.Random

    def next(self, turn: int) -> Fault:
        victims = self.victims[turn % len(self.victims)]
        if self.kind in NET:
            name, server = victims
            return Fault(self.kind, (name,), NETWORK_SECONDS[self.kind], server)
        if self.kind == "stall":
            name, server = victims
            return Fault(self.kind, (name,), STALL_SECONDS, server)
        if self.kind == "clock":
            jump = JUMPS_SECONDS[(turn // len(self.victims) + turn) % len(JUMPS_SECONDS)]
            return Fault(self.kind, victims, CLOCK_SECONDS, f"{jump:+.0f} s")
        if self.kind == "several":
            self.chance.shuffle(self.victims)
        seconds = {"stop": SHORT_STOP_SECONDS, "long_stop": LONG_STOP_SECONDS}
        return Fault(self.kind, victims, seconds.get(self.kind, DOWN_SECONDS))


def _victims_in_turn(kind: str, cast: Cast, chance: random.Random) -> _Turns:
    everybody = [*cast.services, *cast.servers]
    victims: list[tuple[str, ...]]
    if kind == "several":
        victims = [tuple(chance.sample(everybody, min(3, len(everybody)))) for _ in everybody]
    elif kind in NET or kind == "stall":
        victims = [(name, server) for name in cast.services for server in SERVERS]
    elif kind == "clock":
        victims = [(name,) for name in cast.services]
    elif kind == "leader":
        victims = [(KAFKA,), (MONGO,)]
    elif kind == "disk":
        victims = [(name,) for name in cast.servers]
    else:
        victims = [(name,) for name in everybody]
    chance.shuffle(victims)
    return _Turns(kind, victims, chance)


def _apart(faults: Sequence[Fault]) -> list[Fault]:
    """The same faults; where it can be avoided, no two that follow each other have a victim in common."""
    left: list[Fault] = list(faults)
    ordered: list[Fault] = []
    while left:
        last = set(ordered[-1].victims) if ordered else set()
        at = next((n for n, one in enumerate(left) if not last & set(one.victims)), 0)
        ordered.append(left.pop(at))
    return ordered
