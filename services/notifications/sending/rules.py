"""The outcome of a mail that was claimed, and the daily limit of an address. All functions are pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import Literal

from services.notifications.messages.rules import Message, Outcome, RetryPolicy, State, too_many
from services.notifications.texts.dates import TIMEZONE

# RFC 5321, 4.2.1: a reply of 4xx means "not now", 5xx means "never".
TRANSIENT, PERMANENT = 400, 500

# The daily limit of an address (`allowance_of`).
MAILS_PER_ALLOWANCE_DAY_MAX = 20
RECIPIENTS_PER_ADDRESS_MAX = 10
# More than the number of codes that a mailbox gets in a day if none of them is used (code_limit.py).
ASKING_PER_ADDRESS_MAX = 12
NEWCOMERS = "newcomers"
# Mails that wait for the next day leave within this time after midnight.
SPREAD = timedelta(hours=1)

# How many mails of one recipient may be under way at a time in one process.
RECIPIENT_MAILS_MAX = 2

NOT_TRIED = Outcome("pending", counted=False)
UNREADABLE = Outcome("failed", "message_unreadable")


@dataclass(frozen=True, slots=True)
class Claimed:
    """
    A mail that this process may send now.

    `attempts` counts this time too. `claims` counts how often the mail was claimed since its last outcome was
    saved, this time included.
    """

    message: Message
    attempts: int
    round: int
    expires_at: datetime
    claims: int = 1


@dataclass(frozen=True, slots=True)
class Reply:
    """
    What the server did with a mail: taken, deferred (not now), refused (never), or closed the connection.

    The server may have closed because of this mail. `code` is the server's reply code, if it gave one.
    `reason` is a stable code for organisers.
    """

    verdict: Literal["taken", "deferred", "refused", "closed"]
    reason: str = ""
    code: int | None = None


def reply_of(code: int) -> Reply:
    """What a reply code of 400 or more says of a mail."""
    if code >= PERMANENT:
        return Reply("refused", "smtp_rejected", code)
    return Reply("deferred", "smtp_deferred", code)


def outcome_of(reply: Reply, retry_at: datetime, expires_at: datetime) -> Outcome:
    """What becomes of a mail after the server's reply. `retry_at` is when it would be tried again."""
    if reply.verdict == "taken":
        return Outcome("delivered")
    if reply.verdict == "refused":
        return Outcome("failed", reply.reason, reply=reply.code)
    return deferred(reply.reason, reply.code, retry_at, expires_at)


def deferred(code: str, reply: int | None, due_at: datetime, expires_at: datetime) -> Outcome:
    """What becomes of a mail that may be tried again at `due_at`: it has failed if that is too late."""
    if due_at >= expires_at:
        return Outcome("failed", code, reply=reply)
    return Outcome("pending", code, due_at=due_at, reply=reply)


def never_marked(claimed: Claimed, retry_policy: RetryPolicy) -> Outcome | None:
    """
    The outcome `failed`, if the mail was claimed too often and never marked; None otherwise.

    The process probably crashes when it sends this mail.
    """
    return Outcome("failed", "unconfirmed") if claimed.claims > retry_policy.claims_max else None


def over_daily_limit(claimed: Claimed, now: datetime) -> Outcome:
    """A message over its allowance waits for the next day."""
    return tomorrow(claimed, too_many(claimed.message.channel), now)


def tomorrow(claimed: Claimed, code: str, now: datetime) -> Outcome:
    """The outcome of a message that a limit of ours puts off to the next day. It does not count as a try."""
    due_at = next_day(now) + spread_of(claimed.message.message_id)
    return replace(deferred(code, None, due_at, claimed.expires_at), counted=False)


def spread_of(message_id: str) -> timedelta:
    """The time after midnight when this mail is due. So not all waiting mails are due at one moment."""
    return SPREAD * (int.from_bytes(sha256(message_id.encode()).digest()[:4]) / 2**32)


def allowance_of(recipient_id: str, first: Mapping[str, str], asking: Collection[str], today: date) -> str:
    """
    The allowance of the day that a mail counts on: the recipient's own, or that of all newcomers at the
    address.

    Another system vouches for people whom it registers, and may give anybody's address. So an address gets a
    limited number of mails a day. But if all mails counted together, 20 strangers with somebody's address
    would use up that person's mails. So a recipient who got a mail at the address on an earlier day has an
    own allowance. All others share one: strangers only take mails from other strangers.

    A person who came today must not wait for tomorrow because of strangers. So a recipient to whom a code was
    mailed has an own allowance too, immediately. This does not help a stranger: without the code the stranger
    is not verified at this address, and gets no other mail there. Codes have their own limit (code_limit.py).

    The number of known recipients at an address is bounded too: the first `RECIPIENTS_PER_ADDRESS_MAX`. They
    keep their places when others come later. So an address gets at most 20 mails a day from strangers who
    came today, and at most 220 in all: 20 for each place, and 20 for newcomers. If more than 10 recipients
    share an address, some of them get their mails a little later.

    Args:
        first: the known recipients, each with the day of the first mail, as YYYY-MM-DD.
        asking: the last recipients to whom a code was mailed there, or who can use a code that was mailed.
    """
    if recipient_id in asking:
        return recipient_id
    since = first.get(recipient_id)
    return recipient_id if since is not None and since < today.isoformat() else NEWCOMERS


def expired(state: State, code: str | None) -> Outcome:
    """What becomes of an open mail whose time is over. `code` says why it was deferred last."""
    return Outcome("failed", code or ("contact_unknown" if state == "waiting_contact" else "expired"))


def day_of(now: datetime) -> date:
    """The day of the daily limit, in the time zone of the week."""
    return now.astimezone(TIMEZONE).date()


def next_day(now: datetime) -> datetime:
    """The end of this moment's day: every count then begins at 0."""
    return datetime.combine(day_of(now) + timedelta(days=1), time.min, TIMEZONE).astimezone(UTC)
