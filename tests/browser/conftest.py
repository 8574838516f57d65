"""A real browser on the pages of a week that runs, with Kafka, MongoDB, the services and the edge."""

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

from ops.local.services import OVERVIEW, WEEK
from tests.browser.week import RunningWeek, Visit, running_week
from tests.support.programs import browser as browser_path

# The width of the smallest phones that are still sold, and of a page of 1,280 points at 400 %.
PHONE = ViewportSize(width=320, height=640)
# A refusal is shown to the reader. Browsers also write it into their log.
EXPECTED = re.compile(r"Failed to load resource")
SLOW_MS = 30_000
expect.set_options(timeout=SLOW_MS)


@pytest.fixture(scope="session")
def week() -> Iterator[RunningWeek]:
    """A week with the sample's programme and contest. Each test has people and contests of its own."""
    browser_path()
    with running_week((*WEEK, OVERVIEW)) as week:
        yield week


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
