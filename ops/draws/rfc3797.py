"""
The rule of the IETF for public random selection, RFC 3797, with which published selections can be checked.

Draws of this project have a rule of their own: this one knows no chances, and has MD5.

Source: RFC 3797, sections 4 and 6
"""

import hashlib
from collections.abc import Iterable


def key_of(inputs: Iterable[Iterable[int]]) -> str:
    """The key string: the numbers of each source in rising order, each with a ".", and a "/" at the end."""
    return "".join("".join(f"{number}." for number in sorted(source)) + "/" for source in inputs)


def selected(key: str, pool: int, count: int) -> list[int]:
    """Who is selected among the numbers from 1 to `pool`, in order."""
    left = list(range(1, pool + 1))
    found = []
    for place in range(min(count, pool)):
        around = place.to_bytes(2, "big")
        digest = hashlib.md5(around + key.encode() + around, usedforsecurity=False).digest()
        found.append(left.pop(int.from_bytes(digest, "big") % len(left)))
    return found
