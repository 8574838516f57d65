"""
A mail in the format of RFC 5322 and RFC 6531. Pure: the same message makes the same mail every time.

Headers are written here, and no library parses them: Python's `email` decodes encoded words in a text that it
is given, and what it finds in them can become headers. Here a text can only stay text. Each value is
encoded or checked, the body is base64, and the finished mail is compared with the one shape that mails have.
"""

import re
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from email_validator import EmailNotValidError, validate_email

from services.notifications.messages.rules import MessageId
from services.notifications.texts.dates import TIMEZONE
from shared.contracts.checked import EMAIL_CHARS_MAX, EMAIL_LOCAL_BYTES_MAX
from shared.contracts.events import Language
from shared.runtime.errors import Rejected

# A line with a header of this length is at most 78 characters long (RFC 5322, 2.1.1).
PLAIN_CHARS_MAX = 60
# An encoded word of these bytes has at most 75 characters (RFC 2047, 2), and its line at most 78.
WORD_BYTES_MAX = 42
# Base64 of these bytes is a line of 76 characters (RFC 2045, 6.8).
BODY_LINE_BYTES = 57

# An addr-spec without quoting and comments (RFC 5321, 4.1.2; RFC 6531 adds letters beyond ASCII).
_ATOM = r"[^\s\x00-\x20\x7f()<>\[\]:;@\\,.\"]+"
_LABEL = r"(?:[A-Za-z0-9-]|[^\x00-\x7f])+"
_ADDRESS = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@{_LABEL}(?:\.{_LABEL})*")
_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_LINE_ENDS = re.compile(r"\r\n|\r|\n")

# The whole mail: these headers, each once and in this order, and lines of base64. Only a subject is folded.
_SHAPE = re.compile(
    rb"From: [^\x00-\x1f\x7f]{1,254}\r\n"
    rb"To: [^\x00-\x1f\x7f]{1,990}\r\n"
    rb"Subject: [ -~]{0,69}(?:\r\n [!-~]{1,75})*\r\n"
    rb"Date: [ -~]{1,60}\r\n"
    rb"Message-ID: <[!-;=?-~]{1,320}>\r\n"
    rb"(?:X-Correlation-ID: [A-Za-z0-9-]{1,64}\r\n)?"
    rb"Auto-Submitted: auto-generated\r\n"
    rb"MIME-Version: 1\.0\r\n"
    rb'Content-Type: text/plain; charset="utf-8"\r\n'
    rb"Content-Transfer-Encoding: base64\r\n"
    rb"Content-Language: (?:zh-CN|en)\r\n"
    rb"\r\n"
    rb"(?:[A-Za-z0-9+/=]{1,76}\r\n)*"
)


@dataclass(frozen=True, slots=True)
class Mail:
    """What the mail server gets: the address and the bytes. `utf8`: the server needs to know SMTPUTF8."""

    address: str
    content: bytes
    utf8: bool = False

    def __repr__(self) -> str:
        return "Mail(sealed)"


def format_mail(
    message_id: MessageId,
    *,
    sender: str,
    address: str,
    subject: str,
    body: str,
    language: Language,
    date: datetime,
    correlation_id: str = "",
) -> Mail:
    """
    The mail of a message.

    Message-ID and date derive from the message, so a mail that is sent twice is recognised as one. The
    correlation id is a header, unless another system has chosen one that is no plain word.

    Raises:
        Rejected: no mail server would accept the address (`address_invalid`).
        ValueError: the subject has more than one line, or a header cannot contain one of the other values.
    """
    to = deliverable(address)
    if not _ID.fullmatch(message_id):
        raise ValueError("a Message-ID cannot contain the message's id")
    headers = (
        f"From: {sender}",
        f"To: {to}",
        f"Subject: {header_text(subject)}",
        f"Date: {format_datetime(date.astimezone(TIMEZONE))}",
        f"Message-ID: <{message_id}@{domain_of(sender)}>",
        *([f"X-Correlation-ID: {correlation_id}"] if _ID.fullmatch(correlation_id) else []),
        # RFC 3834: automatic responders do not answer such a mail.
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        'Content-Type: text/plain; charset="utf-8"',
        "Content-Transfer-Encoding: base64",
        f"Content-Language: {language}",
        "",
        "",
    )
    content = "\r\n".join(headers).encode() + _base64_lines(body)
    if not _SHAPE.fullmatch(content):
        raise ValueError("the mail has another shape than ours")
    return Mail(to, content, not to.isascii())


def header_text(text: str) -> str:
    """
    A text as a header's value: as it is if it is short and plain, otherwise in encoded words (RFC 2047).

    A plain text that a reader could take for an encoded word is encoded too.

    Raises:
        ValueError: the text has line breaks or other control characters.
    """
    if any(c < " " or "\x7f" <= c <= "\x9f" for c in text):
        raise ValueError("a header's text has no linefeed and no other control character")
    if len(text) <= PLAIN_CHARS_MAX and text.isascii() and "=?" not in text and text == text.strip():
        return text
    words, word = [], b""
    for character in text:
        # A character stands in one word as a whole.
        encoded = character.encode()
        if len(word) + len(encoded) > WORD_BYTES_MAX:
            words.append(word)
            word = b""
        word += encoded
    words.append(word)
    return "\r\n ".join(f"=?utf-8?b?{b64encode(word).decode()}?=" for word in words)


def deliverable(address: str) -> str:
    """
    The address with its domain in ASCII, which every mail server accepts (RFC 5891).

    If the part before the @ is not ASCII, there is no such form. The address stays and needs SMTPUTF8.

    Raises:
        Rejected: this is no address (`address_invalid`).
    """
    if not address.isascii():
        try:
            valid = validate_email(address, check_deliverability=False)
        except EmailNotValidError:
            raise _no_address() from None
        address = valid.ascii_email or valid.normalized
    found = _ADDRESS.fullmatch(address)
    if (
        found is None
        or not address.isprintable()
        or len(address) > EMAIL_CHARS_MAX
        or len(found[1].encode()) > EMAIL_LOCAL_BYTES_MAX
        # A reader could take it for an encoded word.
        or "=?" in address
    ):
        raise _no_address()
    return address


def domain_of(address: str) -> str:
    """The part after the @."""
    return address.rpartition("@")[2]


def _no_address() -> Rejected:
    # Without the cause, which quotes the address.
    return Rejected("this is no address that mail can be sent to", code="address_invalid")


def _base64_lines(body: str) -> bytes:
    """The text with line ends as in mails, in base64: no line of it can be mistaken for something else."""
    lines = _LINE_ENDS.split(body)
    if lines[-1]:
        lines.append("")
    text = "\r\n".join(lines).encode()
    pieces = [
        b64encode(text[start : start + BODY_LINE_BYTES]) for start in range(0, len(text), BODY_LINE_BYTES)
    ]
    return b"".join(piece + b"\r\n" for piece in pieces)
