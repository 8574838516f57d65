"""
Ids that derive from what they stand for, and lie together where one owner has many.

Such an id is the same on every repeat. All ids of one owner begin alike: they are one
range of the index of ids, so that an owner's things are found without a second index,
and what is written together is written into one place of it. Two owners may begin alike
(of one second one in 4,096 does), so whoever looks for one's things compares the owner.
"""

import re
from hashlib import sha256

# RFC 9562: in a UUID of version 8 all bits but these and the variant are its maker's own.
VERSION = "8"
_TIMED = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_VARIANTS = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))


def owned_id(owner: str, thing: str) -> str:
    """
    The id of an owner's thing: a UUID of which 60 bits tell the owner, and 62 the thing.

    Things of owners who came at one time lie together where the owners' ids say when that was.
    """
    digest = sha256(thing.encode()).hexdigest()
    return f"{_beginning(owner)}{_VARIANTS[digest[0]]}{digest[1:4]}-{digest[4:16]}"


def ids_of(owner: str) -> tuple[str, str]:
    """What all ids of this owner are greater than, and what they are less than; others' may lie there too."""
    beginning = _beginning(owner)
    # A full stop follows the hyphen in ASCII.
    return beginning, f"{beginning[:-1]}."


def _beginning(owner: str) -> str:
    if _TIMED.fullmatch(owner):
        # As `shared.ids.ordered_id` makes them. Other UUIDs need not differ where they begin.
        return f"{owner[:14]}{VERSION}{owner[15:19]}"
    digest = sha256(owner.encode()).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-{VERSION}{digest[12:15]}-"
