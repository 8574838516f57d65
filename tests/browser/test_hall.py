"""The screen of a hall: results appear by themselves, a freeze holds, and the end is shown place by place."""

from typing import Any

import httpx
import pytest
from playwright.async_api import Page, ViewportSize, expect

from tests.browser.week import RunningWeek, Visit, join, quiz_of, violations
from tests.support.waiting import eventually

pytestmark = [pytest.mark.stack, pytest.mark.own_servers, pytest.mark.browser]

SCREEN = ViewportSize(width=1920, height=1080)
ROWS = "table.hall tbody tr"


async def somebody_sits(week: RunningWeek, visit: Visit, quiz_id: str) -> None:
    """Somebody starts an attempt and submits it, with the first answer of each question."""
    page = await visit()
    await join(page, week)
    token = await page.evaluate("JSON.parse(localStorage['kepu.account']).token")
    await page.context.close()
    async with httpx.AsyncClient(base_url=f"{week.url}/api/quiz", timeout=30) as client:
        by = {"Authorization": f"Bearer {token}"}
        paper = (await client.post(f"/quizzes/{quiz_id}/attempts", json={}, headers=by)).json()
        body = {"answers": {one["id"]: one["options"][0]["id"] for one in paper["questions"]}}
        by = {"Authorization": f"Bearer {paper['attempt_token']}"}
        answer = await client.post(f"/attempts/{paper['attempt_id']}/submission", json=body, headers=by)
    answer.raise_for_status()


async def standings_of(week: RunningWeek, quiz_id: str) -> dict[str, Any]:
    found: dict[str, Any] = await week.organise("GET", "quiz", f"/quizzes/{quiz_id}/standings")
    return found


async def state_is(page: Page, state: str) -> None:
    await expect(page.locator(f"[data-state={state}]")).to_be_visible()


@pytest.mark.short
async def test_results_appear_a_freeze_holds_and_the_end_is_shown_place_by_place(
    week: RunningWeek, visit: Visit
) -> None:
    quiz_id = await quiz_of(week, least_plausible_seconds=None, duration_seconds=20, grace_seconds=5)
    page = await visit(f"/hall?quiz={quiz_id}", viewport=SCREEN)
    # A row that is just fading in has no contrast yet.
    await page.emulate_media(reduced_motion="reduce")
    await state_is(page, "live")
    await somebody_sits(week, visit, quiz_id)
    await expect(page.locator(ROWS)).to_have_count(1)
    await week.organise("POST", "quiz", f"/quizzes/{quiz_id}/standings/freeze")
    await state_is(page, "frozen")
    assert await violations(page) == []
    await page.wait_for_timeout(3_000)
    await somebody_sits(week, visit, quiz_id)
    await week.organise("POST", "quiz", f"/quizzes/{quiz_id}/close")
    await eventually(lambda: standings_of(week, quiz_id), lambda found: found["final"])
    await state_is(page, "revealing")
    # Nobody in the hall has seen the end yet.
    await expect(page.locator(ROWS)).to_have_count(1)
    await page.keyboard.press("ArrowRight")
    await expect(page.locator(ROWS)).to_have_count(2)
    await expect(page.locator(f"{ROWS}[data-hidden]")).to_have_count(1)
    await page.reload()
    await expect(page.locator(f"{ROWS}[data-hidden]")).to_have_count(1)
    assert await violations(page) == []
    await page.keyboard.press("PageDown")
    await state_is(page, "final")
    await expect(page.locator(f"{ROWS}[data-hidden]")).to_have_count(0)


async def test_the_slides_of_a_ceremony_run_below_the_address_of_awards(
    week: RunningWeek, visit: Visit
) -> None:
    scheme = (await week.organise("GET", "awards", "/schemes"))["schemes"][0]["scheme_id"]
    body = {"title": "颁奖典礼", "items": [{"scheme_id": scheme}]}
    await week.organise("PUT", "awards", "/ceremonies/hall-test", body)
    link = await week.organise("POST", "awards", "/ceremonies/hall-test/hall-link")
    page = await visit(f"/api/awards/hall/{link['hall_code']}", viewport=SCREEN)
    # The script and the style are there: only the first slide is seen.
    await expect(page.locator("html.running")).to_have_count(1)
    colour = await page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert colour == "rgb(11, 31, 58)"
