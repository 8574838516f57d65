"""
How long another server asks us to wait: the header `Retry-After`.

Source: RFC 9110, section 10.2.3
"""

from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

DIGITS_MAX = 9


def seconds_of(
    retry_after: str | None, now: datetime, *, otherwise: float, least: float, most: float
) -> float:
    """
    The seconds to wait, from `least` to `most`.

    Args:
        retry_after: the header's value, in seconds or as a time.
        otherwise: if there is no value, or none that means something.
    """
    text = (retry_after or "").strip()
    seconds = otherwise
    if text.isascii() and text.isdecimal():
        seconds = float(text[:DIGITS_MAX])
    elif text:
        # A day, a year or a zone of any number of digits is one that no calendar has.
        with suppress(ValueError, TypeError, OverflowError):
            at = parsedate_to_datetime(text)
            seconds = ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds()
    return min(max(seconds, least), most)
