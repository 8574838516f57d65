"""Damage to bytes, of the kinds that faults and attackers make."""

import random
from collections.abc import Sequence

# Where lengths and counts overflow, or mean something else.
NUMBERS = (
    *(0, 1, -1, 2, 60, 63, 64, 100, 127, 128, 255, 4_096, 4_097, 65_535, 65_536, 1_000_000),
    *(2**31 - 1, 2**31, -(2**31), 2**32, 2**40, 2**53, 2**62, 2**63 - 100, 2**63 - 1, -(2**63)),
)
BYTES = (0x00, 0x01, 0x7F, 0x80, 0xFE, 0xFF, 0x20, 0x22, 0x7B, 0x7D, 0x0D, 0x0A)


def damaged(whole: bytes, dice: random.Random, others: Sequence[bytes] = ()) -> bytes:
    """
    The bytes with one to four faults.

    Args:
        others: inputs that something was found with; a part of one may be put in.
    """
    found = bytearray(whole)
    for _ in range(dice.choice((1, 1, 1, 2, 3, 4))):
        at = dice.randrange(len(found) + 1)
        size = min(dice.choice((1, 1, 2, 4, 8, 30, 200)), len(found) - at)
        match dice.randrange(8):
            case 0 if at < len(found):
                found[at] ^= 1 << dice.randrange(8)
            case 1 if at < len(found):
                found[at] = dice.choice(BYTES)
            case 2:
                del found[at : at + size]
            case 3:
                found[at:at] = found[at : at + size]
            case 4:
                found[at:at] = dice.randbytes(size)
            case 5:
                del found[at:]
            case 6 if others:
                other = dice.choice(others)
                begins = dice.randrange(len(other) + 1)
                found[at : at + size] = other[begins : begins + size]
            case _:
                found[at : at + size] = bytes([dice.choice(BYTES)]) * size
    return bytes(found)


def varint(number: int) -> bytes:
    """A number of 64 bits as Kafka's records have it."""
    left = ((number << 1) ^ (number >> 63)) & (2**64 - 1)
    found = bytearray()
    while left > 0x7F:
        found.append(0x80 | left & 0x7F)
        left >>= 7
    found.append(left)
    return bytes(found)
