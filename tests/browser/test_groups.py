"""Schools and organisations: managers, members, bookings, a guardian's consent, and a code on paper."""

from uuid import uuid4

import pytest
from playwright.async_api import Page, expect

from tests.browser.week import RunningWeek, Visit, join, violations

pytestmark = [pytest.mark.stack, pytest.mark.own_servers, pytest.mark.browser]

ROSTER = "姓名,班级,编号\n张二,1班,2\n李三,1班,3\n,1班,4\n".encode()


async def managed(page: Page, week: RunningWeek) -> str:
    """Join, and become the manager of a new school; its id."""
    group_id = f"school-{uuid4().hex[:8]}"
    school = {"name": f"濮阳市第{group_id[-4:]}中学", "kind": "school", "district": "华龙区"}
    await week.organise("PUT", "registration", f"/groups/{group_id}", school)
    invitation = await week.organise("POST", "registration", f"/groups/{group_id}/managers")
    await join(page, week, "王老师")
    await page.goto("/groups")
    await page.fill("#invitation_code", invitation["invitation_code"])
    await page.get_by_role("button", name="接受邀请").click()
    await page.wait_for_url(f"**/group?id={group_id}")
    return group_id


@pytest.mark.short
async def test_a_manager_enters_members_by_hand_and_by_a_file_and_books_for_them(
    week: RunningWeek, visit: Visit
) -> None:
    page = await visit()
    group_id = await managed(page, week)
    await page.get_by_role("button", name="添加成员").click()
    await page.fill("#name", "陈一")
    assert await violations(page) == []
    await page.get_by_role("button", name="保存").click()
    members = page.locator("[data-member]")
    await expect(members).to_have_count(1)
    await page.set_input_files("#file", {"name": "名册.csv", "mimeType": "", "buffer": ROSTER})
    await page.get_by_role("button", name="先看一看").click()
    await expect(page.locator("[data-status=previewed]")).to_contain_text("第 4 行")
    assert await violations(page) == []
    await page.get_by_role("button", name="只导入没有错误的行").click()
    await expect(members).to_have_count(3)
    await page.goto(f"/group?id={group_id}&session=outreach-street-0520-pm")
    await page.get_by_role("button", name="全选").click()
    assert await violations(page) == []
    await page.get_by_role("button", name="提交报名").click()
    booked = page.locator("[data-registration]")
    await expect(booked).to_contain_text("3 人")
    async with page.expect_download() as downloaded:
        await booked.get_by_role("button", name="打印门票").click()
    assert (await (await downloaded.value).path()).read_bytes().startswith(b"%PDF")
    await booked.get_by_role("button", name="更改参加的人").click()
    await booked.get_by_label("陈一").uncheck()
    await booked.get_by_role("button", name="保存").click()
    await expect(booked).to_contain_text("2 人")
    await booked.get_by_role("button", name="取消报名").click()
    await booked.get_by_role("button", name="确定取消").click()
    await expect(booked).to_have_count(0)
    await members.first.get_by_role("button", name="移除").click()
    await members.first.get_by_role("button", name="确定移除").click()
    await expect(members).to_have_count(2)


async def test_a_guardian_agrees_by_a_link_and_a_member_claims_by_a_code(
    week: RunningWeek, visit: Visit
) -> None:
    page = await visit()
    group_id = await managed(page, week)
    await page.get_by_role("button", name="添加成员").click()
    await page.fill("#name", "陈小一")
    await page.check("#is_minor")
    await page.get_by_role("button", name="保存").click()
    member = page.locator("[data-member]")
    await member.get_by_role("button", name="给监护人的链接").click()
    link = await member.get_by_role("link").get_attribute("href")
    assert link is not None
    guardian = await visit(link)
    await guardian.fill("#guardian", "陈大一")
    assert await violations(guardian) == []
    await guardian.get_by_role("button", name="我同意").click()
    await expect(guardian.locator("[data-status=given]")).to_be_visible()
    await member.get_by_role("button", name="监护人同意了吗").click()
    await expect(member).to_contain_text("陈大一")
    await guardian.get_by_role("button", name="撤回同意").click()
    await guardian.get_by_role("button", name="确定撤回").click()
    await expect(guardian.locator("[data-status=revoked]")).to_be_visible()
    await page.get_by_role("button", name="给还没认领的人发码").click()
    code = await page.locator("td code").inner_text()
    child = await visit("/groups")
    await child.select_option("#group_id", group_id)
    await child.fill("#claim_code", "WRONG1-WRONG1")
    await child.get_by_role("button", name="成为成员").click()
    await expect(child.locator("#claim_code")).to_have_attribute("aria-invalid", "true")
    await child.fill("#claim_code", code)
    await child.get_by_role("button", name="成为成员").click()
    await expect(child.locator(".told")).to_contain_text("成员")
    assert await violations(child) == []
    await page.reload()
    await expect(member).to_contain_text("已认领")


async def test_who_applies_for_a_school_is_told_that_it_has_arrived(week: RunningWeek, visit: Visit) -> None:
    page = await visit(language="en")
    await join(page, week)
    await page.goto("/groups")
    await page.fill("#name", f"School {uuid4().hex[:8]}")
    await page.fill("#district", "华龙区")
    await page.get_by_role("button", name="Apply").click()
    await expect(page.locator(".told")).to_contain_text("arrived")


async def test_a_manager_changes_what_is_said_of_the_own_group(week: RunningWeek, visit: Visit) -> None:
    page = await visit()
    group_id = await managed(page, week)
    await page.get_by_role("button", name="修改", exact=True).click()
    await page.fill("#name", "濮阳市新一中")
    await page.fill("#contact-email", "li@example.org")
    await page.get_by_role("button", name="保存").click()
    # Whom organisers write to has a name.
    await expect(page.locator("#contact-name")).to_have_attribute("aria-invalid", "true")
    await page.fill("#contact-name", "李老师")
    assert await violations(page) == []
    await page.get_by_role("button", name="保存").click()
    await expect(page.locator("h1")).to_have_text("濮阳市新一中")
    group = await week.organise("GET", "registration", f"/groups/{group_id}")
    assert group["name"] == "濮阳市新一中"
