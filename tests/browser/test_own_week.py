"""One's own week: tickets without a network, and another choice of places."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.week import RunningWeek, Visit, join

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
    await page.wait_for_function(
        "Object.values(localStorage).some((kept) => kept.includes('\"tickets\"') && kept.includes('<svg'))"
    )
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
