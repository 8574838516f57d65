"""Organisers run awards on the pages: a scheme, an award that is revoked and holds again, a public notice."""

from typing import Any
from uuid import uuid4

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.browser.week import RunningWeek, Visit, join, violations
from tests.support.waiting import eventually

pytestmark = [pytest.mark.stack, pytest.mark.own_servers, pytest.mark.browser]


async def sign_in(page: Page, week: RunningWeek) -> None:
    await page.goto("/organise-awards")
    await page.fill("#key", week.apis.organiser_key)
    await page.click("main button.main")
    await expect(page.get_by_role("button", name="新建奖项")).to_be_visible()


async def conferred_scheme(page: Page, title: str) -> str:
    """Make a scheme whose recipients organisers name, on the page; its id. It opens its page."""
    await page.goto("/organise-awards")
    await page.get_by_role("button", name="新建奖项").click()
    await page.fill("#title", title)
    await page.select_option("#rule", "conferred")
    scheme_id = await page.input_value("#scheme-id")
    await page.get_by_role("button", name="新建这个奖项").click()
    await page.wait_for_url("**/organise-scheme?id=*")
    await expect(page.locator("[data-status=announced]")).to_be_visible()
    return scheme_id


async def newcomer(week: RunningWeek) -> dict[str, Any]:
    """Somebody who has joined over the API: id and token."""
    async with httpx.AsyncClient(base_url=f"{week.url}/api/registration", timeout=30) as client:
        body = {"name": "孙小明", "email": f"{uuid4().hex[:12]}@example.org"}
        answer = await client.post("/participants", json=body)
    answer.raise_for_status()
    joined: dict[str, Any] = answer.json()
    return joined


async def as_participant(visit: Visit, who: dict[str, Any]) -> Page:
    """My week of somebody, on a device of their own."""
    page = await visit("/")
    await page.evaluate(
        "(who) => localStorage.setItem('kepu.account', JSON.stringify(who))",
        {name: who[name] for name in ("participant_id", "token", "verified")},
    )
    await page.goto("/me")
    return page


@pytest.mark.short
async def test_an_award_is_conferred_revoked_and_holds_again(week: RunningWeek, visit: Visit) -> None:
    who = await newcomer(week)
    page = await visit("/organise-awards")
    await sign_in(page, week)
    await conferred_scheme(page, "科普之星")
    await page.fill("#recipient", who["participant_id"])
    await page.get_by_role("button", name="授奖", exact=True).click()
    await expect(page.locator("[data-outcome=issued]")).to_be_visible()
    assert await violations(page) == []
    award = page.locator(".card[data-award]")
    code = await award.get_attribute("data-award")

    own = await as_participant(visit, who)
    await expect(own.locator("main")).to_contain_text("科普之星")
    other = await visit(f"/verify?code={code}")
    await expect(other.locator("[data-status=held]")).to_be_visible()

    await award.get_by_role("button", name="撤销").click()
    await page.fill("#reason", "颁发有误")
    assert await violations(page) == []
    await award.get_by_role("button", name="撤销奖项").click()
    await expect(page.locator(".card[data-award][data-status=revoked]")).to_be_visible()
    await other.reload()
    await expect(other.locator("[data-status=revoked]")).to_contain_text("颁发有误")

    await award.get_by_role("button", name="恢复有效").click()
    await award.get_by_role("button", name="现在恢复").click()
    await expect(page.locator(".card[data-award][data-status=held]")).to_be_visible()
    await other.reload()
    await expect(other.locator("[data-status=held]")).to_be_visible()

    # Names for the post, on the page and as a file.
    await page.fill("#opening-reason", "寄送奖品")
    await page.get_by_role("button", name="打开姓名").click()
    await expect(page.locator("section[aria-labelledby=winners] tbody tr")).to_contain_text("孙小明")
    assert await violations(page) == []
    await page.select_option("#way", "csv")
    async with page.expect_download() as downloaded:
        await page.get_by_role("button", name="打开姓名").click()
    assert "孙小明" in (await (await downloaded.value).path()).read_text("utf-8-sig")
    await page.get_by_role("button", name="收起姓名").click()
    await expect(page.locator("main")).not_to_contain_text("孙小明")


async def test_an_award_is_replaced_and_all_are_printed(week: RunningWeek, visit: Visit) -> None:
    who, other = await newcomer(week), await newcomer(week)
    page = await visit("/organise-awards")
    await sign_in(page, week)
    await conferred_scheme(page, "科普使者")
    for one in (who, other):
        await page.fill("#recipient", one["participant_id"])
        await page.get_by_role("button", name="授奖", exact=True).click()
        await expect(page.locator("[data-outcome=issued]")).to_be_visible()
    card = page.locator(".card[data-award]", has_text=other["participant_id"])
    before = await card.get_attribute("data-award")
    third = await newcomer(week)
    await card.get_by_role("button", name="替换").click()
    await page.fill("#instead", third["participant_id"])
    await page.fill("#reason", "同名，登记有误")
    assert await violations(page) == []
    await card.get_by_role("button", name="替换", exact=True).last.dblclick()
    await expect(page.locator(".told")).to_contain_text("已替换")
    verified = await visit(f"/verify?code={before}")
    await expect(verified.locator("[data-status=superseded]")).to_be_visible()

    await page.get_by_role("button", name="制作文件（2 份证书）").dblclick()
    await expect(page.locator("[data-print=done]")).to_have_count(1)
    assert await violations(page) == []
    async with page.expect_download() as downloaded:
        await page.get_by_role("button", name="下载文件 1").click()
    assert (await (await downloaded.value).path()).read_bytes().startswith(b"%PDF")


async def test_many_are_conferred_from_a_list_that_is_looked_at_first(
    week: RunningWeek, visit: Visit
) -> None:
    one, other = await newcomer(week), await newcomer(week)
    page = await visit("/organise-awards")
    await sign_in(page, week)
    await conferred_scheme(page, "科普志愿者")
    await page.get_by_text("一次授给多个").click()
    await page.fill("#list", f"{one['participant_id']}\nWRONG!")
    await page.get_by_role("button", name="先看一看").click()
    await expect(page.locator("main")).to_contain_text("需要改正 1 行")
    await expect(page.get_by_role("button", name="全部授奖")).to_have_count(0)
    await page.get_by_role("button", name="取消", exact=True).click()
    await page.fill("#list", f"{one['participant_id']}\t第一组\n{other['participant_id']}\nnobody-there")
    await page.get_by_role("button", name="先看一看").click()
    await page.get_by_role("button", name="全部授奖").click()
    await expect(page.locator("[data-outcome=many]")).to_contain_text("已授奖：2")
    await expect(page.locator("[data-outcome=many]")).to_contain_text("recipient_unknown")
    await expect(page.locator(".card[data-award]")).to_have_count(2)


async def test_after_a_notice_with_an_objection_the_others_get_their_award(
    week: RunningWeek, visit: Visit
) -> None:
    good, doubtful = await newcomer(week), await newcomer(week)
    citizen = await visit()
    await join(citizen, week)
    page = await visit("/organise-awards")
    await sign_in(page, week)
    scheme_id = await conferred_scheme(page, "科普先锋")
    await page.get_by_role("button", name="修改").click()
    await page.select_option("#issue", "after_notice")
    await page.fill("#days", "0")
    await page.fill("#seconds", "30")
    await page.get_by_role("button", name="保存").click()
    for who in (good, doubtful):
        await page.fill("#recipient", who["participant_id"])
        await page.get_by_role("button", name="提名", exact=True).click()
        await expect(page.get_by_role("region", name="表格：拟获奖者及依据")).to_contain_text(
            who["participant_id"]
        )
    await page.get_by_role("button", name="发布公示").click()
    await expect(page.locator("main")).to_contain_text("现有拟获奖者 2 个")
    await page.get_by_role("button", name="现在发布").click()
    await expect(page.locator("[data-notice=running]")).to_be_visible()

    await citizen.goto(f"/notice?scheme={scheme_id}")
    entry = citizen.locator(f"[data-recipient='{doubtful['participant_id']}']")
    await entry.get_by_role("button", name="提出异议").click()
    await citizen.fill("#why", "与去年的作品相同")
    assert await violations(citizen) == []
    await entry.get_by_role("button", name="提交异议").click()
    await expect(citizen.locator(".told")).to_contain_text("异议已收到")

    await page.reload()
    objection = page.locator("[data-objection]")
    await expect(objection).to_contain_text("与去年的作品相同")
    await objection.get_by_role("button", name="异议成立", exact=True).click()
    await page.fill("#reason", "经核实，情况属实")
    await objection.locator("form").get_by_role("button").click()
    await expect(objection).to_contain_text("异议成立，已排除")
    assert await violations(page) == []
    notice = f"/schemes/{scheme_id}/notice"
    await eventually(lambda: week.organise("GET", "awards", notice), lambda found: found["status"] == "ended")
    await page.reload()
    await page.get_by_role("button", name="确认公示").click()
    await page.get_by_role("button", name="确认并颁发").click()
    await expect(page.locator("[data-notice=final]")).to_be_visible()
    awards = page.locator(".card[data-award]")
    await expect(awards).to_have_count(1)
    await expect(awards).to_contain_text(good["participant_id"])


async def test_who_changes_what_another_has_changed_is_told_and_goes_on(
    week: RunningWeek, visit: Visit
) -> None:
    page = await visit("/organise-awards")
    await sign_in(page, week)
    scheme_id = await conferred_scheme(page, "科普能手")
    await page.get_by_role("button", name="修改").click()
    scheme = await week.organise("GET", "awards", f"/schemes/{scheme_id}")
    await week.organise("PUT", "awards", f"/schemes/{scheme_id}", scheme | {"title": "科普高手"})
    await page.fill("#title", "科普巧手")
    await page.get_by_role("button", name="保存").click()
    await expect(page.locator(".trouble")).to_contain_text("scheme_differs")
    await page.get_by_role("button", name="载入现在的内容").click()
    await expect(page.locator("#title")).to_have_value("科普高手")
    await page.fill("#title", "科普巧手")
    await page.get_by_role("button", name="保存").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("科普巧手")
    await page.get_by_role("button", name="删除").click()
    await page.locator("main .inset form").get_by_role("button", name="删除").click()
    await page.wait_for_url("**/organise-awards")
    await expect(page.locator(f"[data-scheme='{scheme_id}']")).to_have_count(0)
