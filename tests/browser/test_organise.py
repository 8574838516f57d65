"""Organisers' overview: what happens appears on the open page, and what fails is said with what to do."""

import re
from uuid import uuid4

import httpx
import pytest
from playwright.async_api import Page, expect

from ops.local.services import OVERVIEW
from tests.browser.week import RunningWeek, Visit, violations

pytestmark = [pytest.mark.stack, pytest.mark.own_servers, pytest.mark.browser]
# The page asks every five seconds, and the services are asked as often.
SEEN_MS = 40_000


async def signed_in(visit: Visit, week: RunningWeek, language: str = "zh-CN") -> Page:
    page = await visit("/organise", language=language)
    await page.fill("#key", week.apis.organiser_key)
    await page.click("main button.main")
    return page


async def book(week: RunningWeek) -> None:
    """Register somebody whom an organiser knows, so that the place is confirmed at once."""
    async with httpx.AsyncClient(base_url=week.apis.registration, headers=week.apis.organiser) as client:
        activities = (await client.get("/activities?limit=100")).json()["activities"]
        sessions = [one for activity in activities for one in activity["sessions"] if one["open"]]
        [session] = [one for one in sessions if one["free"] > 0][:1]
        key = {"Idempotency-Key": uuid4().hex}
        answer = await client.post(
            f"/sessions/{session['session_id']}/registrations",
            json={"person": {"name": "李奶奶"}},
            headers=key,
        )
        answer.raise_for_status()


@pytest.mark.short
async def test_a_registration_appears_on_the_open_page(week: RunningWeek, visit: Visit) -> None:
    page = await signed_in(visit, week)
    figure = page.locator("[data-figure=registrations]")
    # Other tests have registered people, too.
    await expect(figure.locator(".score")).to_have_text(re.compile(r"^\d+$"))
    before = int(await figure.locator(".score").inner_text())
    await expect(page.locator("main")).to_contain_text("科学")
    assert await violations(page) == []
    await book(week)
    await expect(figure.locator(".score")).to_have_text(str(before + 1), timeout=SEEN_MS)
    await expect(figure.locator("svg path").last).to_have_attribute("d", re.compile("M59|M58"))
    await page.get_by_text("最近一小时（表格）").click()
    await expect(page.locator("details tbody tr").first).to_be_visible()
    assert await violations(page) == []
    await page.locator("main h3 a[href^='/organise-contest?quiz=']").first.wait_for()


async def test_a_week_without_anything_says_where_to_begin(week: RunningWeek, visit: Visit) -> None:
    page = await visit("/organise", language="en")
    nothing: dict[str, object] = {"quizzes": [], "activities": [], "after": None}
    for asked in ("**/api/quiz/quizzes?*", "**/api/registration/activities?*"):
        await page.route(asked, lambda route: route.fulfill(json=nothing))
    await page.fill("#key", week.apis.organiser_key)
    await page.click("main button.main")
    steps = page.get_by_role("heading", name="First steps").locator("..").get_by_role("link")
    await expect(steps).to_have_count(4)
    assert await violations(page) == []
    for address in [await one.get_attribute("href") for one in await steps.all()]:
        await page.goto(str(address))
        await expect(page.locator("h1")).to_be_visible()
        await expect(page.locator("#trouble")).to_be_empty()


async def test_what_does_not_work_is_said_with_what_to_do(week: RunningWeek, visit: Visit) -> None:
    page = await signed_in(visit, week, language="en")
    await expect(page.locator("[data-health=ok]")).to_be_visible(timeout=SEEN_MS)
    week.services.kill("awards")
    failing = page.locator("[data-health=failing]")
    await expect(failing).to_contain_text("Awards: no answer", timeout=SEEN_MS)
    await expect(failing).to_contain_text("Call the operator now")
    await expect(failing).to_contain_text("KepuServiceGone")
    assert await violations(page) == []
    week.services.start("awards")
    await expect(page.locator("[data-health=ok]")).to_be_visible(timeout=SEEN_MS)


async def test_without_its_service_the_rest_of_the_page_is_there(week: RunningWeek, visit: Visit) -> None:
    week.services.stop(OVERVIEW.name)
    page = await signed_in(visit, week, language="en")
    await expect(page.locator("main .trouble")).to_contain_text(
        "The live figures are missing", timeout=SEEN_MS
    )
    await expect(page.locator("main h3 a[href^='/organise-contest?quiz=']").first).to_be_visible()
    assert await violations(page) == []
    week.services.start(OVERVIEW.name)
    await expect(page.locator("[data-figure=registrations]")).to_be_visible(timeout=SEEN_MS)
    await expect(page.locator("main .trouble")).to_have_count(0)
