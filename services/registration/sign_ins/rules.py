"""Sign-ins, and how many there may be. All functions are pure."""

from datetime import datetime, timedelta
from math import ceil
from typing import NewType

import msgspec

from services.registration.participants.rules import ParticipantId
from shared.runtime.errors import Forbidden

SignInId = NewType("SignInId", str)

# At the rate of `CONTACT_MAX`, a code of 40 bits is found by chance once in more than ten thousand years.
TRIES_MAX = 5
SIGN_IN_KEPT = timedelta(hours=1)
# In one hour. Who sends many requests for somebody else's contact must not lock that person out. So the bound
# of one contact from one network is far below that of the contact, and beyond the bound of the contact each
# network still has its few. With 100,000 networks a code is found by chance once in 40 years.
CONTACT_AND_ADDRESS_MAX = 20
CONTACT_MAX = 200
ALWAYS_MAX = 3
# A school shares one address.
ADDRESS_MAX = 5_000
# Changes of one's own data in an hour. Each leaves an event at all services.
CHANGES_MAX = 30
COUNTED_SECONDS = 3_600
# Quizzes count attempts by day. Whoever leaves and joins again with the same contact competes after that.
AGAIN_AFTER = timedelta(days=1)


class SignIn(msgspec.Struct, frozen=True):
    """
    Somebody says that a contact is theirs.

    Attributes:
        contact_hash: the contact (participants/codes.py), known or not.
        tries: codes that were given for it.
        changes: whose contact becomes this one; None: to sign in.
        contact_locked: name and contact as they shall be, encrypted with the participant's key. To sign in:
            another spelling of a contact that nobody has verified. The code goes to its plain spelling.
        tokens_from: of a change, the participant's `tokens_from` when it was asked for. If tokens have ended
            since then, whoever asked may be somebody else, and the change is void.
    """

    sign_in_id: SignInId
    contact_hash: str
    expires_at: datetime
    tries: int = 0
    changes: ParticipantId | None = None
    contact_locked: str | None = None
    tokens_from: datetime | None = None


def is_too_much(*, of_pair: int, of_contact: int, of_network: int, times: int = 1) -> bool:
    """
    Whether a request is one too many in its hour.

    Args:
        of_pair: how many requests for its contact came from its network, this one included.
        of_contact: how many for its contact, from anywhere.
        of_network: how many from its network, for any contact.
        times: how many times the bounds of a network count here: more than once for a site, which has many
            networks.
    """
    of_pair_max = CONTACT_AND_ADDRESS_MAX if of_contact <= CONTACT_MAX else ALWAYS_MAX
    return of_pair > of_pair_max * times or of_network > ADDRESS_MAX * times


def code_wrong(tries: int) -> Forbidden:
    """
    The refusal of a wrong code.

    Args:
        tries: how many codes were given, this one included.
    """
    return Forbidden(
        "this is not the code that was sent, or it has expired",
        code="code_wrong",
        tries_left=max(0, TRIES_MAX - tries),
    )


def tokens_end_at(now: datetime, before: datetime | None) -> datetime:
    """
    From when on tokens are good if all earlier ones end now. Tokens know only whole seconds.

    Args:
        before: the same of the last time. Tokens that were given since then may say up to this moment.
    """
    next_second = datetime.fromtimestamp(ceil(now.timestamp() + 0.001), now.tzinfo)
    return next_second if before is None else max(next_second, before + timedelta(seconds=1))


def hour_of(now: datetime) -> int:
    """The hour in which a request is counted."""
    return int(now.timestamp()) // COUNTED_SECONDS


def seconds_left(now: datetime) -> int:
    """How long this hour lasts."""
    return COUNTED_SECONDS - int(now.timestamp()) % COUNTED_SECONDS
