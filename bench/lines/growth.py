"""
Growth: what the chain costs with a hundred thousand people stored, and with ten times as many.

Stored means attempts, results, standings, participants, awards, contacts and messages, of people who sat in
this very line and of others who were put there and are removed before the audit. So many are there when the
middle run begins. A run is as long as from one checkpoint of MongoDB's to the next, so each pays for one.
"""

from pathlib import Path

from bench import past, people
from bench.bench import Bench, clean, failures, latency_figures
from bench.lines.chain import TOTAL
from bench.measure import Meter, per_ten_thousand
from bench.reading import OURS, wait_until_read
from bench.report import Outcome
from bench.sitting import PARTS, READ_SECONDS_MAX, sit_prepared

TITLE = "core-seconds for 10,000 participants with little and with much stored"
TIMES_STORED = 10
GROWTH_WANTED = 1.15


def run(bench: Bench) -> Outcome:
    """Measure it."""
    outcome = Outcome("growth", TITLE)
    rate, seconds = bench.size((1_000.0, 60.0), (300.0, 3.0))
    count = int(rate * seconds)
    before_the_middle = (1 + bench.rounds // 2) * count
    few, many = before_the_middle, TIMES_STORED * before_the_middle
    url, contest = bench.site.stack.mongo, bench.site.contest
    sat = added = 0
    with clean(bench):
        with bench.site.running(*PARTS):
            bench.site.put_scheme()
            for stored in (few, many):
                # With little stored there is nobody but those who sat here.
                if missing := stored - sat - added - before_the_middle:
                    numbers = range(added, added + missing)
                    past.add(url, contest.quiz_id, numbers, bench.tell, opened_at=contest.quiz.opens_at)
                    added += missing
                bench.tell(f"preparing {(1 + bench.rounds) * count:,} people")
                warm, *crowds = [
                    people.write_sittings(bench, f"growth-{stored}-{number}", count)
                    for number in range(1 + bench.rounds)
                ]
                sat += (1 + bench.rounds) * count
                bench.flush()
                bench.tell(f"{stored:,} stored, warming up")
                sit_prepared(bench, warm, rate, seconds)
                for round_, sittings in enumerate(crowds):
                    bench.tell(f"{stored:,} stored, run {round_ + 1} of {bench.rounds}")
                    outcome.add(f"{stored:,} stored", _cost(bench, sittings, rate, seconds, outcome))
            past.remove(url, bench.tell)
            bench.tell("coming to rest")
            bench.site.settle()
        bench.audit(outcome)
    ratio = outcome.median(f"{many:,} stored", TOTAL) / outcome.median(f"{few:,} stored", TOTAL)
    outcome.require(f"cost with {many:,} stored : with {few:,}", ratio, "<", GROWTH_WANTED)
    return outcome


def _cost(bench: Bench, sittings: Path, rate: float, seconds: float, outcome: Outcome) -> dict[str, float]:
    kafka = bench.site.stack.kafka
    wait_until_read(kafka, OURS, READ_SECONDS_MAX)
    with Meter(bench.site.pids(*PARTS)) as meter:
        load = sit_prepared(bench, sittings, rate, seconds)
        wait_until_read(kafka, OURS, READ_SECONDS_MAX)
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
