"""Codes by which members claim their membership, and how many may be tried; pure functions."""

from datetime import datetime, timedelta

import msgspec

from services.registration.rosters.rules import Member
from shared.runtime.errors import Forbidden

CODE_DAYS = 60
CODE_VALID = timedelta(days=CODE_DAYS)
CODES_A_REQUEST_MAX = 500
# Wrong codes in one hour, beyond which a wrong one is answered 429. A right code is always taken and does not
# count: a class types in a room with one network, and one of it must not lock the others out. So the bounds
# only slow down well-behaved programs and show in the answers; that nobody finds a code by trying is due to
# its length alone (codes.py).
PERSON_MAX = 20
GROUP_AND_NETWORK_MAX = 60
GROUP_MAX = 600
ALWAYS_MAX = 3
NETWORK_MAX = 300
CODE_WRONG = "claim_code_wrong"


class ClaimCode(msgspec.Struct, frozen=True):
    """
    The code of a member, without the code itself.

    Attributes:
        code_hash: of the code, with the group (codes.py).
        round: another round is another code. It only rises, so no code is good a second time.
        used_at: when the member has claimed by it.
    """

    member_id: str
    group_id: str
    code_hash: str
    expires_at: datetime
    round: int = 1
    used_at: datetime | None = None


def is_good(code: ClaimCode, now: datetime) -> bool:
    """Whether somebody may claim by this code."""
    return code.used_at is None and now < code.expires_at


def round_now(code: ClaimCode | None, now: datetime, *, renew: bool) -> int:
    """
    The round of the code that a manager gets now: a good one is given again, and no other ever is.

    Args:
        renew: a good one is not given again either; it ends.
    """
    if code is None:
        return 1
    return code.round if is_good(code, now) and not renew else code.round + 1


def is_claimable(member: Member, *, is_shared: bool, has_proved: bool) -> bool:
    """
    Whether a code can make somebody this member.

    It can not if the member's participant is somebody already, also by such a code: then the group, which
    hands out the codes, could hand out that person.

    Args:
        is_shared: another group has the same participant as a member.
        has_proved: the participant has verified a contact by a code.
    """
    return not (member.was_known or member.claimed_at is not None or is_shared or has_proved)


def is_too_much(*, of_person: int, of_pair: int, of_group: int, of_network: int, times: int = 1) -> bool:
    """
    Whether a code is one too many to try in this hour.

    Args:
        of_person: how many wrong ones this participant has sent, this one included; 0 without a token.
        of_pair: how many came for this group from this network.
        of_group: how many came for this group, from anywhere.
        of_network: how many came from this network, for any group.
        times: how many times the bounds of a network count here: more than once for a site, which has many
            networks.
    """
    of_pair_max = GROUP_AND_NETWORK_MAX if of_group <= GROUP_MAX else ALWAYS_MAX
    return of_person > PERSON_MAX or of_pair > of_pair_max * times or of_network > NETWORK_MAX * times


def code_wrong() -> Forbidden:
    """
    The refusal of a code that is good for nothing.

    It is the same for a group that does not exist, a code that was used or has ended, and a member who cannot
    be claimed: whoever guesses learns nothing.
    """
    return Forbidden(
        "this is not a code of this group, or it was used or has ended; ask your group for another one",
        code=CODE_WRONG,
    )
