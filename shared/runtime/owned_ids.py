"""
Ids that are computed from an owner and a thing. The ids of one owner are near each other.

Such an id is the same on every repeat. All ids of one owner begin with the same characters, so they are
one range in the index of ids. So an owner's things are found without a second index. Things of owners who
came at the same time lie near each other, so writing them changes fewer places in the index.

Other systems choose ids of owners too. If an id began with the owner's own characters, somebody could make up
owners whose things lie between those of another one, and slow every search for them. So all but the beginning
of a time is a hash: an owner in the range of another one takes 2^36 tries. It may still happen, so a search
for an owner's things also compares the owner.
"""

import re
from functools import lru_cache
from hashlib import sha256

from shared.runtime.ids import joined

# RFC 9562: a UUID of version 8 leaves all bits to its maker, but for the version and the variant.
VERSION = "8"
# Hexadecimal digits before the variant, without the version.
DIGITS = 15
GROUP_DIGITS = 6
# Of the time in an owner's id: 4.7 hours. The other nine digits, 36 bits, are hash.
TIME_DIGITS = 6
_TIMED = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_VARIANTS = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))


def owned_id(owner: str, thing: str) -> str:
    """
    The id of an owner's thing: a UUID with 60 bits of the owner and 62 of the thing.

    If the owners' ids begin with a time, things of owners of the same hours are near each other.
    """
    return _id(_hashed_digits(owner), thing)


def beginnings_of(owner: str) -> tuple[str, ...]:
    """
    Every id of this owner begins with one of these; ids of another owner may too.

    The second one is that of ids which were made before November 2026, with the owner's own characters.
    """
    return tuple(dict.fromkeys(_beginning(digits) for digits in (_hashed_digits(owner), _digits(owner))))


def member_id(group: str, member: str) -> str:
    """
    The id of the one thing that a group has for a member.

    It has 24 bits of the group, 36 of the beginning of the member's id, and 62 of both.
    """
    digits = _group_digits(group) + _digits(member)[: DIGITS - GROUP_DIGITS]
    return _id(digits, joined(group, member))


def ids_in(group: str) -> tuple[str, str]:
    """All ids in this group are between these two; ids of another group may be there too."""
    return _group_digits(group), f"{_group_digits(group)}g"


def _id(digits: str, thing: str) -> str:
    tail = sha256(thing.encode()).hexdigest()
    return f"{_beginning(digits)}{_VARIANTS[tail[0]]}{tail[1:4]}-{tail[4:16]}"


def _beginning(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{VERSION}{digits[12:]}-"


def _hashed_digits(owner: str) -> str:
    digits = sha256(owner.encode()).hexdigest()
    if _TIMED.fullmatch(owner):
        return owner[:TIME_DIGITS] + digits[: DIGITS - TIME_DIGITS]
    return digits[:DIGITS]


def _digits(owner: str) -> str:
    if _TIMED.fullmatch(owner):
        # `shared.runtime.ids.ordered_id` made it. Other UUIDs may all have the same beginning.
        return f"{owner[:8]}{owner[9:13]}{owner[15:18]}"
    return sha256(owner.encode()).hexdigest()[:DIGITS]


@lru_cache(maxsize=1_024)
def _group_digits(group: str) -> str:
    return sha256(group.encode()).hexdigest()[:GROUP_DIGITS]
