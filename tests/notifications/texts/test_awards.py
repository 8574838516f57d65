"""What holders of awards are told when the rule of a scheme changes their award."""

import pytest

from services.notifications.messages.rules import messages_of
from services.notifications.texts.render import Texts
from shared.contracts.envelope import Event
from shared.contracts.events import AwardRevoked, Language
from tests.notifications.builders import NOW, issued, revoked
from tests.support.service import enclosed

TEXTS = Texts({"zh-CN": "科技活动周组委会", "en": "Organising Committee"})
LANGUAGES: tuple[Language, ...] = ("zh-CN", "en")


def said(event: Event, language: Language) -> str:
    message = messages_of(event, enclosed(event).context, NOW)[0]
    words = TEXTS.render(message.kind, message.facts or {}, language)
    return f"{words.subject}\n{words.body}"


def taken_back(code: str | None) -> AwardRevoked:
    reason = "a reason" if code else "成绩复核后撤销"
    return revoked("p").model_copy(update={"code": code, "reason": reason})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ("谨致祝贺", "Congratulations")),
        ({"version": 3}, ("现恢复有效，获奖编号不变", "is valid again")),
        (
            {"version": 2, "tier_before": "二等奖"},
            ("现为“一等奖”，原为“二等奖”", 'is now "一等奖". It was "二等奖"'),
        ),
    ],
)
def test_an_award_that_changes_is_no_new_award(changes: dict[str, object], words: tuple[str, str]) -> None:
    texts = [said(issued("p", **changes), language) for language in LANGUAGES]
    assert all(word in text for word, text in zip(words, texts, strict=True))
    assert ("Congratulations" in texts[1]) == (not changes)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("not_earned", ("不再符合获奖条件", "not earned any more")),
        ("disqualified", ("已取消您的竞赛成绩", "disqualified your result")),
        ("drawn_again", ("抽签已作废并将重新进行", "The draw is held again")),
        ("not_entitled", ("a reason", "a reason")),
        ("some_later_code", ("a reason", "a reason")),
        (None, ("成绩复核后撤销", "成绩复核后撤销")),
    ],
)
def test_a_revocation_says_why_in_the_reader_s_language(code: str | None, words: tuple[str, str]) -> None:
    texts = [said(taken_back(code), language) for language in LANGUAGES]
    assert all(word in text for word, text in zip(words, texts, strict=True)), texts
    assert ("valid again" in texts[1]) == (code not in (None, "drawn_again", "not_entitled"))


def test_who_had_a_replaced_award_is_told_of_a_correction_and_not_of_a_punishment() -> None:
    event = taken_back(None).model_copy(update={"superseded_by": "another", "reason": "成绩复核后更正"})
    chinese, english = (said(event, language) for language in LANGUAGES)
    assert "不是处罚" in chinese
    assert "Another award takes the place" in english
    assert "撤销" not in chinese
    assert "evoked" not in english
    # The reason of an organiser is said as it is.
    assert "成绩复核后更正" in chinese
