"""Organisers keep the programme, its people and the messages on pages; citizens see what they did."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.browser.week import RunningWeek, Visit, join, violations

pytestmark = [pytest.mark.stack, pytest.mark.own_servers, pytest.mark.browser]

# Messages go through Kafka before they are in an inbox.
LOOKS = 60


async def organising(visit: Visit, week: RunningWeek, path: str) -> Page:
    """This page, on a device where an organiser has just signed in."""
    page = await visit(path)
    await page.fill("#key", week.apis.organiser_key)
    await page.locator("main button.main").click()
    await expect(page.locator("#key")).to_have_count(0)
    return page


async def looked_again(page: Page, path: str, words: str) -> None:
    """Load a page until it says this."""
    for _ in range(LOOKS):
        await page.goto(path)
        try:
            await expect(page.locator("main")).to_contain_text(words, timeout=1_000)
            break
        except AssertionError:
            continue
    await expect(page.locator("main")).to_contain_text(words)


async def made(week: RunningWeek) -> dict[str, Any]:
    """An activity of this test alone, with one session, two days from now."""
    title = f"讲座{datetime.now(UTC).timestamp():.6f}"
    activity_id = f"lecture-{title[2:].replace('.', '-')}"
    sample = (await week.organise("GET", "registration", "/activities"))["activities"][-1]["sessions"][0]
    session = sample | {"session_id": f"{activity_id}-1", "admits": "anyone", "capacity": 20}
    body = {"title": title, "organiser": "市科协", "kind": "lecture", "sessions": [session]}
    put: dict[str, Any] = await week.organise("PUT", "registration", f"/activities/{activity_id}", body)
    return put


async def token_of(page: Page) -> str:
    return str(await page.evaluate("JSON.parse(localStorage.getItem('kepu.account')).token"))


@pytest.mark.short
async def test_an_activity_is_made_booked_written_to_and_cancelled(week: RunningWeek, visit: Visit) -> None:
    title = f"星空观测{datetime.now(UTC).timestamp():.0f}"
    page = await organising(visit, week, "/organise-programme")
    await page.get_by_role("link", name="新建活动").click()
    await page.fill("#title", title)
    await page.fill("#organiser", "市科协")
    await page.fill("[id='sessions.0.venue']", "市图书馆")
    await page.fill("[id='sessions.0.district']", "华龙区")
    await page.uncheck("#draft")
    await page.get_by_role("button", name="保存", exact=True).click()
    await expect(page.locator(".told")).to_contain_text("市民现在可以看到")
    assert await violations(page) == []

    citizen = await visit("/")
    await join(citizen, week)
    await citizen.goto("/")
    await citizen.fill("#words", title)
    await citizen.get_by_role("link", name=title).click()
    await citizen.get_by_role("button", name="我要报名").click()
    await citizen.locator("form button.main").click()
    await expect(citizen.locator("[data-status=confirmed]")).to_be_visible()

    await page.goto("/organise-programme")
    await page.fill("#words", title)
    await page.get_by_role("link", name=title, exact=True).click()
    await expect(page.locator("[data-registration]")).to_have_count(1)
    await page.fill("#subject", "请带外套")
    await page.fill("#message", "晚上很冷，请带外套。")
    await page.get_by_role("button", name="先看看效果").click()
    await expect(page.locator("main")).to_contain_text("将发给 1 位报名者")
    assert await violations(page) == []
    await page.get_by_role("button", name="发给 1 人").click()
    await expect(page.locator("[data-message]")).to_contain_text("已通知 1 人")
    await looked_again(citizen, "/inbox", "请带外套")

    await page.get_by_role("button", name="取消这个场次").click()
    await expect(page.locator("main")).to_contain_text("通知 1 位报名者")
    await page.fill("#text", "因大雨取消，感谢理解")
    await page.get_by_role("button", name="确定取消并通知").click()
    await expect(page.locator(".told")).to_contain_text("已取消")
    await looked_again(citizen, "/inbox", "报名取消通知")
    await citizen.goto("/me")
    await expect(citizen.locator("main")).to_contain_text("您还没有报名")


async def test_what_somebody_else_has_changed_is_not_overwritten(week: RunningWeek, visit: Visit) -> None:
    activity = await made(week)
    page = await organising(visit, week, f"/organise-activity?id={activity['activity_id']}")
    await page.fill("#title", "我的标题")
    other = activity | {"title": "别人的标题"}
    await week.organise("PUT", "registration", f"/activities/{activity['activity_id']}", other)
    await page.get_by_role("button", name="保存", exact=True).click()
    await expect(page.locator(".trouble")).to_contain_text("version_differs")
    await page.get_by_role("button", name="载入现在的内容").click()
    await expect(page.locator("#title")).to_have_value("别人的标题")
    await page.fill("#title", "我们的标题")
    await page.get_by_role("button", name="增加一个场次").click()
    await page.get_by_role("button", name="保存", exact=True).click()
    await expect(page.locator(".told")).to_be_visible()
    now = await week.organise("GET", "registration", f"/activities/{activity['activity_id']}")
    assert (now["title"], len(now["sessions"])) == ("我们的标题", 2)


async def test_volunteers_are_accepted_and_people_registered_for_others(
    week: RunningWeek, visit: Visit
) -> None:
    session_id = (await made(week))["sessions"][0]["session_id"]
    page = await organising(visit, week, f"/organise-session?id={session_id}")
    await page.get_by_role("button", name="增加班次").click()
    await page.fill("#duty", "讲解员")
    await page.get_by_role("button", name="保存", exact=True).click()
    await expect(page.locator("main")).to_contain_text("还缺 1 名志愿者")

    citizen = await visit("/")
    await join(citizen, week, "赵志愿")
    shifts = await week.organise("GET", "registration", f"/sessions/{session_id}/shifts")
    wanted = {"session_id": session_id, "shift_id": shifts["shifts"][0]["shift_id"]}
    bearer = {"authorization": f"Bearer {await token_of(citizen)}"}
    async with httpx.AsyncClient(base_url=f"{week.url}/api/registration", headers=bearer) as client:
        (await client.post("/me/shifts", json=wanted)).raise_for_status()
    await page.reload()
    await page.get_by_text("打开姓名和联系方式", exact=True).click()
    await page.fill("#why", "排班")
    await page.get_by_role("button", name="打开", exact=True).click()
    await expect(page.locator("main")).to_contain_text("赵志愿")
    await page.get_by_role("button", name="接受").click()
    await expect(page.locator("main")).to_contain_text("已排 1 人")

    await page.get_by_text("替别人报名", exact=True).click()
    await page.fill("#name", "李奶奶")
    await page.get_by_role("button", name="报名", exact=True).click()
    await expect(page.locator("[data-status=confirmed]")).to_contain_text("入场码")
    await expect(page.locator("[data-registration]")).to_have_count(1)
    assert await violations(page) == []
    async with page.expect_download() as downloaded:
        await page.get_by_role("button", name="下载名单（CSV）").click()
    assert "confirmed" in (await (await downloaded.value).path()).read_text()


async def test_a_school_that_applies_is_approved(week: RunningWeek, visit: Visit) -> None:
    citizen = await visit("/")
    await join(citizen, week, "王老师")
    name = f"第{datetime.now(UTC).timestamp():.0f}中学"
    bearer = {"authorization": f"Bearer {await token_of(citizen)}"}
    async with httpx.AsyncClient(base_url=f"{week.url}/api/registration", headers=bearer) as client:
        body = {"name": name, "kind": "school", "district": "华龙区"}
        (await client.post("/groups", json=body)).raise_for_status()
    page = await organising(visit, week, "/organise-groups")
    one = page.locator("[data-application]", has_text=name)
    await one.get_by_role("button", name="同意").click()
    assert await violations(page) == []
    await one.get_by_role("button", name="同意").click()
    await expect(page.locator(".told")).to_contain_text("已同意")
    await page.fill("#words", name)
    group = page.locator("[data-group]")
    await group.get_by_role("button", name="管理").click()
    await group.get_by_role("button", name="邀请管理员").click()
    await expect(group).to_contain_text("邀请码：")
    assert await violations(page) == []


async def test_messages_are_counted_by_way_and_state(week: RunningWeek, visit: Visit) -> None:
    page = await organising(visit, week, "/organise-messages")
    await expect(page.locator("table")).to_contain_text("已送达")
    await page.select_option("#state", "delivered")
    await page.select_option("#channel", "email")
    await expect(page.locator("main .trouble")).to_have_count(0)
    await page.locator("#session option").nth(1).wait_for(state="attached")
    await page.select_option("#session", index=1)
    await expect(page.locator("#subject")).to_be_visible()
    assert await violations(page) == []
