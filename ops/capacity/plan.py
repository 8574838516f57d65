"""
From the number of participants to processes, partitions, brokers, shards and disk. All functions are pure.

The peak day is a mean day whose attempts come together: its busiest hour has `peak_hour_factor` times what a
mean hour of the week has. All other hours have the rest, but at least a tenth of a mean hour.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ops.capacity.costs import MICRO, Costs
from ops.capacity.day import Autoscaler, Moment, Stage, simulate

HOUR, DAY = 3_600.0, 86_400.0
PEAK_HOUR = 19
QUIET_SHARE = 0.1
# So much of a core, a broker or a shard may be used at the peak. The rest is for what was not foreseen.
BUSY_SHARE = 0.6
REPLICAS = 3
BROKERS_MIN = 3
DISK_SPARE = 1.5
PARTITIONS_MIN = 12
STEP_SECONDS = 5.0
PROCESSES_MAX = 4_096
# So that one of them may fail.
PROCESSES_MIN = 2
QUEUE_ROOM = 1.25
# The search for the least number goes up by one until here, then in steps of a half.
SMALL = 8

REGISTRATION, API, WORKER = "registration", "quiz", "quiz-worker"
# The way of a submission.
WAY = (API, WORKER, "awards", "notifications")
PROCESSES = (REGISTRATION, *WAY)


@dataclass(frozen=True, slots=True)
class Wish:
    """
    What is expected, and what is offered.

    Attributes:
        attempts: how many attempts each participant makes in the whole week.
        results_seconds: a result may take so long on the peak day.
        ramp_seconds: so long before the busiest hour people begin to come. 0: they come all at once.
        broker_cores, shard_cores: of one broker, and of the primary of one shard.
        look_seconds, calm_seconds: as `Autoscaler`.
    """

    participants: float
    days: int
    peak_hour_factor: float
    attempts: float
    results_seconds: float = 30.0
    ramp_seconds: float = 900.0
    broker_cores: float = 4.0
    shard_cores: float = 8.0
    look_seconds: float = 30.0
    calm_seconds: float = 300.0

    @property
    def mean_rate(self) -> float:
        """Attempts a second in a mean hour of the week."""
        return self.participants * self.attempts / (self.days * DAY)

    @property
    def peak_rate(self) -> float:
        """Attempts a second in the busiest hour."""
        return self.mean_rate * self.peak_hour_factor


@dataclass(frozen=True, slots=True)
class Plan:
    """
    What a deployment needs.

    Attributes:
        processes: the least and the most of each kind, for the autoscaler.
        partitions: of the topics on the way of a submission.
        kafka_bytes, mongo_bytes: on each broker, and on each member of a shard, with spare room.
        moments: the simulated peak day, by kind of process.
        age_max: the longest time that a submission waited for its result on the simulated day, in seconds.
    """

    wish: Wish
    processes: Mapping[str, tuple[int, int]]
    partitions: int
    brokers: int
    shards: int
    kafka_bytes: float
    mongo_bytes: float
    moments: Mapping[str, list[Moment]] = field(repr=False)
    age_max: float


def plan(wish: Wish, costs: Costs) -> Plan:
    """
    The smallest deployment with which the simulated peak day is well.

    The least number of processes is raised until results are in time: the autoscaler comes too late for the
    first minutes of a rush.
    """
    most = {name: _most(wish, costs, name) for name in PROCESSES}
    least = dict.fromkeys(PROCESSES, PROCESSES_MIN)
    while True:
        moments = {
            **_simulated(wish, costs, (REGISTRATION,), least, most, share=1 / wish.attempts),
            **_simulated(wish, costs, WAY, least, most),
        }
        late = [name for name in PROCESSES if age_of(moments[name]) > wish.results_seconds / len(WAY)]
        raised = [name for name in late if least[name] < most[name]]
        if not raised:
            break
        for name in raised:
            least[name] = min(
                most[name], least[name] + max(1, least[name] // 2) if least[name] > SMALL else least[name] + 1
            )
    cores = _cores_beside(wish, costs)
    brokers = max(BROKERS_MIN, math.ceil(REPLICAS * cores["kafka"] / (BUSY_SHARE * wish.broker_cores)))
    shards = max(1, math.ceil(cores["mongod"] / (BUSY_SHARE * wish.shard_cores)))
    kafka, mongo = _stored(wish, costs)
    return Plan(
        wish,
        {name: (least[name], most[name]) for name in PROCESSES},
        max(PARTITIONS_MIN, math.ceil(most[WORKER] / PARTITIONS_MIN) * PARTITIONS_MIN),
        brokers,
        shards,
        DISK_SPARE * REPLICAS * kafka / brokers,
        DISK_SPARE * mongo / shards,
        moments,
        sum(age_of(moments[name]) for name in WAY),
    )


def arrivals_of(wish: Wish) -> Callable[[float], float]:
    """The curve of the peak day: attempts a second at a time of the day in seconds."""
    peak = wish.peak_rate
    rest = (24 * wish.mean_rate - peak) / 23
    other = max(QUIET_SHARE * wish.mean_rate, rest)
    begins, ends = PEAK_HOUR * HOUR, (PEAK_HOUR + 1) * HOUR
    ramp = max(1.0, wish.ramp_seconds)

    def arrivals(at: float) -> float:
        outside = max(begins - at, at - ends, 0.0)
        return other + max(0.0, peak - other) * max(0.0, 1 - outside / ramp)

    return arrivals


def age_of(moments: Sequence[Moment]) -> float:
    """The longest wait of an item at a stage, in seconds."""
    return max((moment.age for moment in moments), default=0.0)


def _simulated(
    wish: Wish,
    costs: Costs,
    names: Sequence[str],
    least: Mapping[str, int],
    most: Mapping[str, int],
    *,
    share: float = 1.0,
) -> dict[str, list[Moment]]:
    """The peak day of these processes. `share` of the attempts are theirs."""
    curve = arrivals_of(wish)
    stages = [
        Stage(
            name,
            _cpu_us(costs, name),
            0.0,
            Autoscaler(
                least[name],
                most[name],
                BUSY_SHARE,
                look_seconds=wish.look_seconds,
                start_seconds=costs.start_seconds,
                calm_seconds=wish.calm_seconds,
            ),
        )
        for name in names
    ]
    return simulate(stages, lambda at: share * curve(at), seconds=DAY, step_seconds=STEP_SECONDS)


def _cpu_us(costs: Costs, name: str) -> float:
    return (costs.registration if name == REGISTRATION else costs.attempt).cpu_us[name]


def _most(wish: Wish, costs: Costs, name: str) -> int:
    """Enough for the busiest hour, and a quarter more for what waited until they had started."""
    share = 1 / wish.attempts if name == REGISTRATION else 1.0
    needed = share * wish.peak_rate * _cpu_us(costs, name) / MICRO / BUSY_SHARE
    return min(PROCESSES_MAX, max(PROCESSES_MIN, math.ceil(needed * QUEUE_ROOM)))


def _cores_beside(wish: Wish, costs: Costs) -> dict[str, float]:
    """Cores that Kafka (one copy) and MongoDB (one member) use in the busiest hour."""
    parts = [(costs.registration, 1 / wish.attempts), (costs.attempt, 1.0)]
    return {
        name: wish.peak_rate * sum(part.cpu_us[name] * share for part, share in parts) / MICRO
        for name in ("kafka", "mongod")
    }


def _stored(wish: Wish, costs: Costs) -> tuple[float, float]:
    """Bytes of the whole week, one copy: in Kafka and in MongoDB."""
    parts = [(costs.registration, wish.participants), (costs.attempt, wish.participants * wish.attempts)]
    return (
        sum(part.kafka_bytes * count for part, count in parts),
        sum(part.mongo_bytes * count for part, count in parts),
    )
