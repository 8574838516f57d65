"""
Tests within one hour of the clock.

Services count by the hour and by the day: sign-ins, changes, mails, attempts. For a test that counts just
when an hour ends, the count begins anew in the middle.
"""

import time
from collections.abc import Callable

HOUR_SECONDS = 3_600
# Longer than nearly all tests that count.
TEST_SECONDS = 20


def wait_for_the_next_if_this_ends(
    now: Callable[[], float] = time.time, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Wait until the next hour has begun, if less than a test's time is left of this one."""
    left = HOUR_SECONDS - now() % HOUR_SECONDS
    if left <= TEST_SECONDS:
        sleep(left)
