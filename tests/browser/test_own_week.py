"""One's own week: tickets without a network, and another choice of places."""

import re
from functools import partial

import pytest
from playwright.async_api import Page, expect

from tests.browser.test_citizens import answer, started
from tests.browser.week import RunningWeek, Visit, join, quiz_of
from tests.support.waiting import eventually

pytestmark = [pytest.mark.stack, pytest.mark.own_servers, pytest.mark.browser]


async def registered(page: Page, week: RunningWeek) -> None:
    """Join, and register for the first session that takes people."""
    await join(page, week)
    await page.goto("/")
    await page.locator(".card a").first.click()
    await page.locator("button.main").first.click()
    await page.locator("form button.main").click()
    await expect(page.locator("[data-status=confirmed]")).to_be_visible()


async def test_without_a_network_the_ticket_is_shown_until_its_owner_signs_out(
    week: RunningWeek, visit: Visit
) -> None:
    page = await visit()
    await registered(page, week)
    await page.goto("/me")
    # It is there for paper, and so it is kept.
    await expect(page.locator("img.code")).to_have_count(1)
    await page.evaluate("navigator.serviceWorker.ready")
    await page.context.set_offline(True)
    await page.reload()
    await expect(page.locator("main")).to_contain_text("以下是")
    await page.get_by_role("button", name="出示门票").click()
    picture = page.locator("img.code")
    await expect(picture).to_be_visible()
    assert await picture.evaluate("(image) => image.decode().then(() => image.naturalWidth > 0)")
    await page.context.set_offline(False)
    await expect(page.locator("main")).not_to_contain_text("以下是")
    await page.get_by_role("button", name="退出登录").click()
    await page.wait_for_url("**/")
    kept = await page.evaluate("Object.keys(localStorage).filter((name) => name.startsWith('kepu.week'))")
    assert kept == []


async def test_a_registration_is_changed_to_another_session_and_another_number(
    week: RunningWeek, visit: Visit
) -> None:
    page = await visit()
    await join(page, week, "周六")
    await page.goto("/activity?id=outreach-street")
    await page.locator("button.main").first.click()
    await expect(page.locator("form").locator("..")).to_contain_text("以 周六 的名义报名")
    await page.locator("form button.main").click()
    await expect(page.locator("[data-status=confirmed]")).to_be_visible()
    # To another session, to another number there, and the same once more, which is another ticket too.
    people = "1"
    for places, at_another in (("1", True), ("2", False), ("2", False)):
        await page.goto("/me")
        before, [ticket] = await page.locator(".ticket .time").inner_text(), await kept_tickets(page)
        await page.locator(".ticket").get_by_role("link", name="改报").click()
        await page.get_by_role("button", name=re.compile("改到这一场|改人数")).last.click()
        # As many as before, unless one says otherwise: nobody loses a place by not looking.
        await expect(page.locator("#places")).to_have_value(people)
        people = places
        await page.select_option("#places", places)
        await page.locator("form button.main").click()
        await expect(page.locator("[data-status=confirmed]")).to_be_visible()
        await page.goto("/me")
        await eventually(partial(kept_tickets, page), partial(is_another, ticket))
        await expect(page.locator(".ticket")).to_have_count(1)
        await expect(page.locator(".ticket")).to_contain_text(f"{places} 人")
        if at_another:
            await expect(page.locator(".ticket .time")).not_to_have_text(before)


def is_another(ticket: str, kept: list[str]) -> bool:
    return len(kept) == 1 and kept != [ticket]


async def kept_tickets(page: Page) -> list[str]:
    """The pictures of the tickets that this device keeps, as soon as there are some."""
    tickets = """() => Object.keys(localStorage).filter((name) => name.startsWith("kepu.week."))
        .flatMap((name) => Object.values(JSON.parse(localStorage.getItem(name)).tickets))"""
    return list(await eventually(partial(page.evaluate, tickets)))


async def test_on_paper_each_ticket_has_a_page_of_its_own_and_a_list_has_no_controls(
    week: RunningWeek, visit: Visit
) -> None:
    page = await visit()
    await registered(page, week)
    token = await page.evaluate("JSON.parse(localStorage['kepu.account']).token")
    booking = {"session_id": "outreach-street-0521-am", "places": 1}
    await week.take_part(token, "POST", "registration", "/registrations", booking)
    await page.goto("/me")
    # Both are there, and none is shown: nobody has asked for it.
    await expect(page.locator("img.code")).to_have_count(2)
    await expect(page.locator("img.code").first).to_be_hidden()
    await page.emulate_media(media="print", color_scheme="dark")
    picture = page.locator("img.code").first
    await expect(picture).to_be_visible()
    assert (await picture.bounding_box() or {"width": 0})["width"] > 250
    await expect(page.locator("h1")).to_be_hidden()
    await expect(page.locator("main button:visible")).to_have_count(0)
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert len(re.findall(rb"/Type\s*/Page\b", await page.pdf())) == 2
    await page.goto("/")
    await page.locator(".card").first.wait_for()
    await expect(page.locator(".filters")).to_be_hidden()
    await expect(page.locator(".card a").first).to_be_visible()


async def test_on_another_device_ones_result_is_found(week: RunningWeek, visit: Visit) -> None:
    page = await visit()
    address = await join(page, week)
    quiz_id = await quiz_of(week)
    await started(page, quiz_id)
    await answer(page)
    await page.get_by_role("button", name="看全部题目").click()
    await page.get_by_role("button", name="交卷").click()
    await page.get_by_role("button", name="确定交卷").click()
    await page.wait_for_url("**/result?*")
    other = await visit("/sign-in")
    await other.fill("#contact", address)
    await other.click("main button.main")
    await other.fill("#code", await week.code_of(address, 2))
    await other.click("main button.main")
    await other.wait_for_url("**/me")
    await other.goto("/contest")
    await other.locator(f"[data-quiz={quiz_id}]").get_by_role("link", name="我的成绩").click()
    await expect(other.locator("[data-status=graded] .score")).to_be_visible()
    # In another contest this person has none.
    another = await quiz_of(week)
    await other.goto(f"/result?quiz={another}")
    await expect(other.locator("main")).to_contain_text("您还没有参加这次竞赛")
