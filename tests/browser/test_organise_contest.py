"""Organisers run a contest on the pages, from a file of questions to the final standings."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from playwright.async_api import FilePayload, Page, Request, expect

from ops.deployment import organisers
from ops.local.services import ORGANISERS_FILE
from tests.browser.week import SAMPLE, RunningWeek, Visit, join, sign_in_organiser, violations
from tests.support.waiting import eventually

pytestmark = [pytest.mark.stack, pytest.mark.own_servers, pytest.mark.browser]

# The grace, what the log may need, and the grading.
CLOSED_MS = 90_000
# Services read the file of keys every two seconds.
KEY_KNOWN_SECONDS = 3
HEADINGS = "编号,知识领域,难度,题型,题目,A,B,C,D,答案,解析,来源"


def questions_file(*lines: str) -> FilePayload:
    content = "\n".join((HEADINGS, *lines)).encode()
    return FilePayload(name="questions.csv", mimeType="text/csv", buffer=content)


def question_line(topic: str, n: int, key: str = "A") -> str:
    return f",{topic},易,单选,{topic}第 {n} 题：下列哪一项正确？,第一项,第二项,第三项,第四项,{key},,自编"


def local(moment: datetime) -> str:
    """As a field of the page says it, in the week's time zone."""
    return f"{moment.astimezone(ZoneInfo('Asia/Shanghai')):%Y-%m-%dT%H:%M}"


async def second_key(week: RunningWeek, name: str) -> str:
    """The key of another organiser, as soon as the services know it."""
    key = organisers.add(week.services.home / ORGANISERS_FILE, name, "organiser", datetime.now(UTC))
    # Asking earlier would count as trying wrong keys.
    await asyncio.sleep(KEY_KNOWN_SECONDS)
    return key


async def quiz_of(week: RunningWeek) -> str:
    """A contest that is open, of this test alone."""
    definition = await week.organise("GET", "quiz", f"/quizzes/{SAMPLE}/definition")
    now = datetime.now(UTC)
    definition |= {
        "admits": "anyone",
        "shows_scores": "at_once",
        "opens_at": (now - timedelta(minutes=1)).isoformat(),
        "closes_at": (now + timedelta(hours=2)).isoformat(),
    }
    quiz_id = f"organised-{int(now.timestamp() * 1000)}"
    await week.organise("PUT", "quiz", f"/quizzes/{quiz_id}", definition)
    return quiz_id


async def sit(visit: Visit, week: RunningWeek, quiz_id: str) -> dict[str, Any]:
    """Somebody joins and hands in over the API: A everywhere. The attempt."""
    citizen = await visit()
    await join(citizen, week)
    token = await citizen.evaluate("JSON.parse(localStorage.getItem('kepu.account')).token")
    async with httpx.AsyncClient(base_url=f"{week.url}/api/quiz", timeout=30) as client:
        started = await client.post(
            f"/quizzes/{quiz_id}/attempts", json={}, headers={"Authorization": f"Bearer {token}"}
        )
        started.raise_for_status()
        attempt: dict[str, Any] = started.json()
        handed_in = await client.post(
            f"/attempts/{attempt['attempt_id']}/submission",
            json={"answers": {one["id"]: "A" for one in attempt["questions"]}},
            headers={"Authorization": f"Bearer {attempt['attempt_token']}"},
        )
        handed_in.raise_for_status()
    return attempt


async def import_file(page: Page, file: FilePayload) -> None:
    await page.select_option("#format", "csv")
    await page.set_input_files("#file", [file])
    await page.locator("main form button.main").click()


@pytest.mark.short
async def test_an_organiser_runs_a_contest_from_a_file_of_questions_to_the_final_standings(
    week: RunningWeek, visit: Visit
) -> None:
    page, other = await visit(), await visit()
    await sign_in_organiser(page, week.apis.organiser_key)
    await sign_in_organiser(other, await second_key(week, "science-desk"))
    topic = "海洋与极地"
    # A file with a mistake says so by its line, and nothing is imported.
    await page.goto("/organise-bank-import")
    assert await violations(page) == []
    lines = [question_line(topic, n) for n in range(1, 5)]
    await import_file(page, questions_file(*lines, question_line(topic, 5, "E")))
    await expect(page.locator("tbody tr")).to_have_count(1)
    await expect(page.locator("tbody td").first).to_have_text("6")
    assert await violations(page) == []
    await page.get_by_role("button", name="换一个文件").click()
    await import_file(page, questions_file(*lines))
    # What was read is there to be compared with the file, the right answer marked.
    await expect(page.locator("[data-line]")).to_have_count(4)
    await expect(page.locator("[data-line='2'] li strong")).to_have_count(1)
    assert await violations(page) == []
    await page.get_by_role("button", name="导入 4 题").dblclick()
    await expect(page.locator("[data-status=imported]")).to_be_visible()
    # Whoever imported them cannot review them; somebody else does.
    await page.goto(f"/organise-bank?topic={topic}")
    await expect(page.locator("[data-status=draft]")).to_have_count(4)
    await expect(page.locator("main")).to_contain_text("须由另一人")
    await other.goto(f"/organise-bank?topic={topic}&status=draft")
    assert await violations(other) == []
    await other.get_by_role("button", name="全部审核通过").click()
    await other.get_by_role("button", name="确定全部通过").click()
    await expect(other.locator("[data-status=reviewed]")).to_have_count(4)
    quiz_id = await published(page, topic)
    await sit(visit, week, quiz_id)
    # The monitor is renewed by itself.
    await expect(page.locator("dd .score")).to_have_text("1")
    await expect(page.locator("tbody tr")).to_have_count(1)
    await page.get_by_role("button", name="封榜", exact=True).click()
    await expect(page.get_by_role("button", name="解除封榜")).to_be_visible()
    await page.get_by_role("button", name="解除封榜").click()
    await page.fill("#later", local(datetime.now(UTC) + timedelta(hours=3)))
    await page.get_by_role("button", name="延长竞赛").click()
    await expect(page.locator(".told")).to_contain_text("结束时间改为")
    await close(page, quiz_id)
    quiz = await week.organise("GET", "quiz", f"/quizzes/{quiz_id}")
    assert quiz["status"] == "closed"
    async with page.expect_download() as downloaded:
        await page.get_by_role("button", name="全部排名").click()
    assert len((await (await downloaded.value).path()).read_text().splitlines()) == 2
    # The way to its awards shows no others, and proposes it for a new one.
    await page.get_by_role("link", name="为本竞赛颁发").click()
    await expect(page.locator("main")).to_contain_text("这场竞赛成绩颁发的奖项：海洋知识竞赛")
    await expect(page.locator("[data-scheme]")).to_have_count(0)
    await page.get_by_role("button", name="新建奖项").click()
    await page.select_option("#rule", "pass_mark")
    await expect(page.locator("#quiz")).to_have_value(quiz_id)
    assert await violations(page) == []


async def published(page: Page, topic: str) -> str:
    """Write a contest with the questions of a topic, see a paper, and publish it; its id."""
    await page.goto("/organise-contest")
    await page.get_by_role("link", name="新建竞赛").click()
    await page.fill("#title", "海洋知识竞赛")
    now = datetime.now(UTC)
    await page.fill("#opens", local(now - timedelta(minutes=2)))
    await page.fill("#closes", local(now + timedelta(hours=2)))
    await page.get_by_role("button", name=f"全部选用：{topic}").click()
    await page.fill("#line-0", "3")
    await page.get_by_role("button", name="保存草稿").dblclick()
    await expect(page.get_by_role("button", name="发布……")).to_be_visible()
    assert await violations(page) == []
    await page.get_by_role("link", name="按参赛者的样子").click()
    await expect(page.locator("fieldset")).to_have_count(3)
    await page.locator("fieldset label.option").first.click()
    await page.get_by_role("button", name="查看评分").click()
    await expect(page.locator(".score")).to_be_visible()
    await page.get_by_role("link", name="返回草稿").click()
    await page.get_by_role("button", name="发布……").click()
    await expect(page.locator("main .next")).to_contain_text("不能更改")
    await page.get_by_role("button", name="确定发布").dblclick()
    await page.wait_for_url("**/organise-contest?quiz=*")
    await page.locator("[data-status=open]").wait_for()
    return page.url.partition("quiz=")[2]


async def close(page: Page, quiz_id: str) -> None:
    """Close on the page, with a double click, and see the standings become final."""
    closings: list[str] = []

    def asked(request: Request) -> None:
        if request.url.endswith(f"/quizzes/{quiz_id}/close"):
            closings.append(request.method)

    page.on("request", asked)
    await page.get_by_role("button", name="现在结束……").click()
    await expect(page.locator("main .next")).to_contain_text("目前有成绩的人数：1")
    assert await violations(page) == []
    await page.get_by_role("button", name="确定结束").dblclick()
    await expect(page.locator("[data-status=closing] progress")).to_be_visible()
    await expect(page.locator("[data-status=closed]")).to_be_visible(timeout=CLOSED_MS)
    await expect(page.locator("main")).to_contain_text("成绩和排名已最终确定")
    assert closings == ["POST"]


async def test_an_end_that_came_too_early_is_taken_back(week: RunningWeek, visit: Visit) -> None:
    page = await visit()
    await sign_in_organiser(page, week.apis.organiser_key)
    quiz_id = await quiz_of(week)
    before = await week.organise("GET", "quiz", f"/quizzes/{quiz_id}")
    await page.goto(f"/organise-contest?quiz={quiz_id}")
    await page.get_by_role("button", name="现在结束……").click()
    await page.get_by_role("button", name="确定结束").click()
    await page.get_by_role("button", name="重新开放").dblclick()
    await expect(page.locator(".told")).to_contain_text("竞赛已重新开放")
    await expect(page.locator("[data-status=open]")).to_be_visible()
    after = await week.organise("GET", "quiz", f"/quizzes/{quiz_id}")
    assert (after["status"], after["closes_at"]) == ("open", before["closes_at"])


async def test_who_changes_an_older_draft_is_told_and_loads_the_present_one(
    week: RunningWeek, visit: Visit
) -> None:
    page = await visit(language="en")
    await sign_in_organiser(page, week.apis.organiser_key)
    quiz_id = await quiz_of(week)
    definition = await week.organise("GET", "quiz", f"/quizzes/{quiz_id}/definition")
    draft = f"{quiz_id}-draft"
    await week.organise("PUT", "quiz", f"/quizzes/{draft}/draft", definition | {"title": "First"})
    await page.goto(f"/organise-contest-edit?quiz={draft}")
    await expect(page.locator("#title")).to_have_value("First")
    await week.organise("PUT", "quiz", f"/quizzes/{draft}/draft", definition | {"title": "Second"})
    await page.fill("#title", "Third")
    await page.get_by_role("button", name="Save the draft").click()
    await expect(page.locator(".trouble")).to_contain_text("draft_differs")
    assert await violations(page) == []
    await page.get_by_role("button", name="Load the latest version").click()
    await expect(page.locator("#title")).to_have_value("Second")
    await page.fill("#title", "Third")
    await page.get_by_role("button", name="Save the draft").click()
    await expect(page.locator(".told")).to_be_visible()
    assert (await week.organise("GET", "quiz", f"/quizzes/{draft}/draft"))["title"] == "Third"


async def test_a_key_is_corrected_after_seeing_what_that_changes(week: RunningWeek, visit: Visit) -> None:
    page = await visit(language="en")
    await sign_in_organiser(page, week.apis.organiser_key)
    quiz_id = await quiz_of(week)
    attempt = await sit(visit, week, quiz_id)
    question = attempt["questions"][0]["id"]
    definition = await week.organise("GET", "quiz", f"/quizzes/{quiz_id}/definition")
    key = next(one["key"] for one in definition["questions"] if one["id"] == question)

    await page.goto(f"/organise-contest-corrections?quiz={quiz_id}&question={question}")
    await page.select_option("#kind", "cancelled" if key == "A" else "key")
    if key != "A":
        await page.locator("input[name=letters]").first.check()
    await page.fill("#reason", "a newer edition of the book")
    await page.get_by_role("button", name="See what it would change").click()
    await page.get_by_role("button", name="Correct …").click()
    await expect(page.locator("main")).to_contain_text("Results that change")
    assert await violations(page) == []
    await page.get_by_role("button", name="Yes, correct").dblclick()
    await expect(page.locator(".told")).to_contain_text("Corrected")

    async def made() -> list[dict[str, Any]]:
        found: dict[str, Any] = await week.organise("GET", "quiz", f"/quizzes/{quiz_id}/corrections")
        return list(found["corrections"])

    [correction] = await eventually(made, lambda found: len(found) == 1)
    assert correction["question_id"] == question
