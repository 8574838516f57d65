"""What messages say: every kind in both languages."""

from datetime import UTC, datetime
from typing import get_args

import pytest

from services.notifications.rules import POLICY, messages_of
from services.notifications.wording import Wording, moment_en, moment_zh
from shared.contracts.envelope import Event
from shared.contracts.events import AwardKind, Language
from shared.runtime.errors import Rejected
from tests.notifications.builders import (
    NAME,
    NOW,
    STARTS_AT,
    cancelled,
    completed,
    confirmed,
    enclosed,
    everything,
    issued,
    rejected,
    requested,
    waitlisted,
)

SIGNATURES: dict[Language, str] = {"zh-CN": "科技活动周组委会", "en": "Organising Committee"}
WORDING = Wording(SIGNATURES)
LANGUAGES: tuple[Language, ...] = get_args(Language)
# Every branch of every template.
ALL: list[Event] = [
    *everything("p"),
    confirmed("p", promoted=True),
    rejected("p", "session_closed"),
    rejected("p", "some_new_code"),
    cancelled("p", "cancelled_by_organiser"),
    cancelled("p", "some_new_code"),
    completed("p", passed=False),
    *[issued("p", kind=kind, tier=None) for kind in get_args(AwardKind)],
]


def said(event: Event, language: Language = "zh-CN", to: str = "person") -> tuple[str, str]:
    message = messages_of(event, enclosed(event).context, NOW)[0]
    assert message.facts is not None
    words = WORDING.say(message.kind, message.facts, language, "group" if to == "group" else "person")
    return words.subject, words.body


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_message_has_words_in_every_language(language: Language) -> None:
    assert WORDING.kinds(language) == {notice.kind for notice in POLICY.values()}


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
    assert moment_zh(STARTS_AT) == "2023年5月20日（星期六）09:00"
    assert moment_en(STARTS_AT) == "Saturday, 20 May 2023, 09:00"
    late = datetime(2023, 5, 20, 16, 30, tzinfo=UTC)
    assert moment_zh(late) == "2023年5月21日（星期日）00:30"


def test_a_confirmation_says_where_when_and_the_ticket() -> None:
    subject, body = said(confirmed("p"))
    assert subject == "【科技活动周】报名成功通知：科普宣传一条街"
    for fact in ("2023年5月20日（星期六）09:00", "市政府综合办公楼广场", "2人", "T-4711"):
        assert fact in body
    assert "递补" in said(confirmed("p", promoted=True))[1]
    assert "第3位" in said(waitlisted("p"))[1]


def test_a_group_is_addressed_as_one() -> None:
    assert "贵单位“" in said(issued("g"), to="group")[1]
    assert "您" not in said(issued("g"), to="group")[1]
    assert "贵单位" not in said(issued("p"))[1]


def test_a_request_is_said_as_it_is_and_never_rendered() -> None:
    subject, body = said(requested("p", subject="{{ 7 * 7 }}\r\nBcc: all", body="{% raw %} <b>&amp;</b>"))
    assert subject == "{{ 7 * 7 }} Bcc: all"
    assert body == "{% raw %} <b>&amp;</b>"


def test_a_missing_fact_is_an_error_and_not_a_gap() -> None:
    with pytest.raises(Rejected) as refused:
        WORDING.say("award_revoked", {"scheme_title": "奖"}, "zh-CN")
    assert refused.value.code == "not_worded"
    with pytest.raises(Rejected):
        WORDING.say("unheard_of", {}, "en")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_letter_alone_greets_by_name_and_signs(language: Language) -> None:
    event = confirmed("p")
    message = messages_of(event, enclosed(event).context, NOW)[0]
    words = WORDING.say(message.kind, message.facts or {}, language)
    letter = WORDING.letter(words, name=NAME, language=language, date=NOW)
    assert NAME in letter.splitlines()[0]
    assert words.body in letter
    assert SIGNATURES[language] in letter
    assert NAME not in words.subject + words.body
