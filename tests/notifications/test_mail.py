"""Mails as bytes: what any mail program reads from them."""

import email
import email.policy
from typing import Any

import pytest

from services.notifications.mail import Mail, mail
from services.notifications.rules import MessageId
from shared.runtime.errors import Rejected
from tests.notifications.builders import NOW


def made(**changes: Any) -> Mail:
    fields: dict[str, Any] = {
        "sender": "kepu@example.org",
        "address": "xiaoming@example.com",
        "subject": "【科技活动周】报名成功通知：" + "科技创新和科学技术普及知识竞赛" * 4,
        "body": "尊敬的王小明：\n\n.您好！\n第二行\r\n",
        "language": "zh-CN",
        "date": NOW,
    }
    return mail(MessageId("0d9b6f1e"), **(fields | changes))


def test_any_reader_finds_what_was_written() -> None:
    read = email.message_from_bytes(made().content, policy=email.policy.default)
    assert str(read["Subject"]) == "【科技活动周】报名成功通知：" + "科技创新和科学技术普及知识竞赛" * 4
    assert str(read["From"]) == "kepu@example.org"
    assert str(read["To"]) == "xiaoming@example.com"
    assert str(read["Message-ID"]) == "<0d9b6f1e@example.org>"
    assert str(read["Auto-Submitted"]) == "auto-generated"
    assert str(read["Content-Language"]) == "zh-CN"
    assert read["Date"].datetime == NOW
    assert read.get_content() == "尊敬的王小明：\r\n\r\n.您好！\r\n第二行\r\n"
    assert not read.defects


def test_lines_are_short_ascii_and_end_as_the_protocol_wants() -> None:
    content = made().content
    assert content.isascii()
    assert content.count(b"\n") == content.count(b"\r\n")
    assert max(len(line) for line in content.split(b"\r\n")) <= 78


def test_the_same_message_makes_the_same_bytes() -> None:
    assert made() == made()


def test_a_plain_subject_stays_plain() -> None:
    assert b"Subject: Registration confirmed\r\n" in made(subject="Registration confirmed").content


def test_an_address_with_control_characters_is_rejected_and_never_shown() -> None:
    with pytest.raises(Rejected) as refused:
        made(address="a\x00b@example.com")
    assert refused.value.code == "address_invalid"
    assert "example.com" not in str(refused.value)
    assert "xiaoming" not in repr(made())
