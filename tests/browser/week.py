"""A week that runs, as tests of the pages need it, and what people do on its pages."""

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from uuid import uuid4

import httpx
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import BrowserContext, Page, ViewportSize

from ops.commands.deployment import load_pieces
from ops.demo.run import week_of_now
from ops.deployment.description import Apis
from ops.local.edge import EDGE
from ops.local.services import WEEK, Part, Services, running
from shared.contracts import topics
from shared.messaging.create_topics import create_missing
from tests.support.servers import own_stack
from tests.support.waiting import eventually

# The contest of the sample.
SAMPLE = "puyang-2023-contest"
# Of axe: WCAG 2.2 AA, and what is good besides.
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_CODE = re.compile(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}\b")


class Visit(Protocol):
    """
    Open a page as somebody with a device of their own.

    `language`: of the device. `context`: that of an earlier page, for another tab of the same device.
    """

    async def __call__(
        self,
        path: str = "/",
        *,
        language: str = "zh-CN",
        context: BrowserContext | None = None,
        viewport: ViewportSize = ...,
    ) -> Page: ...


@dataclass(frozen=True, slots=True)
class RunningWeek:
    """The services behind one address."""

    services: Services
    url: str
    apis: Apis

    async def code_of(self, address: str, nth: int = 1) -> str:
        """The first code that was mailed to an address, or the nth. Waits for it."""

        def codes() -> list[str]:
            lines = self.services.mail_file.read_text().splitlines()
            bodies = [mail["body"] for mail in map(json.loads, lines) if address in mail["to"]]
            return [code for body in bodies for code in _CODE.findall(body)]

        return (await eventually(codes, lambda found: len(found) >= nth))[nth - 1]

    async def organise(self, method: str, service: str, path: str, body: object = None) -> Any:
        """A request of an organiser, through the edge."""
        return await self._ask({"X-Organiser-Key": self.apis.organiser_key}, method, service, path, body)

    async def take_part(self, token: str, method: str, service: str, path: str, body: object = None) -> Any:
        """A request of somebody who takes part, through the edge."""
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid4().hex}
        return await self._ask(headers, method, service, path, body)

    async def _ask(self, headers: dict[str, str], method: str, service: str, path: str, body: object) -> Any:
        base = f"{self.url}/api/{service}"
        async with httpx.AsyncClient(base_url=base, headers=headers, timeout=30) as client:
            answer = await client.request(method, path, json=body)
        answer.raise_for_status()
        return answer.json()


@contextmanager
def running_week(parts: tuple[Part, ...] = WEEK) -> Iterator[RunningWeek]:
    """A week with the sample's programme and contest, on servers of its own."""
    with own_stack() as stack:
        # A place is held until its contact is verified.
        services = Services(stack, parts, detached=False, with_pages=True, hold_minutes=30)
        wanted = topics.with_optional(part.service for part in parts)
        asyncio.run(create_missing(stack.kafka_connection, 1, wanted))
        with running(services) as up:
            assert load_pieces(week_of_now(), up.apis) == []
            # Service workers and cameras work at localhost without TLS.
            yield RunningWeek(up, up.url(EDGE).replace("127.0.0.1", "localhost"), up.apis)


async def quiz_of(week: RunningWeek, **changes: object) -> str:
    """A contest that shows points at once, of this test alone."""
    definition = await week.organise("GET", "quiz", f"/quizzes/{SAMPLE}/definition")
    now = datetime.now(UTC)
    definition |= {
        "shows_scores": "at_once",
        "opens_at": (now - timedelta(minutes=1)).isoformat(),
        "closes_at": (now + timedelta(hours=2)).isoformat(),
        "attempts_per_day": 3,
        **changes,
    }
    quiz_id = f"pages-{int(now.timestamp() * 1000)}"
    await week.organise("PUT", "quiz", f"/quizzes/{quiz_id}", definition)
    return quiz_id


async def join(page: Page, week: RunningWeek, name: str = "李小明") -> str:
    """Join on the page to sign in, with the code from the mail; the address that was given."""
    address = f"{uuid4().hex[:12]}@example.org"
    await page.goto("/sign-in?join=")
    await page.fill("#name", name)
    await page.fill("#contact", address)
    await page.fill("#district", "华龙区")
    await page.click("main button.main")
    await page.fill("#code", await week.code_of(address))
    await page.click("main button.main")
    await page.wait_for_url("**/me")
    await page.locator("main h2").first.wait_for()
    return address


async def sign_in_organiser(page: Page, key: str) -> None:
    """Sign in on the organisers' pages of this device."""
    await page.goto("/organise")
    await page.fill("#key", key)
    await page.click("main button.main")
    await page.locator("footer button.link").wait_for()


async def violations(page: Page, *rules: str) -> list[str]:
    """What axe finds on a page as it is now, by these rules; by default all."""
    # A page that has not drawn itself yet has no heading.
    await page.locator("h1").first.wait_for()
    only = {"type": "rule", "values": rules} if rules else {"type": "tag", "values": TAGS}
    options = {"runOnly": only}
    found = (await Axe().run(page, options=options)).response["violations"]
    return [f"{page.url}: {one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]
