"""A door: the camera scans a real ticket, and without a network nothing that the door does is lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import segno
from playwright.async_api import Error, Page, Route, async_playwright, expect

from ops.deployment import organisers
from ops.local.services import ORGANISERS_FILE
from tests.browser.conftest import PHONE, SLOW_MS
from tests.browser.week import RunningWeek, Visit, join, violations
from tests.support.programs import browser as browser_path
from tests.support.waiting import eventually

pytestmark = [pytest.mark.stack, pytest.mark.own_servers, pytest.mark.browser]

WIDTH, HEIGHT = 640, 480
DOTS_BORDER, PIXELS_A_DOT = 4, 7
FRAMES = 10


def film_of(text: str, file: Path) -> Path:
    """What a camera sees that a ticket is held in front of: a film without compression, grey."""
    rows = list(segno.make(text, micro=False).matrix_iter(PIXELS_A_DOT, DOTS_BORDER))
    left, above = (WIDTH - len(rows)) // 2, (HEIGHT - len(rows)) // 2
    grey = bytearray(b"\x90" * (WIDTH * HEIGHT))
    for y, row in enumerate(rows, above):
        grey[y * WIDTH + left : y * WIDTH + left + len(rows)] = bytes(30 if dark else 220 for dark in row)
    frame = b"FRAME\n" + bytes(grey) + b"\x80" * (WIDTH * HEIGHT // 2)
    with file.open("wb") as out:
        out.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F10:1 Ip A1:1 C420jpeg\n".encode())
        out.writelines([frame] * FRAMES)
    return file


async def session_now(week: RunningWeek) -> str:
    """A session that is on now, of this test alone."""
    now = datetime.now(UTC)
    session_id = f"door-{uuid4().hex[:8]}"
    one = {
        "session_id": session_id,
        "starts_at": (now - timedelta(minutes=30)).isoformat(),
        "ends_at": (now + timedelta(hours=1)).isoformat(),
        "venue": "市科技馆",
        "district": "华龙区",
        "capacity": 20,
    }
    body = {"title": "科普讲座", "organiser": "科学技术局", "kind": "lecture", "sessions": [one]}
    await week.organise("PUT", "registration", f"/activities/{session_id}", body)
    return session_id


async def ticket_of(week: RunningWeek, visit: Visit, session_id: str, places: int = 1) -> dict[str, Any]:
    """Somebody registers on a phone; the signed ticket and its code."""
    page = await visit()
    await join(page, week)
    token = await page.evaluate("JSON.parse(localStorage['kepu.account']).token")
    await page.context.close()
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid4().hex}
    url = f"{week.url}/api/registration"
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30) as client:
        answer = await client.post("/registrations", json={"session_id": session_id, "places": places})
        answer.raise_for_status()
        ticket = await client.get(f"/registrations/{answer.json()['registration_id']}/ticket")
    ticket.raise_for_status()
    found: dict[str, Any] = ticket.json()
    return found


@asynccontextmanager
async def with_camera(week: RunningWeek, film: Path) -> AsyncIterator[Page]:
    """A phone whose camera sees this film."""
    seen = [
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={film}",
    ]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=browser_path(), args=["--no-sandbox", *seen]
        )
        context = await browser.new_context(
            base_url=week.url, locale="zh-CN", viewport=PHONE, permissions=["camera"]
        )
        context.set_default_timeout(SLOW_MS)
        page = await context.new_page()
        yield page
        await browser.close()


async def sign_in(page: Page, key: str) -> None:
    await page.fill("#key", key)
    await page.get_by_role("button", name="登录").click()


async def opened(page: Page, week: RunningWeek, session_id: str) -> None:
    """The page of this door, with its list and kept on the device."""
    await page.goto(f"/door?session={session_id}")
    await sign_in(page, week.apis.organiser_key)
    await expect(page.locator("[data-unsent='0']")).to_be_visible()
    await eventually(lambda: page.evaluate("caches.match('/door').then(Boolean)"))


async def shows(page: Page, text: str, verdict: str) -> None:
    """A hand scanner types a ticket; the verdict on it."""
    await page.fill("#code", text)
    await page.press("#code", "Enter")
    await expect(page.locator(f"[data-verdict={verdict}]")).to_be_visible()
    if verdict != "ok":
        # When all is well the next one is asked for without a tap.
        await page.get_by_role("button", name="下一位").click()
    await expect(page.locator("[data-verdict]")).to_have_count(0)


async def scans_at(week: RunningWeek, session_id: str) -> list[tuple[str, int, bool]]:
    """What the service has: the verdict, the people and whether it is a conflict, of each scan."""
    found = await week.organise("GET", "registration", f"/sessions/{session_id}/scans")
    return [(one["verdict"], one["people"], one["conflict"]) for one in found["scans"]]


@pytest.mark.short
async def test_the_camera_scans_a_ticket_and_its_people_come_in_once(
    week: RunningWeek, visit: Visit, tmp_path: Path
) -> None:
    session_id = await session_now(week)
    ticket = (await ticket_of(week, visit, session_id, places=2))["ticket"]
    file = week.services.home / ORGANISERS_FILE
    key = organisers.add(file, f"gate-{uuid4().hex[:8]}", "door", datetime.now(UTC))
    # The services read the file of keys every two seconds.
    await asyncio.sleep(3)
    async with with_camera(week, film_of(ticket, tmp_path / "film.y4m")) as page:
        await page.goto("/door")
        await sign_in(page, key)
        await page.locator(f"[data-session={session_id}] a").click()
        await page.get_by_role("button", name="用摄像头扫码").click()
        await expect(page.locator("[data-verdict=ok]")).to_contain_text("请进")
        assert await violations(page) == []
        await expect(page.locator("[data-in='2']")).to_be_visible()
        await expect(page.locator("[data-verdict]")).to_have_count(0)
        await shows(page, ticket, "already_checked_in")
        await shows(page, ticket[:40] + ticket[60:], "unknown")
        assert await scans_at(week, session_id) == [
            ("ok", 2, False),
            ("already_checked_in", 0, False),
            ("unknown", 0, False),
        ]
        await page.get_by_role("button", name="撤销").click()
        await expect(page.locator("[data-in='0']")).to_be_visible()
        assert (await scans_at(week, session_id))[0] == ("ok", 0, False)


async def test_without_a_network_the_list_decides_and_all_is_sent_once_afterwards(
    week: RunningWeek, visit: Visit
) -> None:
    session_id = await session_now(week)
    one, other = [await ticket_of(week, visit, session_id) for _ in range(2)]
    page = await visit()
    await opened(page, week, session_id)
    await page.context.set_offline(True)
    # Another door lets somebody in, and this one cannot know.
    await week.organise(
        "POST", "registration", "/check-ins", {"ticket": other["ticket"], "session_id": session_id}
    )
    await shows(page, one["ticket"], "ok")
    await shows(page, one["ticket"], "already_checked_in")
    await shows(page, other["ticket"], "ok")
    await page.reload()
    await expect(page.locator("[data-unsent='3']")).to_be_visible()
    await expect(page.locator("[data-in='2']")).to_be_visible()
    await shows(page, one["ticket"], "already_checked_in")
    # Nobody can check a typed code without a network. Whoever is sent away is noted too.
    await page.fill("#code", one["ticket_code"])
    await page.press("#code", "Enter")
    await expect(page.locator("[data-verdict=unchecked]")).to_be_visible()
    assert await violations(page) == []
    await page.get_by_role("button", name="不让入场").click()
    await expect(page.locator("[data-unsent='5']")).to_be_visible()
    await page.get_by_role("button", name="退出登录").click()
    await expect(page.locator(".told")).to_contain_text("5")
    await page.context.set_offline(False)
    await expect(page.locator("[data-unsent='0']")).to_be_visible()
    await expect(page.locator("[data-conflict=already_checked_in]")).to_have_count(1)
    await expect(page.locator("[data-in='2']")).to_be_visible()
    await page.reload()
    await expect(page.locator("[data-unsent='0']")).to_be_visible()
    scans = await scans_at(week, session_id)
    assert sorted(scans) == sorted(
        [
            ("ok", 1, False),
            ("ok", 1, False),
            ("already_checked_in", 0, True),
            *[("already_checked_in", 0, False)] * 3,
        ]
    )


async def test_an_answer_that_comes_too_late_lets_nobody_in_twice(week: RunningWeek, visit: Visit) -> None:
    session_id = await session_now(week)
    ticket = (await ticket_of(week, visit, session_id))["ticket"]
    page = await visit()
    await opened(page, week, session_id)

    async def late(route: Route) -> None:
        # The service gets it, and the page does not get the answer in time.
        answer = await route.fetch()
        await asyncio.sleep(4)
        with suppress(Error):
            await route.fulfill(body=await answer.body(), status=answer.status)

    await page.context.route("**/check-ins", late)
    await shows(page, ticket, "ok")
    await shows(page, ticket, "already_checked_in")
    await expect(page.locator("[data-unsent='0']")).to_be_visible()
    await expect(page.locator("[data-in='1']")).to_be_visible()
    assert await scans_at(week, session_id) == [("ok", 1, False), ("already_checked_in", 0, False)]
    await expect(page.locator("[data-conflict]")).to_have_count(0)
