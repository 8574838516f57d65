"""
Rank: the cost of reading a participant's rank among a million, against counting the better standings.

Closed loop, over participants with all kinds of ranks. Both ways must give the same ranks. Ours are at most a
second old. Nothing is written, so there is nothing to audit.
"""

import asyncio
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import httpx

from bench import past
from bench.bench import Bench, clean, failures, latency_figures
from bench.contest import Signer, http_request
from bench.load.client import Plan, requests_file
from bench.measure import Meter, interleaved, microseconds_each
from bench.report import Outcome
from services.quiz.standings.store import StandingStore
from shared.storage import mongo

TITLE = "one's own rank read, closed loop"
CONNECTIONS = 64
ASKED_MAX = 20_000
COMPARED = 25
# The step from one who asks to the next. It is prime, so that scores and times are mixed.
STRIDE = 7_919


def run(bench: Bench) -> Outcome:
    """Measure the line."""
    outcome = Outcome("rank", TITLE)
    few, many = bench.size((10_000, 1_000_000), (200, 1_000))
    with clean(bench), bench.lab.aside("counted_rank") as aside:
        _add(bench, range(few))
        bench.lab.start("quiz-1")
        ours = bench.lab.target("quiz-1"), bench.lab.pids("quiz-1")
        counting = aside.target, bench.lab.pids(asides=[aside])
        bench.tell("warming up")
        _measure(bench, *ours, few, "warm", Outcome("warm", ""))
        for round_ in range(bench.rounds):
            bench.tell(f"{few:,} stand, run {round_ + 1} of {bench.rounds}")
            _measure(bench, *ours, few, f"ours, {few:,} stand", outcome)
        _add(bench, range(few, many))
        variants = {"ours": ours, "counting": counting}
        for round_, name in interleaved(list(variants), bench.rounds):
            bench.tell(f"{name}, {many:,} stand, run {round_ + 1} of {bench.rounds}")
            _measure(bench, *variants[name], many, name, outcome)
        different = _differences(bench, (ours[0], counting[0]), many)
    # The people of the past have standings and nothing else, which no audit would accept.
    bench.lab.soil()
    outcome.problems += different
    outcome.notes.append(f"{len(different)} of {COMPARED} people got another rank from the other")
    return outcome


def _measure(
    bench: Bench, target: str, pids: dict[str, int], stored: int, variant: str, outcome: Outcome
) -> None:
    plan = Plan(
        targets=(target,),
        requests=_write_requests(bench, stored),
        connections=CONNECTIONS,
        seconds=bench.size(8.0, 0.3),
    )
    with Meter(pids) as meter:
        load = bench.load(plan)
    done = load.steps["request"].count
    if failed := failures(load):
        outcome.problems.append(f"{variant}: {failed} of {done} requests failed")
    each = microseconds_each(meter.cpu_seconds(), done)
    server = next(iter(pids))
    outcome.add(
        variant,
        {
            "ranks/s": load.rate,
            **latency_figures(load, "request"),
            "CPU of the server, µs each": each[server],
            "CPU of mongod, µs each": each["mongod"],
        },
    )


def _add(bench: Bench, numbers: range) -> None:
    url, contest = bench.lab.stack.mongo, bench.lab.contest
    opens_at = contest.quiz.opens_at
    past.add(url, contest.quiz_id, numbers, bench.tell, opened_at=opens_at, only=("kepu_quiz", "standings"))

    async def count() -> None:
        async with mongo.connect(url, "kepu_quiz") as database:
            await StandingStore(database).recount(contest.quiz_id)

    bench.tell("counting them")
    asyncio.run(count())


def _tokens(bench: Bench, stored: int) -> Iterator[str]:
    signer = Signer(bench.lab.services.secrets["KEPU_TOKEN_PRIVATE_KEY"])
    return signer.sign(past.person(number * STRIDE % stored) for number in range(stored))


def _path(bench: Bench) -> str:
    return f"/quizzes/{bench.lab.contest.quiz_id}/standings/me"


def _write_requests(bench: Bench, stored: int) -> Path:
    file, path = bench.file("requests-rank"), _path(bench)
    tokens = islice(_tokens(bench, stored), ASKED_MAX)
    requests_file(file, (http_request(path, b"", bearer=token.encode(), method="GET") for token in tokens))
    return file


def _differences(bench: Bench, targets: tuple[str, str], stored: int) -> list[str]:
    """The people who get different ranks from the two targets."""
    found = []
    for token in islice(_tokens(bench, stored), COMPARED):
        headers = {"Authorization": f"Bearer {token}"}
        urls = [f"http://{target}{_path(bench)}" for target in targets]
        answers = [httpx.get(url, headers=headers, timeout=30).raise_for_status().json() for url in urls]
        ranks = [answer["rank"] for answer in answers]
        if len(set(ranks)) > 1:
            found.append(f"{answers[0]['participant_id']} has the ranks {ranks}")
    return found
