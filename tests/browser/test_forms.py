"""What a service refuses is shown where it was written."""

import pytest
from playwright.async_api import expect

from tests.browser.week import RunningWeek, Visit, join, violations

pytestmark = [pytest.mark.stack, pytest.mark.own_servers, pytest.mark.browser]


async def test_a_wrong_field_is_marked_described_and_reached_from_the_top(
    week: RunningWeek, visit: Visit
) -> None:
    page = await visit("/")
    await page.locator(".card a").first.click()
    await page.locator("button.main").first.click()
    # This week takes no mobile numbers.
    await expect(page.locator("label[for=contact]")).to_have_text("电子邮箱")
    # One district is to be written in one way.
    proposed = await page.locator("#district").evaluate(
        "(field) => [...field.list.options].map((one) => one.value)"
    )
    assert "华龙区" in proposed
    await page.fill("#name", "王小红")
    await page.fill("#contact", "wang@")
    await page.locator("form button.main").click()
    contact = page.locator("#contact")
    # At body.participant.email, which the form has as `contact`.
    await expect(contact).to_have_attribute("aria-invalid", "true")
    await expect(contact).to_have_attribute("aria-describedby", "contact-hint contact-wrong")
    await expect(page.locator("#contact-wrong")).to_contain_text("电子邮箱")
    await expect(page.locator("#name")).not_to_have_attribute("aria-invalid", "true")
    assert await violations(page) == []
    await page.locator("#trouble a").click()
    await expect(contact).to_be_focused()
    await page.fill("#contact", "wang-forms@example.org")
    await page.locator("form button.main").click()
    await expect(page.locator("[data-status=held]")).to_be_visible()


async def test_a_wrong_code_is_said_beside_its_field(week: RunningWeek, visit: Visit) -> None:
    page = await visit("/verify")
    await page.fill("#code", "KW-00000-00000")
    await page.click("main button.main")
    await expect(page.locator("#code")).to_have_attribute("aria-invalid", "true")
    await expect(page.locator("#code-wrong")).to_be_visible()
    # What is right is marked no more.
    await join(page, week)
    await page.goto("/data")
    await page.fill("#name", "李大明")
    await page.locator("form").first.locator("button").click()
    await expect(page.locator(".told")).to_be_visible()
    await expect(page.locator("[aria-invalid]")).to_have_count(0)
