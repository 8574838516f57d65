"""
Ids that derive from what they stand for, and lie together where one owner has many.

Such an id is the same on every repeat. All ids of one owner begin alike: they are one
range of the index of ids, so that an owner's things are found without a second index,
and what is written together is written into one place of it. Two owners may begin alike
(of one second one in 4,096 does), so whoever looks for one's things compares the owner.
"""

import re
from functools import lru_cache
from hashlib import sha256

# RFC 9562: in a UUID of version 8 all bits but these and the variant are its maker's own.
VERSION = "8"
# Hexadecimal ones before the variant, without the version.
DIGITS = 15
GROUP_DIGITS = 6
_TIMED = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_VARIANTS = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))


def owned_id(owner: str, thing: str) -> str:
    """
    The id of an owner's thing: a UUID of which 60 bits tell the owner, and 62 the thing.

    Things of owners who came at one time lie together where the owners' ids say when that was.
    """
    return _id(_digits(owner), thing)


def ids_of(owner: str) -> tuple[str, str]:
    """What all ids of this owner are greater than, and what they are less than; others' may lie there too."""
    digits = _digits(owner)
    beginning = f"{digits[:8]}-{digits[8:12]}-{VERSION}{digits[12:]}-"
    # A full stop follows the hyphen in ASCII.
    return beginning, f"{beginning[:-1]}."


def member_id(group: str, member: str) -> str:
    """
    The id of the one thing that a group has for a member.

    24 bits tell the group, 36 where the member's own id begins, and 62 both.
    """
    digits = _group_digits(group) + _digits(member)[: DIGITS - GROUP_DIGITS]
    return _id(digits, f"{group}/{member}")


def ids_in(group: str) -> tuple[str, str]:
    """What all ids in this group are greater than, and what they are less than; others' may lie there too."""
    return _group_digits(group), f"{_group_digits(group)}g"


def _id(digits: str, thing: str) -> str:
    tail = sha256(thing.encode()).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-{VERSION}{digits[12:]}-{_VARIANTS[tail[0]]}{tail[1:4]}-{tail[4:16]}"


def _digits(owner: str) -> str:
    if _TIMED.fullmatch(owner):
        # As `shared.runtime.ids.ordered_id` makes them. Other UUIDs need not differ where they begin.
        return f"{owner[:8]}{owner[9:13]}{owner[15:18]}"
    return sha256(owner.encode()).hexdigest()[:DIGITS]


@lru_cache(maxsize=1_024)
def _group_digits(group: str) -> str:
    return sha256(group.encode()).hexdigest()[:GROUP_DIGITS]
