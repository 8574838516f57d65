"""Organisers run draws, selections and ceremonies on the pages."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.test_organise_awards import as_participant, conferred_scheme, newcomer, sign_in
from tests.browser.test_quality import is_too_wide, settled
from tests.browser.week import RunningWeek, Visit, violations
from tests.support.waiting import eventually

pytestmark = [pytest.mark.stack, pytest.mark.own_servers, pytest.mark.browser]

NOTICE_SECONDS = 5
SECRET = "k7Qm2ZxV9bTn4LsR8wYc3HpJ6dGf5AaE"


async def scheme_of(week: RunningWeek, scheme_id: str, rule: str) -> None:
    scheme = {"title": scheme_id, "kind": "prize", "rule": {"type": rule}}
    await week.organise("PUT", "awards", f"/schemes/{scheme_id}", scheme)


async def known_person(week: RunningWeek) -> dict[str, Any]:
    """Somebody of whom awards has heard: id and token."""
    person = await newcomer(week)
    who: str = person["participant_id"]
    await scheme_of(week, "known", "conferred")
    body = {"recipients": [{"recipient_id": who}]}

    async def outcome() -> Any:
        answer = await week.organise("POST", "awards", "/schemes/known/conferrals", body)
        return answer["outcomes"][0]["outcome"]

    await eventually(outcome, lambda said: said != "refused")
    return person


async def known(week: RunningWeek) -> str:
    """The id of such a person."""
    return str((await known_person(week))["participant_id"])


def local(hours: float) -> str:
    """A moment by the clocks of the week's city, as a field has it."""
    return f"{datetime.now(UTC) + timedelta(hours=8 + hours):%Y-%m-%dT%H:%M}"


async def test_a_draw_is_prepared_frozen_and_held(week: RunningWeek, visit: Visit) -> None:
    entrants = [await known(week) for _ in range(3)]
    await scheme_of(week, "lucky", "drawn")
    page = await visit("/organise-awards")
    await sign_in(page, week)
    await page.goto("/organise-draws")
    await page.get_by_role("button", name="新建抽签").click()
    await page.fill("#title", "幸运奖")
    await page.fill("#prizes", "幸运奖 1")
    await page.fill("#reserves", "1")
    await page.select_option("#entrants", "named")
    await page.select_option("#source-0", "commitment")
    await page.fill("#says-0", "公证员")
    await page.fill("#sha-0", hashlib.sha256(SECRET.encode()).hexdigest())
    assert await violations(page) == []
    await page.get_by_role("button", name="新建这个抽签").click()
    await page.wait_for_url("**/organise-draws?id=*")
    await page.fill("#entrants-list", "\n".join(entrants))
    await page.get_by_role("button", name="加入", exact=True).click()
    await expect(page.locator("main")).to_contain_text("名单上现有 3")
    await page.get_by_role("button", name="固定并公布名单").click()
    await page.get_by_role("button", name="现在固定并公布").click()
    await expect(page.locator("[data-state=announced]")).to_be_visible()
    await page.get_by_role("button", name="抽签", exact=True).click()
    await page.fill("#given-0", SECRET)
    await page.get_by_role("button", name="现在抽签").click()
    await expect(page.locator("[data-drawn]")).to_have_count(2)
    assert await violations(page) == []
    await page.get_by_role("button", name="不符合条件").first.click()
    await page.fill("#reason", "工作人员")
    await page.get_by_role("button", name="收回奖项").click()
    await expect(page.locator("[data-drawn]").nth(0)).to_contain_text("工作人员")
    await expect(page.locator("[data-drawn]").nth(1)).to_contain_text("幸运奖")
    await page.get_by_role("link", name="公开页面").click()
    await expect(page.locator("h1")).to_contain_text("幸运奖")


async def test_a_ceremony_has_a_script_proxies_and_a_link_for_the_hall(
    week: RunningWeek, visit: Visit
) -> None:
    who = await known(week)
    page = await visit("/organise-awards")
    await sign_in(page, week)
    scheme_id = await conferred_scheme(page, "典礼奖")
    await week.organise("POST", "awards", "/awards", {"scheme_id": scheme_id, "recipient_id": who})
    await page.goto("/organise-ceremonies")
    await page.get_by_role("button", name="新建典礼").click()
    await page.fill("#title", "颁奖典礼")
    await page.select_option("#item-scheme", scheme_id)
    await page.fill("#presenter", "市科协主席")
    assert await violations(page) == []
    await page.get_by_role("button", name="新建这个典礼").click()
    await page.wait_for_url("**/organise-ceremonies?id=*")
    await page.get_by_role("button", name="已颁发").click()
    await expect(page.locator("[data-award]")).to_contain_text("其实没有颁发")
    await page.fill("#receiver-name", "李大明")
    await page.get_by_role("button", name="保存").click()
    await expect(page.locator("main")).to_contain_text("李大明 替")
    await page.get_by_role("button", name="加一个奖项").click()
    await page.select_option("#item-scheme", "known")
    await page.locator("form", has=page.locator("#item-scheme")).get_by_role("button", name="保存").click()
    await expect(page.locator("main ol > li")).to_have_count(2)
    await page.get_by_role("button", name="提前").click()
    await expect(page.locator("main ol > li").first).to_contain_text("known")
    await page.get_by_role("button", name="生成链接").click()
    await page.get_by_role("button", name="现在生成").click()
    assert await violations(page) == []
    hall = await visit(await page.input_value("#hall-link"))
    await expect(hall.locator("body")).to_contain_text("颁奖典礼")


async def test_a_selection_goes_from_nominees_to_winners(week: RunningWeek, visit: Visit) -> None:
    nominees, expert = [await known(week) for _ in range(2)], await known_person(week)
    await scheme_of(week, "finest", "selected")
    page = await visit("/organise-awards")
    await sign_in(page, week)
    await page.goto("/organise-selections")
    await page.get_by_role("button", name="新建评选").click()
    await page.fill("#title", "最美科技工作者评选")
    await page.fill("#places", "1")
    await page.fill("#most", "2")
    for name, hours in (("from", -1.0), ("until", 1.0), ("scoring", 2.0)):
        await page.fill(f"#{name}", local(hours))
    await page.fill("#days", "0")
    await page.fill("#seconds", str(NOTICE_SECONDS))
    await page.fill("#criteria", "科技贡献 60 100\n科普实绩 40 100")
    await page.fill("#experts-each", "1")
    assert await violations(page) == []
    await page.get_by_role("button", name="新建这个评选").click()
    await page.wait_for_url("**/organise-selections?id=*")
    await expect(page.locator("[data-phase=nominating]")).to_be_visible()
    await page.get_by_text("推荐人选", exact=True).click()
    for one in nominees:
        await page.fill("#nominee", one)
        await page.fill("#statement", "扎根一线二十年")
        await page.get_by_role("button", name="推荐", exact=True).click()
        card = page.locator(f"[data-nominee='{one}']")
        await card.get_by_role("button", name="记录").click()
        await expect(card).to_contain_text("符合条件")
    await page.fill("#expert-list", expert["participant_id"])
    await page.get_by_role("button", name="指定", exact=True).click()
    await expect(page.locator("main")).to_contain_text("评 0 个人选")
    await expect(page.locator(".good")).to_have_count(2)
    # Once scored, it ended when it ended.
    until = local(-0.5)
    await ends(page, until=until, scoring=local(1))
    await page.get_by_role("button", name="把人选分配给专家").click()
    await expect(page.locator("main")).to_contain_text("评 2 个人选")
    assert await violations(page) == []
    await judge_as(visit, expert, page.url.partition("id=")[2], nominees)
    await ends(page, until=until, scoring=local(-0.1))
    await expect(page.locator("[data-phase=ranking]")).to_be_visible()
    assert await violations(page) == []
    await page.get_by_role("button", name="公布候选人").click()
    assert await violations(page) == []
    await page.get_by_role("button", name="现在公布").dblclick()
    # Nobody objects while the notice runs.
    await expect(page.locator("[data-phase=notice]")).to_be_visible()
    await page.wait_for_timeout(NOTICE_SECONDS * 1000)
    await page.reload()
    await page.get_by_role("button", name="记录表决结果").click()
    await page.fill("#members", "5")
    for one, votes in zip(nominees, ("4", "1"), strict=True):
        await page.fill(f"#for-{one}", votes)
    assert await violations(page) == []
    await page.get_by_role("button", name="正式记录").dblclick()
    await expect(page.locator("[data-phase=decided]")).to_be_visible()
    await expect(page.locator("section[aria-labelledby=candidates] li", has_text="当选")).to_have_count(1)


async def judge_as(visit: Visit, expert: dict[str, Any], selection_id: str, nominees: list[str]) -> None:
    """Read about each nominee as their expert, and give points; the first is better."""
    own = await as_participant(visit, expert)
    await own.goto(f"/selection?id={selection_id}")
    for one, points in zip(nominees, ("90", "60"), strict=True):
        card = own.locator(f"[data-nominee='{one}']")
        await card.get_by_role("button", name="查看推荐理由").click()
        await expect(card).to_contain_text("扎根一线二十年")
        for field in await card.locator("input[type=number]").all():
            await field.fill(points)
        assert await violations(own) == []
        await card.get_by_role("button", name="保存分数").dblclick()
        await expect(card).to_have_attribute("data-version", "1")
    await expect(own.locator("#judge")).to_contain_text("已评 2 / 2")


async def test_a_citizen_nominates_and_withdraws(week: RunningWeek, visit: Visit) -> None:
    who, other = await known_person(week), await known(week)
    await scheme_of(week, "helpers", "selected")
    now = datetime.now(UTC)
    await week.organise(
        "PUT",
        "awards",
        "/selections/helpers",
        {
            "title": "优秀科普志愿者评选",
            "scheme_id": "helpers",
            "places": 1,
            "candidates_at_most": 2,
            "nominations_from": (now - timedelta(hours=1)).isoformat(),
            "nominations_until": (now + timedelta(hours=1)).isoformat(),
            "scoring_until": (now + timedelta(hours=2)).isoformat(),
            "criteria": [{"id": "work", "title": "服务", "weight": 1, "points_max": 10}],
        },
    )
    own = await as_participant(visit, who)
    await own.get_by_role("link", name="评选", exact=True).click()
    await own.get_by_role("link", name="优秀科普志愿者评选").click()
    assert await violations(own) == []
    await own.fill("#statement", "每天都来")
    await own.get_by_role("button", name="提交推荐").dblclick()
    await expect(own.locator(".told")).to_contain_text("推荐已保存")
    # Somebody whom nobody knows is told beside the field.
    await own.select_option("#nominee", "other")
    await own.fill("#other", "nobody-there")
    await own.fill("#statement", "很好")
    await own.get_by_role("button", name="提交推荐").click()
    await expect(own.locator(".trouble")).to_be_visible()
    await own.fill("#other", other)
    await own.get_by_role("button", name="提交推荐").click()
    await expect(own.locator(".told")).to_contain_text("推荐已保存")
    await own.get_by_text("我不想被推荐").click()
    await own.get_by_role("button", name="永久退出").click()
    await expect(own.locator(".told")).to_contain_text("您已退出")
    nominees = (await week.organise("GET", "awards", "/selections/helpers/nominees"))["nominees"]
    assert {one["participant_id"]: one["withdrawn"] for one in nominees} == {
        who["participant_id"]: True,
        other: False,
    }


async def ends(page: Page, *, until: str, scoring: str) -> None:
    """Change the times of a selection on its page."""
    await page.get_by_role("button", name="修改").click()
    await page.fill("#until", until)
    await page.fill("#scoring", scoring)
    await page.get_by_role("button", name="保存").click()
    await expect(page.locator("[data-phase]")).to_be_visible()


@pytest.mark.parametrize("language", ["zh-CN", "en"])
async def test_axe_finds_nothing_on_pages_about_awards_and_none_is_too_wide(
    week: RunningWeek, visit: Visit, language: str
) -> None:
    page = await visit("/organise-awards", language=language)
    await page.fill("#key", week.apis.organiser_key)
    await page.click("main button.main")
    schemes = (await week.organise("GET", "awards", "/schemes"))["schemes"]
    found: list[str] = []
    for address in (
        "/organise-awards",
        *(f"/organise-scheme?id={one['scheme_id']}" for one in schemes[:3]),
        "/organise-draws",
        "/organise-selections",
        "/organise-ceremonies",
        "/notice",
    ):
        await page.goto(address)
        await settled(page)
        if address != "/notice" and await page.locator("main button.main").count():
            await page.locator("main button.main").first.click()
        found += await violations(page)
        if await is_too_wide(page):
            found.append(f"{address} is wider than a phone")
    assert found == []
