"""
Rank: what one's own rank costs with a million people in the standings, against counting who is better.

Closed loop, spread over all who stand. Both must give the same ranks. Nothing is written, so there is
nothing to audit.
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
from services.quiz.standings import Standings
from shared import mongo

TITLE = "one's own rank read, closed loop"
CONNECTIONS = 64
ASKED_MAX = 20_000
COMPARED = 25
# Of all who stand, every so many-th person asks first: prime, so that scores and times are mixed.
STRIDE = 7_919


def run(bench: Bench) -> Outcome:
    """Measure it."""
    outcome = Outcome("rank", TITLE)
    few, many = bench.size((10_000, 1_000_000), (500, 2_000))
    with clean(bench), bench.site.aside("counted_rank") as counting:
        _add(bench, range(few))
        bench.site.start("quiz-1")
        targets = {"ours": bench.site.target("quiz-1"), "counting": counting.target}
        pids = {"ours": bench.site.pids("quiz-1"), "counting": bench.site.pids(asides=[counting])}

        def measure(variant: str, name: str, stored: int) -> None:
            requests = _write_requests(bench, stored)
            plan = Plan(
                targets=(targets[name],),
                requests=requests,
                connections=CONNECTIONS,
                seconds=bench.size(5.0, 1.0),
                warm_seconds=bench.size(1.0, 0.2),
            )
            with Meter(pids[name]) as meter:
                load = bench.load(plan)
            requests.unlink()
            done = load.steps["request"].count
            if failed := failures(load):
                outcome.problems.append(f"{variant}: {failed} of {done} requests failed")
            every = done + load.warm.steps["request"].count
            each = microseconds_each(meter.cpu_seconds(), every)
            figures = {"ranks/s": load.rate, **latency_figures(load, "request")}
            server = next(iter(pids[name]))
            figures["CPU of the server, µs each"] = each[server]
            figures["CPU of mongod, µs each"] = each["mongod"]
            outcome.add(variant, figures)

        for round_ in range(bench.rounds):
            bench.tell(f"{few:,} stand, run {round_ + 1} of {bench.rounds}")
            measure(f"ours, {few:,} stand", "ours", few)
        _add(bench, range(few, many))
        for round_, name in interleaved(list(targets), bench.rounds):
            bench.tell(f"{name}, {many:,} stand, run {round_ + 1} of {bench.rounds}")
            measure(name, name, many)
        different = _differences(bench, list(targets.values()), many)
    outcome.problems += different
    outcome.notes.append(f"{len(different)} of {COMPARED} people got another rank from the other")
    return outcome


def _add(bench: Bench, numbers: range) -> None:
    url, contest = bench.site.stack.mongo, bench.site.contest
    opens_at = contest.quiz.opens_at
    past.add(url, contest.quiz_id, numbers, bench.tell, opened_at=opens_at, only=("standings",))

    async def count() -> None:
        async with mongo.connect(url, "kepu_quiz") as database:
            await Standings(database).recount(contest.quiz_id)

    bench.tell("counting them")
    asyncio.run(count())


def _tokens(bench: Bench, stored: int) -> Iterator[str]:
    signer = Signer(bench.site.services.secrets["KEPU_TOKEN_PRIVATE_KEY"])
    return signer.sign(past.person(number * STRIDE % stored) for number in range(stored))


def _path(bench: Bench) -> str:
    return f"/quizzes/{bench.site.contest.quiz_id}/standings/me"


def _write_requests(bench: Bench, stored: int) -> Path:
    file, path = bench.file("requests-rank"), _path(bench)
    tokens = islice(_tokens(bench, stored), ASKED_MAX)
    requests_file(file, (http_request(path, b"", bearer=token.encode(), method="GET") for token in tokens))
    return file


def _differences(bench: Bench, targets: list[str], stored: int) -> list[str]:
    found = []
    for token in islice(_tokens(bench, stored), COMPARED):
        headers = {"Authorization": f"Bearer {token}"}
        urls = [f"http://{target}{_path(bench)}" for target in targets]
        answers = [httpx.get(url, headers=headers, timeout=30).json() for url in urls]
        ranks = {answer["rank"] for answer in answers}
        if len(ranks) > 1:
            found.append(f"{answers[0]['participant_id']} has the ranks {ranks}")
    return found
