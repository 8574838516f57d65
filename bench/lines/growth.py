"""
Growth: what the chain costs with 100,000 people stored, and with 1,000,000.

Stored means attempts, results, standings, participants, awards, contacts and messages. They are removed
before the audit, and one more run after that tells what the hour itself has changed.
"""

from bench import past, people
from bench.bench import Bench, clean, failures, latency_figures
from bench.lines.chain import TOTAL
from bench.measure import Meter, per_ten_thousand
from bench.reading import OURS, wait_until_read
from bench.report import Outcome
from bench.sitting import PARTS, READ_SECONDS_MAX, sit, sit_prepared

TITLE = "core-seconds for 10,000 participants with little and with much stored"
GROWTH_WANTED = 1.15


def run(bench: Bench) -> Outcome:
    """Measure it."""
    outcome = Outcome("growth", TITLE)
    few, many = bench.size((100_000, 1_000_000), (1_000, 10_000))
    url, contest = bench.site.stack.mongo, bench.site.contest
    with clean(bench):
        with bench.site.running(*PARTS):
            bench.site.put_scheme()
            for before, stored in ((0, few), (few, many)):
                past.add(
                    url,
                    contest.quiz_id,
                    range(before, stored),
                    bench.tell,
                    opened_at=contest.quiz.opens_at,
                )
                bench.tell(f"{stored:,} stored, warming up")
                rate, seconds = _load(bench)
                # Kafka's first half minute is dearer, and would be charged to those with little stored.
                sit(bench, f"growth-{stored}-warm", rate, 2 * seconds)
                for round_ in range(bench.rounds):
                    bench.tell(f"{stored:,} stored, run {round_ + 1} of {bench.rounds}")
                    outcome.add(f"{stored:,} stored", _cost(bench, f"{stored}-{round_}", outcome))
            past.remove(url, bench.tell)
            if not bench.short:
                bench.tell("once more with nothing stored")
                outcome.add("removed again", _cost(bench, "removed", outcome))
            bench.tell("coming to rest")
            bench.site.settle()
        bench.audit(outcome)
    ratio = outcome.median(f"{many:,} stored", TOTAL) / outcome.median(f"{few:,} stored", TOTAL)
    outcome.require(f"cost with {many:,} stored : with {few:,}", ratio, "<", GROWTH_WANTED)
    return outcome


def _load(bench: Bench) -> tuple[float, float]:
    """Participants a second, and for how long."""
    return bench.size((1_500.0, 20.0), (300.0, 3.0))


def _cost(bench: Bench, crowd: str, outcome: Outcome) -> dict[str, float]:
    rate, seconds = _load(bench)
    sittings = people.write_sittings(bench, f"growth-{crowd}", int(rate * seconds))
    kafka = bench.site.stack.kafka
    wait_until_read(kafka, OURS, READ_SECONDS_MAX)
    with Meter(bench.site.pids(*PARTS)) as meter:
        load = sit_prepared(bench, sittings, rate, seconds)
        wait_until_read(kafka, OURS, READ_SECONDS_MAX)
    if failed := failures(load):
        outcome.problems.append(f"{crowd}: {failed} requests failed at {rate:.0f}/s")
    each = per_ten_thousand(meter.cpu_seconds(), load.steps["submit"].count)
    return {
        "participants/s": load.rate,
        TOTAL: sum(each.values()),
        **{f"{name}, core-s": value for name, value in each.items()},
        **latency_figures(load, "start"),
        **latency_figures(load, "submit"),
        **latency_figures(load, "result_wait"),
    }
