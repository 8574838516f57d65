"""Scale-out: intake by 1, 2 and 4 processes of the API, grading by 1, 2 and 4 workers."""

import time
from contextlib import ExitStack

from confluent_kafka import ConsumerGroupState
from confluent_kafka.admin import AdminClient

from bench import preload
from bench.bench import Bench, clean, failures, latency_figures
from bench.errors import BenchError
from bench.lines.intake import CONNECTIONS, write_requests
from bench.load.client import Plan
from bench.measure import Meter, microseconds_each
from bench.preload import Commits
from bench.report import Outcome

TITLE = "the same work by 1, 2 and 4 processes"
COPIES = (1, 2, 4)
GROUP, TOPIC = "quiz-grading", "quiz.submitted"
JOINED_SECONDS_MAX = 60.0
GRADED_SECONDS_MAX = 120.0


def run(bench: Bench) -> Outcome:
    """Measure the line."""
    outcome = Outcome("scale", TITLE)
    apis, workers = bench.size((COPIES, COPIES), (COPIES[:2], COPIES[1:2]))
    with clean(bench):
        # From few to many: a worker that leaves keeps its partitions until its session ends.
        for round_ in range(bench.rounds):
            with ExitStack() as stack:
                for copies in apis:
                    bench.tell(f"intake by {copies}, run {round_ + 1} of {bench.rounds}")
                    _start(bench, "quiz", copies, stack)
                    outcome.add(f"{copies}", _intake(bench, copies, f"{round_}-{copies}", outcome))
        for round_ in range(bench.rounds):
            with ExitStack() as stack:
                for copies in workers:
                    bench.tell(f"grading by {copies}, run {round_ + 1} of {bench.rounds}")
                    _start(bench, "quiz-worker", copies, stack)
                    outcome.add(f"{copies}", _grading(bench, copies, f"{round_}-{copies}"))
                preload.submit(
                    bench.lab.stack.kafka, TOPIC, bench.lab.contest, f"last-{round_}", bench.size(500, 50)
                )
                bench.lab.settle({GROUP})
        bench.audit(outcome, ["quiz"])
    outcome.notes.append(
        "on 2 cores with Kafka, mongod and the client, more processes cannot be twice as fast"
    )
    return outcome


def _start(bench: Bench, part: str, copies: int, stack: ExitStack) -> None:
    names = [f"{part}-{number}" for number in range(1, copies + 1)]
    for name in names:
        if not bench.lab.services.runs(name):
            bench.lab.start(name)
            stack.callback(bench.lab.stop, name)


def _intake(bench: Bench, copies: int, crowd: str, outcome: Outcome) -> dict[str, float]:
    names = [f"quiz-{number}" for number in range(1, copies + 1)]
    targets = tuple(bench.lab.target(name) for name in names)
    warm = write_requests(bench, f"scale-warm-{crowd}", bench.size(15_000, 200))
    requests = write_requests(bench, f"scale-{crowd}", bench.size(60_000, 600))
    seconds = bench.size(10.0, 0.5)
    for path in (warm, requests):
        with Meter(bench.lab.pids(*names)) as meter:
            load = bench.load(
                Plan(
                    targets=targets,
                    requests=path,
                    connections=CONNECTIONS,
                    seconds=seconds,
                    acknowledged=bench.file("acknowledged"),
                )
            )
        path.unlink()
        if failed := failures(load):
            outcome.problems.append(f"intake by {copies}: {failed} requests failed")
    each = microseconds_each(meter.cpu_seconds(), load.steps["request"].count)
    return {
        "taken in/s": load.rate,
        **{
            name.replace("request", "intake"): value
            for name, value in latency_figures(load, "request").items()
        },
        "CPU of the apis, µs each": sum(each[name] for name in names),
        "CPU of Kafka at intake, µs each": each["kafka"],
    }


def _grading(bench: Bench, copies: int, crowd: str) -> dict[str, float]:
    kafka, contest = bench.lab.stack.kafka, bench.lab.contest
    names = [f"quiz-worker-{number}" for number in range(1, copies + 1)]
    _wait_for_members(kafka, copies)
    commits = Commits(kafka, GROUP, TOPIC)
    preload.submit(kafka, TOPIC, contest, f"scale-warm-{crowd}", bench.size(10_000, 200))
    with preload.hidden(kafka, TOPIC, contest, f"scale-{crowd}", bench.size(60_000, 3_000)) as show:
        time.sleep(bench.size(5.0, 0.5))
        begun_at = time.monotonic()
        with Meter(bench.lab.pids(*names)) as meter:
            commits.look()
            show()
            end = commits.end() - 2 * preload.PARTITIONS
            if not commits.wait_for(end, lambda: None, GRADED_SECONDS_MAX):
                raise BenchError(f"{copies} workers did not grade in {GRADED_SECONDS_MAX:.0f} s")
            time.sleep(0.3)
    first, last, graded = commits.stretch(begun_at)
    commits.close()
    each = microseconds_each(meter.cpu_seconds(first, last), graded)
    return {
        "graded/s": graded / (last - first),
        "CPU of the graders, µs each": sum(each[name] for name in names),
        "CPU of mongod, µs each": each["mongod"],
        "CPU of Kafka at grading, µs each": each["kafka"],
    }


def _wait_for_members(kafka: str, members: int) -> None:
    """Wait until the group is stable with this number of members."""
    admin = AdminClient({"bootstrap.servers": kafka, "log_level": 2})
    deadline = time.monotonic() + JOINED_SECONDS_MAX
    while time.monotonic() < deadline:
        group = admin.describe_consumer_groups([GROUP])[GROUP].result(10)
        if group.state == ConsumerGroupState.STABLE and len(group.members) == members:
            return
        time.sleep(0.2)
    raise BenchError(f"group {GROUP} has {len(group.members)} members and is {group.state}, not {members}")
