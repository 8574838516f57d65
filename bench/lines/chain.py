"""
The cost of the whole chain: start and submit over HTTP, grade, rank, award and notify, all at once.

The baseline is the sum of bare parts: five processes that form a chain of their own under the same load, so
that both chains handle batches of the same size.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager

from bench import crowds
from bench.bench import Bench, clean, failures
from bench.lab import CHAIN
from bench.load import client
from bench.load.client import Load, Plan, requests_file
from bench.measure import Meter, interleaved, per_ten_thousand
from bench.reading import OURS, Reading, wait_until_read
from bench.report import Outcome
from bench.taking_part import (
    CONNECTIONS,
    FINISH_SECONDS,
    PEAK_RATE,
    READ_SECONDS_MAX,
    take_part,
    take_part_prepared,
)

TITLE = "core-seconds for 10,000 participants who start, submit, are graded, ranked, awarded and told"
TOTAL = "all but the client, core-s"
BARE_PARTS = ("bare_start", "bare_intake", "minimal_grading", "minimal_awards", "minimal_notices")
BARE = (
    Reading("minimal", "bench.submitted.bare"),
    Reading("minimal-awards", "bench.completed"),
    Reading("minimal-notices", "bench.completed"),
    Reading("minimal-notices", "bench.issued", 4),
)
# Which bare part does the work of which of our processes.
COUNTERPARTS = {
    "bare_start": "quiz api: start and intake",
    "bare_intake": "quiz api: start and intake",
    "quiz-1": "quiz api: start and intake",
    "minimal_grading": "grading",
    "quiz-worker-1": "grading",
    "minimal_awards": "awards",
    "minimal_notices": "notifications",
}
BARE_TIMES_WANTED = 1.5

LoadBoth = Callable[[], tuple[Load, Load]]


def run(bench: Bench) -> Outcome:
    """Measure the line."""
    outcome = Outcome("chain", TITLE)
    rate, seconds = bench.size(PEAK_RATE, 200.0), bench.size(30.0, 1.0)
    warm_seconds = bench.size(10.0, 0.5)
    with clean(bench):
        for round_, variant in interleaved(["ours", "bare parts"], bench.rounds):
            bench.tell(f"{variant}, run {round_ + 1} of {bench.rounds}")
            measure = _ours if variant == "ours" else _bare
            outcome.add(variant, measure(bench, f"{round_}", rate, seconds, warm_seconds, outcome))
        bench.tell("coming to rest")
        with bench.lab.running(*CHAIN):
            bench.lab.settle()
        bench.audit(outcome)
    ours, bare = outcome.median("ours", TOTAL), outcome.median("bare parts", TOTAL)
    outcome.require("cost : sum of the bare parts", ours / bare, "<=", BARE_TIMES_WANTED)
    return outcome


def _ours(
    bench: Bench, name: str, rate: float, seconds: float, warm_seconds: float, outcome: Outcome
) -> dict[str, float]:
    kafka = bench.lab.stack.kafka
    with bench.lab.running(*CHAIN):
        bench.lab.put_scheme()
        take_part(bench, f"warm-{name}", rate, warm_seconds)
        tokens = crowds.write_tokens(bench, f"cost-{name}", int(rate * seconds))
        wait_until_read(kafka, OURS, READ_SECONDS_MAX)
        bench.flush()
        with Meter(bench.lab.pids(*CHAIN)) as meter:
            load = take_part_prepared(bench, tokens, rate, seconds)
            wait_until_read(kafka, OURS, READ_SECONDS_MAX)
            # So the run includes the writing of all that it has changed, wherever MongoDB's checkpoints fall.
            bench.flush()
    if failed := failures(load):
        outcome.problems.append(f"ours: {failed} requests failed at {rate:.0f}/s")
    return _figures(meter.cpu_seconds() | {"client": load.cpu_seconds}, load.steps["submit"].count, load.rate)


def _bare(
    bench: Bench, name: str, rate: float, seconds: float, warm_seconds: float, outcome: Outcome
) -> dict[str, float]:
    kafka = bench.lab.stack.kafka
    with ExitStack() as stack:
        asides = {
            part: stack.enter_context(bench.lab.aside(part, topic="bench.submitted.bare", group="minimal"))
            for part in BARE_PARTS
        }
        targets = (asides["bare_start"].target, asides["bare_intake"].target)
        with _both(bench, targets, f"warm-{name}", rate, warm_seconds) as load_both:
            load_both()
        with _both(bench, targets, f"cost-{name}", rate, seconds) as load_both:
            wait_until_read(kafka, BARE, READ_SECONDS_MAX)
            bench.flush()
            with Meter(bench.lab.pids(asides=asides.values())) as meter:
                starts, submissions = load_both()
                wait_until_read(kafka, BARE, READ_SECONDS_MAX)
                bench.flush()
    if failed := failures(starts) + failures(submissions):
        outcome.problems.append(f"bare parts: {failed} requests failed at {rate:.0f}/s")
    clients = {"client": starts.cpu_seconds + submissions.cpu_seconds}
    return _figures(meter.cpu_seconds() | clients, submissions.steps["request"].count, submissions.rate)


@contextmanager
def _both(
    bench: Bench, targets: tuple[str, str], crowd: str, rate: float, seconds: float
) -> Iterator[LoadBoth]:
    """Two clients side by side: one starts attempts and one submits, both at this rate."""
    count = int(rate * seconds)
    starts = crowds.write_starts(bench, crowd, count)
    submissions = bench.file(f"bare-{crowd}")
    requests_file(submissions, bench.lab.contest.bare_submissions(crowd, count))

    def load_both() -> tuple[Load, Load]:
        first, second = (
            client.start(
                Plan(
                    targets=(target,),
                    requests=requests,
                    rate=rate,
                    connections=CONNECTIONS // 2,
                    seconds=seconds + FINISH_SECONDS,
                )
            )
            for target, requests in zip(targets, (starts, submissions), strict=True)
        )
        seconds_max = seconds + FINISH_SECONDS + client.STOP_SECONDS_MAX
        return first.wait(seconds_max), second.wait(seconds_max)

    try:
        yield load_both
    finally:
        starts.unlink()
        submissions.unlink()


def _figures(cpu_seconds: Mapping[str, float], count: int, rate: float) -> dict[str, float]:
    each = per_ten_thousand(cpu_seconds, count)
    figures = {
        "participants/s": rate,
        TOTAL: sum(value for name, value in each.items() if name != "client"),
    }
    for name, value in each.items():
        figure = f"{COUNTERPARTS.get(name, name)}, core-s"
        figures[figure] = figures.get(figure, 0.0) + value
    return figures
