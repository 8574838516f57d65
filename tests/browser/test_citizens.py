"""The ways of citizens, from the first page to the last, on a phone."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Page, expect

from tests.browser.week import RunningWeek, Visit, join, quiz_of, violations
from tests.support.waiting import eventually

pytestmark = [pytest.mark.stack, pytest.mark.own_servers, pytest.mark.browser]


@pytest.mark.short
async def test_a_newcomer_finds_an_activity_gets_a_ticket_and_cancels_it(
    week: RunningWeek, visit: Visit
) -> None:
    page = await visit("/")
    await page.fill("#words", "科普宣传")
    first = page.locator(".card a").first
    await first.click()
    await page.locator("button.main").first.click()
    address = "wang-newcomer@example.org"
    await page.fill("#name", "王小红")
    await page.fill("#contact", address)
    await page.select_option("#places", "2")
    assert await violations(page) == []
    # Twice: it is one request all the same.
    await page.locator("form button.main").dblclick()
    await expect(page.locator("[data-status=held]")).to_be_visible()
    await page.get_by_role("link", name="输入验证码").click()
    await page.fill("#code", await week.code_of(address))
    await page.click("main button.main")
    await page.wait_for_url("**/me")
    ticket = page.locator(".ticket")
    await expect(ticket).to_have_count(1)
    await expect(ticket).to_contain_text("2 人")
    await ticket.get_by_role("button", name="出示门票").click()
    await expect(ticket.locator("img.code")).to_be_visible()
    assert await violations(page) == []
    async with page.expect_download() as downloaded:
        await ticket.get_by_role("button", name="打印门票").click()
    assert (await (await downloaded.value).path()).read_bytes().startswith(b"%PDF")
    await ticket.get_by_role("button", name="取消报名").click()
    await ticket.get_by_role("button", name="确定取消").click()
    await expect(page.locator(".ticket")).to_have_count(0)
    await page.get_by_text("已取消的报名（1）").click()
    await expect(page.locator("details")).to_contain_text("已取消")
    assert await violations(page) == []


async def test_who_signs_in_on_another_device_finds_the_same_week(week: RunningWeek, visit: Visit) -> None:
    page = await visit()
    address = await join(page, week, "赵一")
    await page.goto("/")
    await page.locator(".card a").first.click()
    await page.locator("button.main").first.click()
    await page.locator("form button.main").click()
    await expect(page.locator("[data-status=confirmed]")).to_be_visible()
    other = await visit("/me")
    await other.get_by_role("link", name="登录或注册").click()
    await other.fill("#contact", address)
    await other.click("main button.main")
    await other.fill("#code", "AAAA-AAAA")
    await other.click("main button.main")
    await expect(other.locator("#code")).to_have_attribute("aria-invalid", "true")
    await other.fill("#code", await week.code_of(address, 2))
    await other.click("main button.main")
    await expect(other.locator(".ticket")).to_have_count(1)
    await expect(other.locator("main")).to_contain_text("赵一")


async def test_signing_in_leads_to_no_other_address(week: RunningWeek, visit: Visit) -> None:
    page = await visit("/sign-in?join=&next=/.//evil.example/")
    await page.fill("#name", "钱二")
    address = "qian-redirect@example.org"
    await page.fill("#contact", address)
    await page.click("main button.main")
    await page.fill("#code", await week.code_of(address))
    await page.click("main button.main")
    assert (await eventually(lambda: page.url, lambda url: "evil" in url)).startswith(f"{week.url}/")


async def test_all_of_ones_data_can_be_corrected_downloaded_and_erased(
    week: RunningWeek, visit: Visit
) -> None:
    page = await visit()
    await join(page, week)
    await page.goto("/data")
    await page.fill("#name", "李大明")
    await page.locator("form").first.locator("button").click()
    await expect(page.locator(".told")).to_be_visible()
    await page.reload()
    await expect(page.locator("#name")).to_have_value("李大明")
    async with page.expect_download() as downloaded:
        await page.get_by_role("button", name="下载").click()
    assert "李大明" in (await (await downloaded.value).path()).read_text()
    await page.get_by_role("button", name="删除我的一切信息").click()
    await page.get_by_role("button", name="永久删除").click()
    await page.wait_for_url("**/")
    await page.goto("/me")
    await expect(page.get_by_role("link", name="登录或注册")).to_be_visible()


async def test_messages_are_read(week: RunningWeek, visit: Visit) -> None:
    page = await visit(language="en")
    await join(page, week)
    await page.goto("/")
    await page.locator(".card a").first.click()
    await page.locator("button.main").first.click()
    await page.locator("form button.main").click()
    await expect(page.locator("[data-status=confirmed]")).to_be_visible()

    async def read() -> None:
        await page.goto("/inbox")
        await expect(page.locator("details")).not_to_have_count(0, timeout=1_000)

    for _ in range(20):
        try:
            await read()
            break
        except AssertionError:
            continue
    await page.locator("summary").first.click()
    await expect(page.locator("details .text").first).to_be_visible()


async def test_an_award_that_nobody_has_is_refused_with_its_reason(visit: Visit, week: RunningWeek) -> None:
    page = await visit("/verify?code=KW-00000-00000", language="en")
    await expect(page.locator(".trouble")).to_contain_text("award_unknown")
    await page.fill("#code", "nonsense")
    await page.click("main button.main")
    await expect(page.locator(".trouble")).to_be_visible()


async def started(page: Page, quiz_id: str) -> int:
    """Begin an attempt from the page of contests; how many questions it has."""
    await page.goto("/contest")
    title = await page.locator(f"[data-quiz={quiz_id}] h2").inner_text()
    await page.locator(f"[data-quiz={quiz_id}] a.main").click()
    await expect(page.locator("main h2")).to_have_text(title)
    await page.get_by_role("button", name="开始答题").click()
    await page.locator("fieldset").first.wait_for()
    return await page.locator(".numbers button").count()


async def answer(page: Page) -> None:
    await page.locator("fieldset label.option").first.click()


async def test_a_contest_is_sat_question_by_question(week: RunningWeek, visit: Visit) -> None:
    page = await visit()
    await join(page, week)
    questions = await started(page, await quiz_of(week))
    for n in range(questions):
        await answer(page)
        if n < questions - 1:
            await page.get_by_role("button", name="下一题").click()
    await expect(page.locator(".number.done")).to_have_count(questions)
    assert await violations(page) == []
    await page.get_by_role("button", name="看全部题目").click()
    await page.get_by_role("button", name="交卷").click()
    assert await violations(page) == []
    await page.get_by_role("button", name="确定交卷").dblclick()
    await page.wait_for_url("**/result?*")
    await expect(page.locator("[data-status=graded]")).to_be_visible()
    await expect(page.locator(".score")).to_be_visible()
    assert await violations(page) == []


@pytest.mark.short
async def test_without_a_network_from_question_3_on_nothing_is_lost(week: RunningWeek, visit: Visit) -> None:
    page = await visit()
    await join(page, week)
    quiz_id = await quiz_of(week)
    questions = await started(page, quiz_id)
    for n in range(questions):
        if n == 2:
            await expect(page.locator("[data-where=saved]")).to_be_visible()
            await page.context.set_offline(True)
        await answer(page)
        if n < questions - 1:
            await page.get_by_role("button", name="下一题").click()
    await expect(page.locator("[data-where=kept]")).to_be_visible()
    # The page opens again, though there is no network, and has all answers.
    await page.reload()
    await expect(page.locator(".number.done")).to_have_count(questions)
    await page.get_by_role("button", name="交卷").click()
    await page.get_by_role("button", name="确定交卷").click()
    await expect(page.get_by_role("button", name="再试一次")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("button", name="再试一次")).to_be_visible()
    await page.context.set_offline(False)
    await page.wait_for_url("**/result?*")
    await expect(page.locator("[data-status=graded]")).to_be_visible()
    standings = await week.organise("GET", "quiz", f"/quizzes/{quiz_id}/standings")
    assert len(standings["standings"]) == 1


async def test_two_tabs_answer_one_paper(week: RunningWeek, visit: Visit) -> None:
    first = await visit()
    await join(first, week)
    quiz_id = await quiz_of(week)
    questions = await started(first, quiz_id)
    second = await visit(f"/paper?quiz={quiz_id}", context=first.context)
    await answer(first)
    await expect(second.locator(".number.done")).to_have_count(1)
    await second.get_by_role("button", name="下一题").click()
    await answer(second)
    await expect(first.locator(".number.done")).to_have_count(2)
    await second.get_by_role("button", name="交卷").click()
    await second.get_by_role("button", name="确定交卷").click()
    await second.wait_for_url("**/result?*")
    await first.wait_for_url("**/result?*")
    assert questions > 2


async def test_whoever_has_no_attempt_left_is_told_before_pressing_start(
    week: RunningWeek, visit: Visit
) -> None:
    page = await visit()
    await join(page, week)
    quiz_id = await quiz_of(week, attempts_per_day=1)
    await started(page, quiz_id)
    await page.get_by_role("button", name="交卷").click()
    await page.get_by_role("button", name="确定交卷").click()
    await page.wait_for_url("**/result?*")
    await page.goto(f"/paper?quiz={quiz_id}")
    await expect(page.locator("main")).to_contain_text("今天的答题次数已用完")
    await expect(page.get_by_role("button", name="开始答题")).to_have_count(0)


async def test_the_back_button_leads_back_to_the_paper_and_loses_nothing(
    week: RunningWeek, visit: Visit
) -> None:
    page = await visit()
    await join(page, week)
    await started(page, await quiz_of(week))
    await answer(page)
    await page.go_back()
    await page.wait_for_url("**/contest")
    await page.get_by_role("link", name="继续答题").click()
    await expect(page.locator(".number.done")).to_have_count(1)


async def test_a_clock_that_jumps_ends_nobodys_time(week: RunningWeek, visit: Visit) -> None:
    page = await visit()
    await join(page, week)
    quiz_id = await quiz_of(week)
    await started(page, quiz_id)
    await page.clock.install()
    await page.goto(f"/paper?quiz={quiz_id}")
    for hours in (3, -26):
        await page.clock.set_system_time(datetime.now(UTC) + timedelta(hours=hours))
        await page.clock.run_for(5_000)
        await expect(page.locator("fieldset")).to_be_visible()
        left = await page.get_by_role("timer").inner_text()
        assert left not in {"0:00"}
        assert len(left) <= len("59:59")
    await answer(page)
    await expect(page.locator(".number.done")).to_have_count(1)


@pytest.mark.short
async def test_while_the_service_is_killed_answers_are_kept_and_then_handed_in(
    week: RunningWeek, visit: Visit
) -> None:
    page = await visit()
    await join(page, week)
    await started(page, await quiz_of(week))
    week.services.kill("quiz")
    try:
        await answer(page)
        await page.get_by_role("button", name="交卷").click()
        await page.get_by_role("button", name="确定交卷").click()
        await expect(page.get_by_role("button", name="再试一次")).to_be_visible()
    finally:
        week.services.start("quiz")
        week.services.wait_until_healthy("quiz")
    await page.wait_for_url("**/result?*")
    await expect(page.locator("[data-status=graded]")).to_be_visible()


async def test_a_sign_in_that_ends_in_the_middle_costs_no_answer(week: RunningWeek, visit: Visit) -> None:
    page = await visit()
    await join(page, week)
    await started(page, await quiz_of(week))
    await answer(page)
    await page.evaluate("localStorage.removeItem('kepu.account')")
    await page.get_by_role("button", name="交卷").click()
    await page.get_by_role("button", name="确定交卷").click()
    await page.wait_for_url("**/result?*")
    await expect(page.locator("main")).to_contain_text("答卷已收到")
    await expect(page.locator("main").get_by_role("link", name="登录或注册")).to_be_visible()


async def test_at_the_end_of_the_time_what_was_just_answered_is_handed_in(
    week: RunningWeek, visit: Visit
) -> None:
    page = await visit()
    await join(page, week)
    quiz_id = await quiz_of(week, duration_seconds=20, grace_seconds=5, least_plausible_seconds=None)
    await started(page, quiz_id)
    await expect(page.get_by_role("timer")).to_have_text(re.compile("0:0[1-5]"))
    await answer(page)
    await page.wait_for_url("**/result?*")
    await expect(page.locator("main")).to_contain_text("答卷已收到")
    await expect(page.locator("[data-status=graded]")).to_be_visible()
    # The service had nothing to hand in by itself.
    await expect(page.locator("main")).not_to_contain_text("系统自动提交")


async def test_what_was_answered_on_another_device_counts(week: RunningWeek, visit: Visit) -> None:
    phone = await visit()
    address = await join(phone, week)
    quiz_id = await quiz_of(week)
    await started(phone, quiz_id)
    await answer(phone)
    await expect(phone.locator("[data-where=saved]")).to_be_visible()
    laptop = await visit("/sign-in")
    await laptop.fill("#contact", address)
    await laptop.click("main button.main")
    await laptop.fill("#code", await week.code_of(address, 2))
    await laptop.click("main button.main")
    await laptop.wait_for_url("**/me")
    await started(laptop, quiz_id)
    await expect(laptop.locator(".number.done")).to_have_count(1)
    await laptop.get_by_role("button", name="下一题").click()
    await answer(laptop)
    await expect(laptop.locator("[data-where=saved]")).to_be_visible()
    await phone.wait_for_timeout(2_000)
    await phone.goto(f"/paper?quiz={quiz_id}")
    await expect(phone.locator(".number.done")).to_have_count(2)


async def test_the_next_person_on_a_device_gets_nobodys_paper(week: RunningWeek, visit: Visit) -> None:
    page = await visit()
    await join(page, week)
    quiz_id = await quiz_of(week)
    await started(page, quiz_id)
    await answer(page)
    await page.get_by_role("button", name="退出登录").click()
    await page.wait_for_url("**/")
    await join(page, week)
    await page.goto(f"/paper?quiz={quiz_id}")
    await expect(page.get_by_role("button", name="开始答题")).to_be_visible()
    kept = await page.evaluate("Object.keys(localStorage).filter((name) => name.startsWith('kepu.attempt'))")
    assert kept == []


async def test_opening_the_address_of_a_paper_starts_no_attempt(week: RunningWeek, visit: Visit) -> None:
    page = await visit()
    await join(page, week)
    quiz_id = await quiz_of(week)
    await page.goto(f"/paper?quiz={quiz_id}")
    await expect(page.get_by_role("button", name="开始答题")).to_be_visible()
    await expect(page.locator("fieldset")).to_have_count(0)


async def test_a_full_device_keeps_all_answers_of_the_page(week: RunningWeek, visit: Visit) -> None:
    page = await visit()
    await join(page, week)
    await started(page, await quiz_of(week))
    await page.evaluate(
        "() => { Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError') } }"
    )
    for n in range(3):
        await answer(page)
        if n < 2:
            await page.get_by_role("button", name="下一题").click()
    await expect(page.locator(".number.done")).to_have_count(3)
    await expect(page.locator("[data-where=saved]")).to_be_visible()


async def test_files_that_are_not_there_are_not_kept(visit: Visit) -> None:
    page = await visit("/help")
    answers = await page.evaluate(
        """async () => {
            const src = document.querySelector('script[type=module]').src;
            const answers = [await fetch(src), await fetch(src + 'x')];
            return answers.map((one) => [one.status, one.headers.get('cache-control')]);
        }"""
    )
    assert answers == [[200, "public, max-age=31536000, immutable"], [404, "no-cache"]]
