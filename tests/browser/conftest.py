"""A real browser on the pages of a week that runs, with Kafka, MongoDB, the services and the edge."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import (
    BrowserContext,
    ConsoleMessage,
    Page,
    ViewportSize,
    async_playwright,
    expect,
)

from ops.commands.deployment import load_pieces
from ops.demo.run import week_of_now
from ops.local.edge import EDGE
from ops.local.services import WEEK, Services, running
from shared.contracts import topics
from shared.messaging.create_topics import create_missing
from tests.browser.week import RunningWeek, Visit
from tests.support.programs import browser as browser_path
from tests.support.servers import own_stack

# The width of the smallest phones that are still sold, and of a page of 1,280 points at 400 %.
PHONE = ViewportSize(width=320, height=640)
# A refusal is shown to the reader. Browsers also write it into their log.
EXPECTED = re.compile(r"Failed to load resource")
SLOW_MS = 30_000
expect.set_options(timeout=SLOW_MS)


@pytest.fixture(scope="module")
def week(request: pytest.FixtureRequest) -> Iterator[RunningWeek]:
    """
    A week with the sample's programme and contest. A place is held until its contact is verified.

    A module that needs more processes than those of the week names all in `PARTS`.
    """
    parts = getattr(request.module, "PARTS", WEEK)
    browser_path()
    with own_stack() as stack:
        services = Services(stack, parts, detached=False, with_pages=True, hold_minutes=30)
        wanted = topics.with_optional(part.service for part in parts)
        asyncio.run(create_missing(stack.kafka_connection, 1, wanted))
        with running(services) as up:
            assert load_pieces(week_of_now(), up.apis) == []
            # Service workers and cameras work at localhost without TLS.
            yield RunningWeek(up, up.url(EDGE).replace("127.0.0.1", "localhost"), up.apis)


@pytest.fixture
async def visit(week: RunningWeek) -> AsyncIterator[Visit]:
    """Opens pages. What browsers write into their log about a page must be nothing but refusals."""
    errors: list[str] = []
    async with async_playwright() as playwright:
        # Without its sandbox: CI runs as root, and it visits only pages of this checkout.
        browser = await playwright.chromium.launch(executable_path=browser_path(), args=["--no-sandbox"])

        async def visit(
            path: str = "/",
            *,
            language: str = "zh-CN",
            context: BrowserContext | None = None,
            viewport: ViewportSize = PHONE,
        ) -> Page:
            if context is None:
                context = await browser.new_context(base_url=week.url, locale=language, viewport=viewport)
                context.set_default_timeout(SLOW_MS)
            page = await context.new_page()
            page.on("pageerror", lambda error: errors.append(f"{page.url}: {error}"))
            page.on("console", lambda said: errors.extend(_unexpected(said)))
            await page.goto(path)
            return page

        yield visit
        await browser.close()
    assert errors == []


def _unexpected(said: ConsoleMessage) -> list[str]:
    wrong = said.type in {"error", "warning"} and not EXPECTED.search(said.text)
    return [f"{said.location}: {said.text}"] if wrong else []
