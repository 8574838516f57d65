"""
Grading: our worker against a minimal loop, FastStream one message at a time, and Quix Streams.

Each variant has its own topic with the same submissions. A run starts a new process, lets it grade a few
thousand to warm up, and then shows it all of the work at one moment (bench/preload.py). The rate is that from
the first commit to the last.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench import preload
from bench.baselines import quix
from bench.bench import Bench, clean
from bench.errors import BenchError
from bench.lab import ASIDE_DATABASE
from bench.measure import Meter, interleaved, microseconds_each
from bench.preload import Commits
from bench.report import Outcome
from shared.storage import mongo

TITLE = "submissions graded, one worker, all of them there at once"
MINIMAL_SHARE_WANTED = 0.8
SINGLE_TIMES_WANTED = 10.0
WARM_SECONDS_MAX = 60.0
RUN_SECONDS_MAX = 120.0


@dataclass(frozen=True, slots=True)
class Variant:
    """A grader: the topic it reads, its consumer group, its database, and how much it has to grade."""

    name: str
    topic: str
    group: str
    database: str
    count: int
    warm: int
    # What is not graded in this time is left for the next run.
    seconds_max: float = RUN_SECONDS_MAX

    @property
    def is_ours(self) -> bool:
        return self.name == "ours"


def run(bench: Bench) -> Outcome:
    """Measure the line."""
    outcome = Outcome("grading", TITLE)
    count, warm = bench.size(60_000, 3_000), bench.size(5_000, 300)
    single, single_seconds = bench.size(6_000, 200), bench.size(10.0, 2.0)
    bench.tell("looking for Quix Streams")
    quix.prepare(bench.lab.contest)
    variants = [
        Variant("ours", "quiz.submitted", "quiz-grading", "kepu_quiz", count, warm),
        Variant("minimal", "bench.submitted.minimal", "minimal", ASIDE_DATABASE, count, warm),
        Variant("single", "bench.submitted.single", "single", ASIDE_DATABASE, single, 100, single_seconds),
        Variant("quix", "bench.submitted.quix", "quix", ASIDE_DATABASE, count, warm),
    ]
    with clean(bench):
        for round_, variant in interleaved(variants, bench.rounds):
            bench.tell(f"{variant.name}, run {round_ + 1} of {bench.rounds}")
            outcome.add(variant.name, _grade(bench, variant, f"{variant.name}-{round_}", outcome))
        bench.tell("the last few, so that nothing is left")
        bench.lab.start("quiz-worker-1")
        preload.submit(
            bench.lab.stack.kafka, "quiz.submitted", bench.lab.contest, "last", bench.size(500, 50)
        )
        bench.lab.settle({"quiz-grading"})
        bench.audit(outcome, ["quiz"])
    outcome.require_ratio("grading : minimal loop", "graded/s", "minimal", MINIMAL_SHARE_WANTED)
    outcome.require_ratio("grading : FastStream one at a time", "graded/s", "single", SINGLE_TIMES_WANTED)
    outcome.notes.append(
        "minimal checks nothing and survives no crash; quix keeps its offsets by time, inserts again after a "
        "crash only because the ids are ours, and has no dead letters"
    )
    return outcome


def _grade(bench: Bench, variant: Variant, crowd: str, outcome: Outcome) -> dict[str, float]:
    lab, kafka = bench.lab, bench.lab.stack.kafka
    commits = Commits(kafka, variant.group, variant.topic)
    before, begun = _stored(bench, variant), commits.look()
    preload.submit(kafka, variant.topic, lab.contest, f"{crowd}-warm", variant.warm)
    with (
        preload.hidden(kafka, variant.topic, lab.contest, crowd, variant.count) as show,
        _worker(bench, variant) as (pids, check),
    ):
        commits.wait_for(begun + variant.warm - 2 * preload.PARTITIONS, check, WARM_SECONDS_MAX)
        begun_at = time.monotonic()
        with Meter(pids()) as meter:
            show()
            end = commits.end() - 2 * preload.PARTITIONS
            done = commits.wait_for(end, check, variant.seconds_max)
            time.sleep(0.3)
            commits.look()
    first, last, graded = commits.stretch(begun_at)
    commits.close()
    if not done and variant.seconds_max == RUN_SECONDS_MAX:
        outcome.problems.append(f"{variant.name}: not graded in {RUN_SECONDS_MAX:.0f} s")
    if done and (stored := _stored(bench, variant) - before) != variant.count + variant.warm:
        outcome.problems.append(f"{variant.name}: {stored} results of {variant.count + variant.warm}")
    each = microseconds_each(meter.cpu_seconds(first, last), graded)
    grader = next(iter(meter.pids))
    return {
        "graded/s": graded / (last - first),
        "CPU of the grader, µs each": each[grader],
        "CPU of mongod, µs each": each["mongod"],
        "CPU of Kafka, µs each": each["kafka"],
        "memory of the grader, MB": meter.memory_mb()[grader],
    }


@contextmanager
def _worker(
    bench: Bench, variant: Variant
) -> Iterator[tuple[Callable[[], dict[str, int]], Callable[[], None]]]:
    """Run the grader. Yields a function for its pids, and one that raises when it has ended."""
    if variant.is_ours:

        def check() -> None:
            if bench.lab.services.pid("quiz-worker-1") is None:
                raise BenchError("our worker has ended")

        with bench.lab.running("quiz-worker-1"):
            yield lambda: bench.lab.pids("quiz-worker-1"), check
    else:
        name = f"{variant.name}_grading"
        python = quix.python() if variant.name == "quix" else None
        with bench.lab.aside(
            name,
            python=python,
            topic=variant.topic,
            group=variant.group,
            keys=quix.KEYS,
            # For Quix Streams. The rate is measured from commit to commit, so a short run needs several.
            commit_events=bench.size(10_000, 500),
        ) as aside:
            yield lambda: bench.lab.pids(asides=[aside]), aside.check


def _stored(bench: Bench, variant: Variant) -> int:
    # The baselines share a database but run one at a time, so what is added during a run is from that run.
    async def count() -> int:
        async with mongo.connect(bench.lab.stack.mongo, variant.database) as database:
            found: int = await database["results"].estimated_document_count()
            return found

    return asyncio.run(count())
