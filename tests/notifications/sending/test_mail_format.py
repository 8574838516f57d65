"""Mails as bytes: what any mail program reads from them."""

import email
import email.policy
import re
from base64 import b64decode
from itertools import product
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.messages.rules import MessageId
from services.notifications.sending.mail_format import Mail, format_mail
from services.notifications.texts.policy import NOTICES, facts_of
from services.notifications.texts.render import Texts
from shared.contracts import checked
from shared.contracts.events import Language
from shared.runtime.errors import Rejected
from tests.notifications.builders import NOW, everything


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


HEADERS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "Content-Language",
]


def _is_a_line(text: str) -> bool:
    try:
        return checked.line(text) == text
    except ValueError:
        return False


def _as_in_mails(body: str) -> str:
    text = body.replace("\r\n", "\n").replace("\r", "\n")
    return (text if text.endswith("\n") or not text else text + "\n").replace("\n", "\r\n")


def decoded(value: bytes) -> str:
    """A header's text, by RFC 2047 alone: spaces between encoded words are no text."""
    if not value.startswith(b"=?"):
        return value.decode()
    words = [re.fullmatch(rb"=\?utf-8\?b\?([A-Za-z0-9+/=]+)\?=", word) for word in value.split(b" ")]
    # Each word is valid UTF-8 of its own.
    return "".join(b64decode(word[1]).decode() if word else "?" for word in words)


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


def test_a_mail_names_the_correlation_id_of_its_event() -> None:
    read = email.message_from_bytes(made(correlation_id="a-request").content, policy=email.policy.default)
    assert str(read["X-Correlation-ID"]) == "a-request"


@pytest.mark.parametrize(
    "odd", ["", "two words", "a\r\nBcc: x@example.com", "=?utf-8?q?a?=", "关联", "x" * 65]
)
def test_a_correlation_id_that_is_no_plain_word_is_left_out(odd: str) -> None:
    assert made(correlation_id=odd) == made()


def test_the_same_message_makes_the_same_bytes() -> None:
    assert made() == made()


def test_a_plain_subject_stays_plain() -> None:
    assert b"Subject: Registration confirmed\r\n" in made(subject="Registration confirmed").content


ENCODED_WORDS = (
    "=?utf-8?q?a=0D=0ABcc=3A_x?=",
    "=?utf-8?b?YQ0KQmNjOiB4?=",
    "=?utf-8?q?a=0D=0AReply-To=3A_x=40example.com=0D=0A=0D=0A<a href=3D'http://x'>?=",
    "=?utf-8?b?YQ0KUmVwbHktVG86IHhAZXhhbXBsZS5jb20NCg0KPGEgaHJlZj4=?=",
    "通知 =?gb2312?q?=0D=0ABcc=3A_x=40example.com?= =?utf-8?q?b?=",
    "=?utf-8?q?a?=\u3000" * 12,
)
LINES = st.text(min_size=1, max_size=checked.LINE_CHARS_MAX).filter(_is_a_line)
TEXTS = LINES | st.sampled_from(ENCODED_WORDS)


@given(subject=TEXTS, body=st.text() | TEXTS, language=st.sampled_from(get_args(Language)))
def test_whatever_a_text_holds_the_mail_has_our_headers_and_the_text(
    subject: str, body: str, language: Language
) -> None:
    content = made(subject=subject, body=body, language=language).content
    head, _, encoded = content.partition(b"\r\n\r\n")
    assert content.count(b"\n") == content.count(b"\r") == content.count(b"\r\n")
    fields = re.sub(rb"\r\n ", b" ", head).split(b"\r\n")
    assert [field.partition(b": ")[0].decode() for field in fields] == HEADERS
    assert max(map(len, content.split(b"\r\n"))) <= 78
    # A strict reader, and the bytes themselves.
    read = email.message_from_bytes(content, policy=email.policy.SMTP.clone(raise_on_defect=True))
    assert read.keys() == HEADERS
    assert decoded(re.sub(rb"\r\n ", b" ", head).split(b"\r\n")[2][len("Subject: ") :]) == subject
    assert b64decode(encoded).decode() == _as_in_mails(body)
    assert re.fullmatch(rb"([A-Za-z0-9+/=]{1,76}\r\n)*", encoded)


@pytest.mark.parametrize("odd", ENCODED_WORDS)
def test_no_template_makes_a_header_of_a_fact(odd: str) -> None:
    # All templates are compiled once for all events.
    texts = Texts({"zh-CN": odd, "en": odd})
    for event, language in product(everything("p"), get_args(Language)):
        facts = {name: odd if isinstance(fact, str) else fact for name, fact in facts_of(event).items()}
        words = texts.render(NOTICES[type(event)].kind, facts | {"ticket_code": odd}, language)
        body = texts.letter(words, name=odd, language=language, date=NOW)
        content = made(subject=words.subject, body=body, language=language).content
        read = email.message_from_bytes(content, policy=email.policy.SMTP.clone(raise_on_defect=True))
        assert read.keys() == HEADERS, (event.topic, language)
        assert b"Reply-To" not in content, (event.topic, language)
        assert b"Bcc" not in content, (event.topic, language)


@pytest.mark.parametrize(
    "changes",
    [
        {"sender": "a@example.org\r\nBcc: x@example.com"},
        {"language": "en\r\nBcc: x@example.com"},
        {"subject": "a\x00b"},
        {"subject": "a\rb"},
        {"subject": "a\x85b"},
    ],
)
def test_a_value_that_is_no_header_s_makes_no_mail(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"header|shape"):
        made(**changes)
    with pytest.raises(ValueError, match="id"):
        format_mail(
            MessageId("a>\r\nBcc: x"),
            sender="a@example.org",
            address="b@example.org",
            subject="",
            body="",
            language="en",
            date=NOW,
        )


@pytest.mark.parametrize(
    "address",
    [
        "a\x00b@example.com",
        "a\r\nBcc: x@example.com",
        "a\nb@example.com",
        "王\u2028明@example.com",
        "(王@b..c",
        "a@b, x@example.com",
        "a>\x20<x@example.com",
        "a b@example.com",
        '"a b"@example.com',
        "a@example.com\n",
        "a@[127.0.0.1]",
        "@example.com",
        "a@b@example.com",
        "=?utf-8?q?a=0D=0ABcc=3A_x=40example.com?=@example.com",
        "=?utf-8?q?王?=@example.com",
        "x" * 65 + "@example.com",
    ],
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
