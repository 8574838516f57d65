"""Every page in both languages: axe finds nothing, and nothing is wider than a phone."""

import tomllib

import pytest
from playwright.async_api import Page

from pages.build import SITE
from tests.browser.week import SAMPLE, RunningWeek, Visit, join, sign_in_organiser, violations

pytestmark = [pytest.mark.stack, pytest.mark.own_servers, pytest.mark.browser]

PAGES = [name for name in tomllib.loads((SITE / "pages.toml").read_text()) if name != "paper"]
# One press after the other, and then it is as before.
SIZES = {"zh-CN": ("大字", "特大字", "标准字"), "en": ("Large type", "Largest type", "Normal type")}


async def addresses(week: RunningWeek) -> list[str]:
    """An address of each page."""
    first = (await week.organise("GET", "registration", "/activities"))["activities"][0]
    scheme = (await week.organise("GET", "awards", "/schemes"))["schemes"][0]["scheme_id"]
    asked = {
        "activity": f"?id={first['activity_id']}",
        "organise-activity": f"?id={first['activity_id']}",
        "organise-session": f"?id={first['sessions'][0]['session_id']}",
        "organise-scheme": f"?id={scheme}",
        "standings": f"?quiz={SAMPLE}",
        "hall": f"?quiz={SAMPLE}",
        "result": f"?quiz={SAMPLE}&attempt=none",
        **{name: f"?quiz={SAMPLE}" for name in PAGES if name.startswith("organise-contest")},
    }
    return [f"/{'' if name == 'index' else name}{asked.get(name, '')}" for name in PAGES]


async def settled(page: Page) -> None:
    await page.wait_for_load_state("networkidle")
    await page.locator("h1").wait_for()


async def is_too_wide(page: Page) -> bool:
    return bool(
        await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    )


@pytest.mark.parametrize("language", [pytest.param("zh-CN", marks=pytest.mark.short), "en"])
async def test_axe_finds_nothing_on_any_page_in_light_and_dark_and_none_is_too_wide(
    week: RunningWeek, visit: Visit, language: str
) -> None:
    page = await visit(language=language)
    await join(page, week)
    await sign_in_organiser(page, week.apis.organiser_key)
    found: list[str] = []
    for address in await addresses(week):
        await page.goto(address)
        await settled(page)
        await page.emulate_media(color_scheme="light")
        found += await violations(page)
        # In the dark a page has other colours, and nothing else.
        await page.emulate_media(color_scheme="dark")
        found += await violations(page, "color-contrast")
        if await is_too_wide(page):
            found.append(f"{address} is wider than a phone")
        for size in SIZES[language]:
            await page.get_by_role("button", name=size, exact=True).click()
            if await is_too_wide(page):
                found.append(f"{address} is wider than a phone after {size}")
    assert found == []


async def test_axe_finds_what_is_wrong(visit: Visit) -> None:
    page = await visit("/help")
    await settled(page)
    assert await violations(page) == []
    await page.evaluate("document.querySelector('main').append(document.createElement('input'))")
    assert any(": label: " in one for one in await violations(page))
