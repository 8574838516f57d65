"""Pages with all that can be on them: axe finds nothing, and Chinese on an English page says that it is."""

from typing import Any, NamedTuple

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.browser.week import RunningWeek, Visit, join, quiz_of, violations
from tests.support.waiting import eventually

pytestmark = [pytest.mark.stack, pytest.mark.own_servers, pytest.mark.browser]

# The Chinese texts whose language is not said.
UNSPOKEN = r"""() => {
    const walker = document.createTreeWalker(document.getElementById('page'), NodeFilter.SHOW_TEXT);
    const found = [];
    while (walker.nextNode()) {
        const { data, parentElement } = walker.currentNode;
        if (/[\u3400-\u9fff]/.test(data) && !parentElement.closest('[lang]').lang.startsWith('zh'))
            found.push(data.trim());
    }
    return found;
}"""


class Full(NamedTuple):
    """What somebody has who took part in everything."""

    quiz_id: str
    attempt_id: str
    award_code: str


async def took_part_in_everything(page: Page, week: RunningWeek) -> Full:
    """Somebody with a place, a result in a contest that is closed, an award and messages."""
    await join(page, week, "Li Ming")
    account = await page.evaluate("JSON.parse(localStorage['kepu.account'])")
    token, participant_id = account["token"], account["participant_id"]
    booking = {"session_id": "outreach-street-0521-am", "places": 2}
    await week.take_part(token, "POST", "registration", "/registrations", booking)
    quiz_id = await quiz_of(week, least_plausible_seconds=None)
    paper = await week.take_part(token, "POST", "quiz", f"/quizzes/{quiz_id}/attempts", {})
    attempt = f"/attempts/{paper['attempt_id']}"
    answers = {"answers": {question["id"]: "A" for question in paper["questions"]}}
    await week.take_part(paper["attempt_token"], "POST", "quiz", f"{attempt}/submission", answers)
    await week.organise("POST", "quiz", f"/quizzes/{quiz_id}/close")
    await eventually(
        lambda: week.take_part(token, "GET", "quiz", f"/quizzes/{quiz_id}"),
        lambda quiz: quiz["status"] == "closed",
    )
    await eventually(
        lambda: week.take_part(token, "GET", "quiz", f"/quizzes/{quiz_id}/standings"),
        lambda board: board["standings"],
    )
    award = {"scheme_id": "science-base-plaque", "recipient_id": participant_id}

    async def conferred() -> Any:
        # Awards learns a moment later who has joined.
        try:
            return await week.organise("POST", "awards", "/awards", award)
        except httpx.HTTPStatusError:
            return None

    await eventually(conferred)
    awards = await eventually(
        lambda: week.take_part(token, "GET", "awards", "/me/awards"), lambda found: found["awards"]
    )
    await eventually(
        lambda: week.take_part(token, "GET", "notifications", "/inbox"), lambda found: found["messages"]
    )
    return Full(quiz_id, paper["attempt_id"], awards["awards"][0]["award_code"])


async def test_axe_finds_nothing_on_pages_with_content_and_chinese_says_that_it_is(
    week: RunningWeek, visit: Visit
) -> None:
    page = await visit(language="en")
    full = await took_part_in_everything(page, week)
    found: list[str] = []

    async def look() -> None:
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme)
            found.extend(await violations(page))
        found.extend(f"{page.url}: {text} has no language" for text in await page.evaluate(UNSPOKEN))

    await page.goto("/me")
    await page.get_by_role("button", name="Show the ticket").click()
    await expect(page.locator("img.code")).to_be_visible()
    await page.get_by_role("button", name="Cancel").click()
    await expect(page.get_by_role("link", name="Check and share")).to_be_visible()
    await look()
    await page.goto("/inbox")
    await page.locator("summary").first.click()
    await look()
    await page.goto(f"/standings?quiz={full.quiz_id}")
    await expect(page.locator("tr.yours")).to_be_visible()
    await look()
    await page.goto(f"/result?quiz={full.quiz_id}&attempt={full.attempt_id}")
    await page.get_by_role("button", name="See the answers").click()
    await expect(page.locator("h3").first).to_be_visible()
    await look()
    await page.goto(f"/verify?code={full.award_code}")
    await expect(page.locator("[data-status=held]")).to_be_visible()
    await look()
    await page.goto("/activity?id=outreach-street")
    await page.locator("button.main").first.click()
    await expect(page.locator("form")).to_be_visible()
    await look()
    for path in ("/", "/contest"):
        await page.goto(path)
        await page.locator(".card").first.wait_for()
        await look()
    assert found == []
