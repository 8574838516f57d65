"""
How fast the pages are on a slow phone: figures as those of Lighthouse, in a real browser on a real week.

    python -m tests.browser.speed [RUNS]

The phone: 360 points wide, a processor four times slower than this machine's, 1.6 Mbit/s down and 0.75 up,
150 ms to the edge and back (what Lighthouse calls "slow 4G"). The edge is that of a public week: behind TLS,
so the browser speaks HTTP/2 with it. It prints the medians as a table of Markdown.
"""

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import pytest
from playwright.async_api import Browser, CDPSession, Page, Response, ViewportSize, async_playwright

from ops.commands.terminal import tell
from tests.browser.week import RunningWeek, join, quiz_of, running_week
from tests.support.programs import browser as browser_path
from tests.support.public_edge import public_edge

PHONE = ViewportSize(width=360, height=740)
SLOWER = 4
NETWORK = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1_600_000 / 8,
    "uploadThroughput": 750_000 / 8,
}
RUNS = 5
# A page is watched for so long after its words are there: what moves or computes later counts too.
WATCHED_MS = 1_500
# What happens in the page. `usable`: its words are there, and none says that it still loads.
WATCH = """
window.seen = {usable: null, largest: 0, shifts: 0, blocked: 0};
window.isUsable = new Promise((resolve) => (seen.resolve = resolve));
const watch = (type, each) =>
  new PerformanceObserver((list) => list.getEntries().forEach(each)).observe({type, buffered: true});
watch("largest-contentful-paint", (one) => (seen.largest = one.startTime));
watch("layout-shift", (one) => { if (!one.hadRecentInput) seen.shifts += one.value; });
watch("longtask", (one) => (seen.blocked += Math.max(0, one.duration - 50)));
new MutationObserver(() => {
  const waits = document.querySelector("[data-loading], #opening");
  if (waits || !document.querySelector("h1")) return;
  seen.usable ??= performance.now();
  seen.resolve();
}).observe(document, {childList: true, subtree: true});
"""


class Figures(NamedTuple):
    """One opening of a page. Times in ms from the start of the navigation; `kilobytes`: over the network."""

    kilobytes: float
    requests: float
    first_words: float
    largest: float
    usable: float
    blocked: float
    shifts: float


HEADS = ("KB", "requests", "first words", "largest paint", "usable", "blocked", "layout shift")


async def opened(page: Page, path: str) -> Figures:
    """Open a page, and see how that goes."""
    arrived: list[Response] = []

    def note(response: Response) -> None:
        arrived.append(response)

    page.on("response", note)
    await page.goto(path, wait_until="commit")
    # Not by the page's own `evaluate`: it brings a large script first, which costs a slow phone 0.2 s.
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Runtime.evaluate", {"expression": "isUsable", "awaitPromise": True})
    await page.wait_for_timeout(WATCHED_MS)
    page.remove_listener("response", note)
    seen: dict[str, Any] = await page.evaluate("() => window.seen")
    painted: float = await page.evaluate(
        "() => performance.getEntriesByName('first-contentful-paint')[0].startTime"
    )
    sizes = [
        await one.request.sizes()
        for one in arrived
        if not one.from_service_worker and one.request.resource_type != "eventsource"
    ]
    size = sum(one["responseBodySize"] + one["responseHeadersSize"] for one in sizes)
    return Figures(
        size / 1000, len(sizes), painted, seen["largest"], seen["usable"], seen["blocked"], seen["shifts"]
    )


async def device(browser: Browser, week: RunningWeek, state: Any = None) -> Page:
    """A page of a slow phone that was never here, or that knows what `state` says."""
    context = await browser.new_context(
        base_url=week.url, locale="zh-CN", viewport=PHONE, storage_state=state
    )
    await context.add_init_script(WATCH)
    page = await context.new_page()
    throttle: CDPSession = await context.new_cdp_session(page)
    await throttle.send("Network.enable")
    await throttle.send("Network.emulateNetworkConditions", NETWORK)
    await throttle.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    return page


async def measured(
    browser: Browser, week: RunningWeek, public: RunningWeek, runs: int
) -> dict[str, list[Figures]]:
    """
    Each page as often as `runs` says: for the first time, and once more.

    Args:
        public: the same week at the address that is opened.
    """
    activity = (await week.organise("GET", "registration", "/activities"))["activities"][0]["activity_id"]
    quiz = await quiz_of(week)
    known = await browser.new_page(base_url=public.url, locale="zh-CN")
    await join(known, public)
    state = await known.context.storage_state()
    citizens = {
        "programme `/`": "/",
        "activity": f"/activity?id={activity}",
        "contest": "/contest",
        "standings": f"/standings?quiz={quiz}",
        "my week": "/me",
        "hall": f"/hall?quiz={quiz}",
        "certificate check": "/verify",
        "help": "/help",
    }
    found: dict[str, list[Figures]] = {}
    for _ in range(runs):
        for name, path in citizens.items():
            page = await device(browser, public, state if path == "/me" else None)
            found.setdefault(f"{name}, first time", []).append(await opened(page, path))
            # By then the worker has copied the pages to the device.
            await page.evaluate("async () => { await navigator.serviceWorker.ready; }")
            found.setdefault(f"{name}, again", []).append(await opened(page, path))
            await page.context.close()
    return found


def table(found: dict[str, list[Figures]]) -> str:
    """The medians as a table of Markdown."""
    lines = [f"| page | {' | '.join(HEADS)} |", "|---" * (len(HEADS) + 1) + "|"]
    for name, figures in found.items():
        middle = Figures(*(median(values) for values in zip(*figures, strict=True)))
        cells = [
            f"{middle.kilobytes:.0f}",
            f"{middle.requests:.0f}",
            *(f"{value / 1000:.2f} s" for value in middle[2:5]),
            f"{middle.blocked:.0f} ms",
            f"{middle.shifts:.3f}",
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


async def _measure(week: RunningWeek, public: RunningWeek, runs: int) -> str:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=browser_path(), args=["--no-sandbox", "--ignore-certificate-errors"]
        )
        found = await measured(browser, week, public, runs)
        await browser.close()
    return table(found)


def main(arguments: Sequence[str]) -> None:
    """Run the program."""
    try:
        browser_path()
    except pytest.skip.Exception as absent:
        sys.exit(str(absent))
    with running_week() as week, tempfile.TemporaryDirectory() as home:
        copies = {name: url.removeprefix("http://") for name, url in week.apis.urls.items()}
        with public_edge(Path(home), copies) as edge:
            public = replace(week, url=edge.url)
            tell(asyncio.run(_measure(week, public, int(arguments[0]) if arguments else RUNS)))


if __name__ == "__main__":
    main(sys.argv[1:])
