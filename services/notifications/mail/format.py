"""A mail in the format of RFC 5322 and RFC 6531. Pure: the same message makes the same mail every time."""

from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from functools import lru_cache
from typing import Any

from email_validator import EmailNotValidError, validate_email

from services.notifications.messages.rules import MessageId
from services.notifications.texts.dates import TIMEZONE
from shared.contracts.events import Language
from shared.runtime.errors import Rejected

CONSTANTS_MAX = 16


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
) -> Mail:
    """
    The mail of a message.

    Message-ID and date derive from the message, so a mail that is sent twice is recognised as one.

    Raises:
        Rejected: no mail server would accept the address (`address_invalid`).
    """
    to = deliverable(address)
    utf8 = not to.isascii()
    mail = EmailMessage(policy=SMTPUTF8 if utf8 else SMTP)
    mail["From"] = _constant("From", sender)
    mail["To"] = _address(to)
    mail["Subject"] = subject
    mail["Date"] = date.astimezone(TIMEZONE)
    mail["Message-ID"] = f"<{message_id}@{domain_of(sender)}>"
    # RFC 3834: automatic responders do not answer such a mail.
    mail["Auto-Submitted"] = _constant("Auto-Submitted", "auto-generated")
    mail.set_content(body, charset="utf-8", cte="base64")
    # After set_content, which would remove this header.
    mail["Content-Language"] = _constant("Content-Language", language)
    return Mail(to, mail.as_bytes(), utf8)


def deliverable(address: str) -> str:
    """
    The address with its domain in ASCII, which every mail server accepts (RFC 5891).

    If the part before the @ is not ASCII, there is no such form. The address stays and needs SMTPUTF8.

    Raises:
        Rejected: this is no address (`address_invalid`).
    """
    if address.isascii() and address.isprintable():
        return address
    try:
        valid = validate_email(address, check_deliverability=False)
    except EmailNotValidError:
        # Without the cause, which quotes the address.
        raise Rejected("this is no address that mail can be sent to", code="address_invalid") from None
    return valid.ascii_email or valid.normalized


def domain_of(address: str) -> str:
    """The part after the @."""
    return address.rpartition("@")[2]


@lru_cache(maxsize=CONSTANTS_MAX)
def _constant(name: str, value: str) -> Any:
    """A header that many mails share. Parsing it each time would take a fifth of a mail's time."""
    return SMTP.header_factory(name, value)


def _address(address: str) -> Address:
    local, _, domain = address.rpartition("@")
    return Address(username=local, domain=domain)
