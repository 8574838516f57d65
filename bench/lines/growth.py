"""
Growth: the cost of the chain with a hundred thousand people stored, and with ten times as many.

Stored are attempts, results, standings, participants, awards, contacts and messages. The numbers are those
when the middle run begins. The larger one has servers and services of its own, so that both take turns on
the same machine. MongoDB makes no checkpoint by itself meanwhile: each run ends with one, and is as long as
the default time between two.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench import crowds, past
from bench.bench import Bench, clean, failures, latency_figures
from bench.lab import CHAIN, Lab
from bench.lines.chain import TOTAL
from bench.measure import Meter, interleaved, per_ten_thousand
from bench.reading import OURS, wait_until_read
from bench.report import Outcome
from bench.taking_part import READ_SECONDS_MAX, take_part_prepared
from ops.stack import Stack
from ops.stack.host import make_folder

TITLE = "core-seconds for 10,000 participants with little and with much stored"
TIMES_STORED = 10
GROWTH_WANTED = 1.15


def run(bench: Bench) -> Outcome:
    """Measure the line."""
    outcome = Outcome("growth", TITLE)
    rate, seconds = bench.size((1_000.0, 60.0), (100.0, 1.0))
    count = int(rate * seconds)
    # The smaller one stores those who take part during the warm-up and before the middle run.
    few = (1 + bench.rounds // 2) * count
    many = TIMES_STORED * few
    with clean(bench), _second(bench) as second, clean(second), ExitStack() as stack:
        little, much = f"{few:,} stored", f"{many:,} stored"
        variants = {little: bench, much: second}
        tokens: dict[str, list[Path]] = {}
        for name, its in variants.items():
            stack.enter_context(its.lab.running(*CHAIN))
            its.lab.put_scheme()
            if name == much:
                opened_at = its.lab.contest.quiz.opens_at
                past.add(
                    its.lab.stack.mongo,
                    its.lab.contest.quiz_id,
                    range(many - few),
                    its.tell,
                    opened_at=opened_at,
                )
            bench.tell(f"{name}: preparing {(1 + bench.rounds) * count:,} people")
            tokens[name] = [
                crowds.write_tokens(its, f"growth-{len(tokens)}-{number}", count)
                for number in range(1 + bench.rounds)
            ]
            stack.enter_context(its.checkpoints_held())
            bench.tell(f"{name}, warming up")
            take_part_prepared(its, tokens[name].pop(), rate, seconds)
        for round_, name in interleaved(list(variants), bench.rounds):
            bench.tell(f"{name}, run {round_ + 1} of {bench.rounds}")
            figures = _cost(variants[name], tokens[name].pop(), rate, seconds, outcome)
            outcome.add(name, figures)
        past.remove(second.lab.stack.mongo, bench.tell)
        for its in [bench] if second is bench else [bench, second]:
            bench.tell("coming to rest")
            its.lab.settle()
            its.audit(outcome)
    ratio = outcome.median(much, TOTAL) / outcome.median(little, TOTAL)
    outcome.require(f"cost with {many:,} stored : with {few:,}", ratio, "<", GROWTH_WANTED)
    return outcome


@contextmanager
def _second(bench: Bench) -> Iterator[Bench]:
    """A second lab with its own servers, beside that of the bench. A short run does with one."""
    if bench.short:
        yield bench
        return
    home = bench.lab.home / "second"
    make_folder(home)
    with Stack(home, detached=False) as stack:
        second = Bench(Lab(stack, bench.lab.contest), bench.short, bench.rounds, bench.tell)
        try:
            yield second
        finally:
            second.lab.stop()


def _cost(bench: Bench, tokens: Path, rate: float, seconds: float, outcome: Outcome) -> dict[str, float]:
    kafka = bench.lab.stack.kafka
    wait_until_read(kafka, OURS, READ_SECONDS_MAX)
    bench.flush()
    with Meter(bench.lab.pids(*CHAIN)) as meter:
        load = take_part_prepared(bench, tokens, rate, seconds)
        wait_until_read(kafka, OURS, READ_SECONDS_MAX)
        bench.flush()
    if failed := failures(load):
        outcome.problems.append(f"{failed} requests failed at {rate:.0f}/s")
    each = per_ten_thousand(meter.cpu_seconds(), load.steps["submit"].count)
    return {
        "participants/s": load.rate,
        TOTAL: sum(each.values()),
        **{f"{name}, core-s": value for name, value in each.items()},
        **latency_figures(load, "start"),
        **latency_figures(load, "submit"),
        **latency_figures(load, "result_wait"),
    }
