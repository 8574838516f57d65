"""Mails as bytes: what any mail program reads from them."""

import email
import email.policy
from typing import Any

import pytest

from services.notifications.mail.format import Mail, format_mail
from services.notifications.messages.rules import MessageId
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
    return format_mail(MessageId("0d9b6f1e"), **(fields | changes))


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


@pytest.mark.parametrize(
    "address", ["a\x00b@example.com", "a\r\nBcc: x@example.com", "王\u2028明@example.com", "(王@b..c"]
)
def test_an_address_that_is_none_is_rejected_and_never_shown(address: str) -> None:
    with pytest.raises(Rejected) as refused:
        made(address=address)
    assert refused.value.code == "address_invalid"
    assert "example.com" not in str(refused.value)
    assert "xiaoming" not in repr(made())


def test_no_line_of_a_text_becomes_a_header_or_a_paragraph() -> None:
    odd = made(body="a\u2028Bcc: b\x0bc\x1cd\x85e").content
    read = email.message_from_bytes(odd, policy=email.policy.default)
    assert read["Bcc"] is None
    [line] = read.get_content().split("\r\n")[:-1]
    assert line == "a\u2028Bcc: b\x0bc\x1cd\x85e"
    with pytest.raises(ValueError, match="linefeed"):
        made(subject="a\r\nBcc: b@example.com")


def test_a_domain_of_other_letters_goes_in_its_ascii_form_that_every_server_takes() -> None:
    mail = made(address="o'brien@例子.cn")
    assert (mail.address, mail.utf8) == ("o'brien@xn--fsqu00a.cn", False)
    assert mail.content.isascii()
    read = email.message_from_bytes(mail.content, policy=email.policy.default)
    assert str(read["To"]) == mail.address


def test_a_part_before_the_at_of_other_letters_needs_a_server_that_can() -> None:
    mail = made(address="王小明@例子.cn")
    assert (mail.address, mail.utf8) == ("王小明@例子.cn", True)
    read = email.message_from_bytes(mail.content, policy=email.policy.default)
    assert str(read["To"]) == "王小明@例子.cn"
