"""What messages say: every kind in both languages."""

import ast
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

import services.registration
from services.notifications.messages.rules import messages_of
from services.notifications.texts.dates import moment_en, moment_zh
from services.notifications.texts.policy import NOTICES, Fact
from services.notifications.texts.reasons import BY_TIME, OTHER_REASON, REASONS
from services.notifications.texts.render import Texts, Words
from services.notifications.texts.tickets import with_ticket_code
from shared.contracts.envelope import Event
from shared.contracts.events import Language
from shared.runtime.errors import Rejected
from tests.notifications.builders import (
    NAME,
    NOW,
    STARTS_AT,
    cancelled,
    confirmed,
    held,
    issued,
    key_of,
    moved,
    offered,
    rejected,
    reminded,
    requested,
    shift_assigned,
    shift_ended,
    shift_moved,
    waitlisted,
)
from tests.notifications.texts.examples import ALL
from tests.support.service import enclosed

SIGNATURES: dict[Language, str] = {"zh-CN": "科技活动周组委会", "en": "Organising Committee"}
TEXTS = Texts(SIGNATURES)
LANGUAGES: tuple[Language, ...] = get_args(Language)
UNTIL = STARTS_AT - timedelta(days=2)


def said(event: Event, language: Language = "zh-CN", to: str = "person") -> tuple[str, str]:
    message = messages_of(event, enclosed(event).context, NOW)[0]
    assert message.facts is not None
    facts = with_ticket_code(message.facts, key_of("p"))
    words = TEXTS.render(message.kind, facts, language, "group" if to == "group" else "person")
    return words.subject, words.body


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_message_has_words_in_every_language(language: Language) -> None:
    assert TEXTS.kinds(language) == {notice.kind for notice in NOTICES.values()}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("event", ALL, ids=lambda event: type(event).__name__)
def test_every_event_is_worded_in_full(event: Event, language: Language) -> None:
    subject, body = said(event, language)
    assert subject
    assert "\n" not in subject
    assert body
    assert not {"{", "}", "None", "True", "False"} & set(subject.split() + body.split())
    assert "{{" not in body
    assert "{%" not in body
    assert "\n\n\n" not in body


def test_times_are_the_weeks_own_whatever_the_servers_zone() -> None:
    assert moment_zh(STARTS_AT) == "2023年5月20日（星期六）09:00（北京时间）"
    assert moment_en(STARTS_AT) == "Saturday, 20 May 2023, 09:00 (Beijing time)"
    late = datetime(2023, 5, 20, 16, 30, tzinfo=UTC)
    assert moment_zh(late) == "2023年5月21日（星期日）00:30（北京时间）"


def test_a_confirmation_says_where_when_and_the_ticket() -> None:
    subject, body = said(confirmed("p"))
    assert subject == "【科技活动周】报名成功通知：科普宣传一条街"
    for fact in ("2023年5月20日（星期六）09:00", "市政府综合办公楼广场", "2人", "T-4711"):
        assert fact in body
    assert "递补" in said(confirmed("p", promoted=True))[1]
    assert "第3位" in said(waitlisted("p"))[1]


def test_who_is_held_or_offered_a_place_is_told_until_when_and_what_to_do() -> None:
    until = "2023年5月18日（星期四）09:00"
    for event, word in (
        (held("p"), "验证"),
        (offered("p", until=UNTIL), "接受"),
        (waitlisted("p", until=UNTIL), "验证"),
    ):
        body = said(event)[1]
        assert until in body
        assert word in body
    assert "能够全部满足的第一位" in said(waitlisted("p", waiting_policy="fill"))[1]
    assert "按候补顺序依次" in said(waitlisted("p"))[1]


def test_a_wait_that_an_earlier_release_has_stored_is_worded_without_the_new_facts() -> None:
    facts: dict[str, Fact] = {
        "activity_title": "街",
        "starts_at": NOW,
        "venue": "馆",
        "places": 1,
        "position": 1,
    }
    assert "按候补顺序依次" in TEXTS.render("registration_waitlisted", facts, "zh-CN").body


def test_who_works_is_told_the_duty_the_times_and_what_has_changed() -> None:
    subject, body = said(shift_assigned("p"))
    assert subject == "【科技活动周】排班通知：科普宣传一条街"
    for fact in (
        "讲解员",
        "2023年5月20日（星期六）09:00",
        "2023年5月20日（星期六）13:00",
        "市政府综合办公楼广场",
    ):
        assert fact in body
    assert "时间和地点有变更" in said(shift_moved("p"))[1]
    only_venue = shift_moved("p", starts_at_before=STARTS_AT, ends_at_before=STARTS_AT + timedelta(hours=4))
    assert "，地点有变更" in said(only_venue)[1]
    assert "仍待主办方确认" in said(shift_moved("p", assigned=False))[1]
    bodies = [said(shift_ended("p", code), "en")[1] for code in ("withdrawn", "declined", "removed", "other")]
    assert len(set(bodies)) == 4
    assert "人手已够" in said(shift_ended("p", "removed", reason="人手已够"))[1]


def test_what_time_has_ended_is_told_with_its_reason() -> None:
    bodies = {code: said(cancelled("p", code), "en")[1] for code in BY_TIME}
    assert "not verified in time" in bodies["hold_expired"]
    assert "not accepted in time" in bodies["offer_expired"]
    assert "has begun" in bodies["session_began"]
    assert "registration for" in bodies["registration_closed"]


def test_a_ticket_that_cannot_be_opened_is_said_to_be_on_the_registration_page() -> None:
    event = confirmed("p")
    facts = messages_of(event, enclosed(event).context, NOW)[0].facts or {}
    for key in (None, key_of("q")):
        opened = with_ticket_code(facts, key)
        assert "我的报名" in TEXTS.render("registration_confirmed", opened, "zh-CN").body
        assert "My registrations" in TEXTS.render("registration_confirmed", opened, "en").body


def test_a_moved_session_tells_the_old_and_the_new_time_and_venue() -> None:
    subject, body = said(moved("p"))
    assert subject == "【科技活动周】时间或地点变更通知：科普宣传一条街"
    assert "时间和地点有变更" in body
    for fact in ("5月20日（星期六）09:00", "市政府综合办公楼广场", "5月19日（星期五）09:00", "会展中心"):
        assert fact in body
    assert "地点有变更" in said(moved("p", starts_at_before=STARTS_AT))[1]


def test_a_reminder_says_when_and_where_and_thanks_ask_how_it_was() -> None:
    for event in (reminded("p"), reminded("p", reminder="hour_before")):
        words: dict[Language, str] = {"zh-CN": "入场码", "en": "ticket code"}
        for language in LANGUAGES:
            subject, body = said(event, language)
            assert "科普宣传一条街" in subject
            assert "市政府综合办公楼广场" in body
            assert words[language] in body
    assert "一小时内" in said(reminded("p", reminder="hour_before"))[1]
    thanks = reminded("p", reminder="thanks", feedback="https://example.org/feedback")
    assert said(thanks)[0] == "【科技活动周】感谢参加：科普宣传一条街"
    assert "https://example.org/feedback" in said(thanks, "en")[1]


def test_a_message_links_to_the_calendar_where_registration_has_a_public_address() -> None:
    texts = Texts(SIGNATURES, registration_url="https://week.example.org/registration")
    link = "https://week.example.org/registration/sessions/street-0520/calendar.ics"
    for event in (confirmed("p"), moved("p")):
        message = messages_of(event, enclosed(event).context, NOW)[0]
        facts = dict(with_ticket_code(message.facts or {}, key_of("p")))
        for language in LANGUAGES:
            assert link in texts.render(message.kind, facts, language).body
            assert "calendar.ics" not in said(event, language)[1]
        # A message that an earlier release has stored names no session.
        del facts["session_id"]
        assert "calendar.ics" not in texts.render(message.kind, facts, "en").body


def test_a_cancelled_session_is_the_organisers_doing() -> None:
    assert "原因：因大雨取消" in said(cancelled("p", "session_cancelled", reason="因大雨取消"))[1]
    assert "Reason: 因大雨取消" in said(cancelled("p", "session_cancelled", reason="因大雨取消"), "en")[1]
    assert "原因" not in said(cancelled("p", "session_cancelled"))[1]
    assert "已由主办方取消" in said(cancelled("p", "session_cancelled"))[1]
    assert "organisers have cancelled" in said(cancelled("p", "session_cancelled"), "en")[1]


def codes_of_registration() -> set[str]:
    """Every code that registration's source names, also in a `_rejected(code, reason)`."""
    codes = set()
    for file in Path(services.registration.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            named = [word.value for word in node.keywords if word.arg == "code"]
            if isinstance(node.func, ast.Name) and node.func.id == "_rejected":
                named += node.args[:1]
            codes |= {str(word.value) for word in named if isinstance(word, ast.Constant)}
    return codes


def codes_of_decisions() -> set[str]:
    tree = ast.parse((Path(services.registration.__path__[0]) / "booking" / "rules.py").read_text("utf-8"))
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    decided = (call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "_rejected")
    return {str(call.args[0].value) for call in decided if isinstance(call.args[0], ast.Constant)}


def test_every_code_of_a_refusal_has_words_of_its_own() -> None:
    assert codes_of_decisions() <= REASONS.keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_message_shows_a_raw_code(language: Language) -> None:
    codes = codes_of_registration() | REASONS.keys() | {"some_new_code"}
    assert len(codes) > 10
    for code in codes:
        for event in (rejected("p", code), cancelled("p", code)):
            assert code not in "".join(said(event, language))
    assert OTHER_REASON[language] in said(rejected("p", "some_new_code"), language)[1]


def test_times_that_no_calendar_shows_are_to_be_announced() -> None:
    for moment in (datetime(9999, 12, 31, 20, tzinfo=UTC), datetime(1, 1, 1, tzinfo=UTC)):
        facts: dict[str, Fact] = {
            "activity_title": "街",
            "starts_at": moment,
            "venue": "广场",
            "places": 1,
            "position": 1,
        }
        assert "时间：另行通知" in TEXTS.render("registration_waitlisted", facts, "zh-CN").body
        assert "Time: to be announced" in TEXTS.render("registration_waitlisted", facts, "en").body


FACTS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.datetimes(timezones=st.just(UTC)),
)


def _shown(line: str) -> bool:
    # Joiners stay: some scripts and emoji need them.
    return line.translate(dict.fromkeys(map(ord, "\u200c\u200d"))).isprintable()


KINDS = {notice.kind: notice.facts for notice in NOTICES.values()} | {"unheard_of": ()}
STORED = st.sampled_from(sorted(KINDS)).flatmap(
    lambda kind: st.tuples(st.just(kind), st.fixed_dictionaries(dict.fromkeys(KINDS[kind], FACTS)))
)


@given(STORED)
def test_whatever_is_stored_can_be_shown(message: tuple[str, dict[str, Fact]]) -> None:
    kind, stored = message
    for language in LANGUAGES:
        words = TEXTS.render_or_placeholder(kind, with_ticket_code(stored, None), language)
        assert _shown(words.subject)
        assert all(_shown(line) for line in words.body.split("\n"))


def test_a_line_break_in_a_stored_title_or_venue_adds_no_paragraph() -> None:
    for line_break in ("\n", "\r\n", "\u2028", "\x0b", "\x85"):
        event = confirmed("p")
        facts = dict(with_ticket_code(messages_of(event, enclosed(event).context, NOW)[0].facts or {}, None))
        plain = TEXTS.render("registration_confirmed", facts, "zh-CN").body
        facts["venue"] = f"广场{line_break}{line_break}请访问"
        assert len(TEXTS.render("registration_confirmed", facts, "zh-CN").body.splitlines()) == len(
            plain.splitlines()
        )


def test_a_name_with_a_line_break_opens_no_paragraph_of_a_letter() -> None:
    letter = TEXTS.letter(Words("s", "b"), name="王\u2028\n\n请访问", language="zh-CN", date=NOW)
    assert letter.splitlines()[0] == "尊敬的王 请访问："


def test_a_group_is_addressed_as_one() -> None:
    assert "贵单位“" in said(issued("g"), to="group")[1]
    assert "您" not in said(issued("g"), to="group")[1]
    assert "贵单位" not in said(issued("p"))[1]


def test_a_request_is_said_as_it_is_and_never_rendered() -> None:
    subject, body = said(requested("p", subject="{{ 7 * 7 }} Bcc: all", body="{% raw %} <b>&amp;</b>"))
    assert subject == "{{ 7 * 7 }} Bcc: all"
    assert body == "{% raw %} <b>&amp;</b>"


def test_a_missing_fact_is_an_error_and_not_a_gap() -> None:
    with pytest.raises(Rejected) as refused:
        TEXTS.render("award_revoked", {"scheme_title": "奖"}, "zh-CN")
    assert refused.value.code == "mail_unmakeable"
    with pytest.raises(Rejected):
        TEXTS.render("unheard_of", {}, "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_letter_alone_greets_by_name_and_signs(language: Language) -> None:
    event = confirmed("p")
    message = messages_of(event, enclosed(event).context, NOW)[0]
    words = TEXTS.render(message.kind, with_ticket_code(message.facts or {}, None), language)
    letter = TEXTS.letter(words, name=NAME, language=language, date=NOW)
    assert NAME in letter.splitlines()[0]
    assert words.body in letter
    assert SIGNATURES[language] in letter
    assert NAME not in words.subject + words.body
