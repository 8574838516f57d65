"""
A mail as RFC 5322 and RFC 6531 want it. Pure: the same message makes the same mail every time.
"""

from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from functools import lru_cache
from typing import Any

from email_validator import EmailNotValidError, validate_email

from services.notifications.messages.rules import MessageId
from services.notifications.wording.render import TIMEZONE
from shared.contracts.events import Language
from shared.runtime.errors import Rejected

CONSTANTS_MAX = 16


@dataclass(frozen=True, slots=True)
class Mail:
    """What is handed to the mail server: to whom, and the bytes; `utf8` where that needs SMTPUTF8."""

    address: str
    content: bytes
    utf8: bool = False

    def __repr__(self) -> str:
        return "Mail(sealed)"


def mail(
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
    The mail that a message makes.

    Message-ID and date derive from the message, so that a mail sent twice can be seen to be one.

    Raises:
        Rejected: the address is none that a mail server takes.
    """
    to = deliverable(address)
    utf8 = not to.isascii()
    made = EmailMessage(policy=SMTPUTF8 if utf8 else SMTP)
    made["From"] = _constant("From", sender)
    made["To"] = _address(to)
    made["Subject"] = subject
    made["Date"] = date.astimezone(TIMEZONE)
    made["Message-ID"] = f"<{message_id}@{domain_of(sender)}>"
    # RFC 3834: holiday replies and other machines leave it unanswered.
    made["Auto-Submitted"] = _constant("Auto-Submitted", "auto-generated")
    made.set_content(body, charset="utf-8", cte="base64")
    # After the content, which replaces what it finds of its own headers.
    made["Content-Language"] = _constant("Content-Language", language)
    return Mail(to, made.as_bytes(), utf8)


def deliverable(address: str) -> str:
    """
    The address as every mail server takes it: a domain of other letters in its ASCII form (RFC 5891).

    Where the part before the @ is not ASCII, no such form exists; the address stays, and needs SMTPUTF8.

    Raises:
        Rejected: it is no address (`address_invalid`).
    """
    if address.isascii() and address.isprintable():
        return address
    try:
        valid = validate_email(address, check_deliverability=False)
    except EmailNotValidError:
        # Without the cause: it quotes the address.
        raise Rejected("this is no address that mail can be sent to", code="address_invalid") from None
    return valid.ascii_email or valid.normalized


def domain_of(address: str) -> str:
    """The part after the @."""
    return address.rpartition("@")[2]


@lru_cache(maxsize=CONSTANTS_MAX)
def _constant(name: str, value: str) -> Any:
    """A header that many mails share. To parse it anew takes a fifth of making a mail."""
    return SMTP.header_factory(name, value)


def _address(address: str) -> Address:
    local, _, domain = address.rpartition("@")
    return Address(username=local, domain=domain)
