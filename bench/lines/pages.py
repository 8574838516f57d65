"""
The opening of the contest as browsers see it: 10,000 of them fetch its page and all that the page names, from
a cold cache, and start an attempt, all through the edge within half a minute.

As many starts go through the edge alone, at the same rate: pages must cost the services nothing. What the
page asks of the services is no part of that comparison. It is a third variant.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import crowds
from bench.bench import Bench, clean, failures, latency_figures
from bench.errors import BenchError
from bench.load import client
from bench.load.client import Load, Plan, requests_file
from bench.measure import Meter, interleaved, microseconds_each
from bench.report import Outcome
from ops.local.edge import EDGE

TITLE = "10,000 browsers open the contest's page and start, through the edge"
PARTS = ("quiz-1", "quiz-worker-1")
# What a browser also asks for, though the page does not name it in its HTML.
UNNAMED = ("/favicon.svg", "/manifest.webmanifest", "/worker.js")
ASKED = "/api/quiz/quizzes?limit=100"
# A process may have 1,024 open files. Browsers share these connections, and keep them.
CONNECTIONS = 100
SERVICES = "services, us a start"
ALONE, PAGES, ASKING = "starts alone", "with pages", "and what pages ask"
RATIO_WANTED = 1.05


def run(bench: Bench) -> Outcome:
    """Measure the line."""
    outcome = Outcome("pages", TITLE)
    count, seconds = bench.size(10_000, 200), bench.size(30.0, 1.0)
    with clean(bench), believed(bench), bench.lab.running(*PARTS, EDGE):
        wanted, size_bytes = page_of(bench.file("pages"), "contest")
        outcome.notes.append(f"a browser fetches {len(wanted)} files, {size_bytes:,} bytes compressed")
        for round_, variant in interleaved((ALONE, PAGES, ASKING), bench.rounds + bench.size(1, 0)):
            warm = not bench.short and round_ == 0
            bench.tell(f"{'warming up' if warm else f'run {round_}'}: {variant}")
            some, time = (count // 5, seconds / 5) if warm else (count, seconds)
            crowd = f"pages-{round_}-{variant}".replace(" ", "-")
            figures = _open(bench, variant, wanted, crowd, some, time)
            if figures["failed"]:
                outcome.problems.append(f"{variant}: {figures['failed']:.0f} requests failed")
            if not warm:
                outcome.add(variant, {"browsers": some, **figures})
    # What is left are attempts that nobody hands in.
    bench.lab.soil()
    outcome.require("failed requests", max(_failed(outcome)), "=", 0)
    ratio = outcome.median(PAGES, SERVICES) / outcome.median(ALONE, SERVICES)
    outcome.require("services' CPU with pages / without", ratio, "<", RATIO_WANTED)
    return outcome


def _failed(outcome: Outcome) -> list[float]:
    return [one for variant in (ALONE, PAGES, ASKING) for one in outcome.values(variant, "failed")]


def _open(
    bench: Bench, variant: str, wanted: list[str], crowd: str, count: int, seconds: float
) -> dict[str, float]:
    """One run: the figures of it."""
    edge = bench.lab.target(EDGE)
    starts = bench.file("starts")
    tokens = crowds.write_tokens(bench, crowd, count)
    path = f"/api/quiz/quizzes/{bench.lab.contest.quiz_id}/attempts"
    with tokens.open() as lines:
        requests_file(starts, (_request("POST", path, edge, bearer=line.rstrip()) for line in lines))
    tokens.unlink()
    asked = {ALONE: [], PAGES: wanted, ASKING: [*wanted, ASKED]}[variant]
    opened = bench.file("opened")
    requests_file(opened, (_request("GET", one, edge) for _ in range(count) for one in asked))
    pages = _plan(edge, opened, count * len(asked) / seconds) if asked else None
    with Meter(bench.lab.pids(*PARTS, EDGE)) as meter, _beside(pages) as loads:
        loads["start"] = bench.load(_plan(edge, starts, count / seconds))
    cpu = meter.cpu_seconds()
    each = microseconds_each({name: cpu[name] for name in PARTS}, count)
    return {
        "failed": sum(failures(load) + load.not_begun for load in loads.values()),
        SERVICES: sum(each.values()),
        "edge, us a browser": microseconds_each(cpu, count)[EDGE],
        **{
            figure.replace("request", name): value
            for name, load in loads.items()
            for figure, value in latency_figures(load, "request").items()
        },
    }


@contextmanager
def _beside(plan: Plan | None) -> Iterator[dict[str, Load]]:
    """The loads of a run. The one of the pages goes on during the block, and is there after it."""
    loads: dict[str, Load] = {}
    running = client.start(plan) if plan else None
    try:
        yield loads
        if running:
            loads["page"] = running.wait()
    finally:
        if running and running.process.poll() is None:
            running.process.kill()
            running.process.wait()


def _plan(target: str, requests: Path, rate: float) -> Plan:
    """In open loop: latency counts from the time at which a request was due."""
    return Plan(targets=(target,), requests=requests, rate=rate, connections=CONNECTIONS, connect_first=True)


def _request(method: str, path: str, host: str, *, bearer: str = "") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Accept-Encoding: gzip"]
    lines += [f"Authorization: Bearer {bearer}", "Content-Length: 0"] if bearer else []
    return "\r\n".join([*lines, "", ""]).encode()


def page_of(pages: Path, name: str) -> tuple[list[str], int]:
    """
    What a browser fetches for a page of a built site, and how many bytes that is, compressed.

    The worker later copies all pages to the device. That is not part of opening one.

    Raises:
        BenchError: a file that the page names is not there.
    """
    html = (pages / f"{name}.html").read_text()
    named = re.findall(r"\"(/assets/[^\"]+)\"", html)
    assets = named[0].split("/")[2] if named else ""
    words = f"/assets/{assets}/words/zh-CN.js"
    wanted = list(dict.fromkeys([f"/{name}", *named, words, *UNNAMED]))
    files = [pages / (one[1:] if one != f"/{name}" else f"{name}.html") for one in wanted]
    if missing := [str(file) for file in files if not file.exists()]:
        raise BenchError(f"the page {name} names what is not there: {', '.join(missing)}")
    return wanted, sum(file.with_name(f"{file.name}.gz").stat().st_size for file in files)


@contextmanager
def believed(bench: Bench) -> Iterator[None]:
    """Services that start in this block believe the edge about who asks, as they do everywhere."""
    bench.lab.services.with_pages = True
    try:
        yield
    finally:
        bench.lab.services.with_pages = False
