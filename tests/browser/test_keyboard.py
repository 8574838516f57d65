"""By keyboard alone, without motion where that is asked for, and in the colours of the device."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.test_citizens import started
from tests.browser.week import SAMPLE, RunningWeek, Visit, join, quiz_of, violations

pytestmark = [pytest.mark.stack, pytest.mark.own_servers, pytest.mark.browser]

# More than any page has between two things that are looked for. In a question with several answers each
# option is a stop, and a random paper may have many of these.
TABS_MAX = 150
FOCUSED = """
() => {
  const one = document.activeElement;
  // After the last thing of a page comes the browser's own.
  if (one === document.body) return {what: "", words: "", shown: true};
  const at = one.getBoundingClientRect(), style = getComputedStyle(one);
  const inside = at.bottom > 0 && at.top < innerHeight && at.right > 0 && at.left < innerWidth;
  const shown = style.outlineStyle !== "none" && inside;
  return {what: one.outerHTML.slice(0, 120), words: one.innerText, shown};
}
"""
IS = "(selector) => document.activeElement.matches(selector)"
MOVES = "() => [document.getAnimations().length, getComputedStyle(document.documentElement).scrollBehavior]"


async def at_once(visit: Visit) -> Page:
    """A page that scrolls at once to what has the focus, as somebody has asked for who wants no motion."""
    page = await visit("/")
    await page.emulate_media(reduced_motion="reduce")
    return page


async def tab_to(page: Page, selector: str, words: str = "") -> None:
    """Press Tab until the focus is there, and on these words. On the way it is always to be seen."""
    for _ in range(TABS_MAX):
        await page.keyboard.press("Tab")
        focused: dict[str, Any] = await page.evaluate(FOCUSED)
        assert focused["shown"], focused["what"]
        if words in focused["words"] and await page.evaluate(IS, selector):
            return
    raise AssertionError(f"{TABS_MAX} presses of Tab do not lead to {selector} {words}")


async def press(page: Page, words: str) -> None:
    """Press a button by keyboard."""
    await page.get_by_role("button", name=words, exact=True).wait_for()
    await tab_to(page, "button", words)
    await page.keyboard.press("Enter")


async def test_a_newcomer_gets_a_ticket_by_keyboard_alone(week: RunningWeek, visit: Visit) -> None:
    page = await at_once(visit)
    await page.locator(".card a").first.wait_for()
    # The first press offers the way over the menu.
    await page.keyboard.press("Tab")
    assert await page.evaluate(IS, "a.skip")
    await page.keyboard.press("Enter")
    await tab_to(page, ".card a")
    await page.keyboard.press("Enter")
    await page.locator("button.main").first.wait_for()
    await tab_to(page, "button.main")
    await page.keyboard.press("Enter")
    await page.locator("#name").wait_for()
    address = "keyboard-newcomer@example.org"
    for field, words in (("#name", "郑键盘"), ("#contact", address)):
        await tab_to(page, field)
        await page.keyboard.type(words)
    await tab_to(page, "form button.main")
    await page.keyboard.press("Enter")
    await expect(page.locator("[data-status=held]")).to_be_visible()
    await tab_to(page, "[data-status] a.main")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/sign-in?**")
    await page.locator("#code").wait_for()
    await tab_to(page, "#code")
    await page.keyboard.type(await week.code_of(address))
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/me")
    await page.locator(".ticket button.main").wait_for()
    await tab_to(page, ".ticket button.main")
    await page.keyboard.press("Enter")
    await expect(page.locator("img.code")).to_be_visible()


async def test_a_paper_is_answered_and_handed_in_by_keyboard_alone(week: RunningWeek, visit: Visit) -> None:
    page = await at_once(visit)
    await join(page, week)
    count = await started(page, await quiz_of(week))
    for n in range(count):
        await tab_to(page, "fieldset input")
        await page.keyboard.press("Space")
        await expect(page.locator(".number.done")).to_have_count(n + 1)
        if n < count - 1:
            await press(page, "下一题")
    await press(page, "看全部题目")
    await press(page, "交卷")
    await press(page, "确定交卷")
    await page.wait_for_url("**/result?*")
    await expect(page.locator("main .score").first).to_be_visible()


async def test_nothing_moves_for_those_who_want_no_motion(visit: Visit) -> None:
    page = await visit("/")
    await page.emulate_media(reduced_motion="reduce")
    for address in ("/", "/contest", f"/hall?quiz={SAMPLE}", f"/standings?quiz={SAMPLE}"):
        await page.goto(address)
        await page.locator("h1").first.wait_for()
        assert await page.evaluate("() => document.getAnimations().length") == 0
        assert (
            await page.evaluate("() => getComputedStyle(document.documentElement).scrollBehavior") == "auto"
        )


async def test_in_the_colours_of_the_device_all_is_still_there(week: RunningWeek, visit: Visit) -> None:
    page = await visit("/")
    await join(page, week)
    await page.emulate_media(forced_colors="active")
    for address in ("/", "/me", "/contest", "/sign-in", "/verify"):
        await page.goto(address)
        await page.locator("h1").first.wait_for()
        assert await violations(page) == []
        # What has the focus has a frame, whatever colours are forced.
        await page.keyboard.press("Tab")
        assert (await page.evaluate(FOCUSED))["shown"]
