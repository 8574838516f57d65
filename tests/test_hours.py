"""A test that counts by the hour does not begin when the hour ends."""

import pytest

from tests.support.hours import HOUR_SECONDS, TEST_SECONDS, wait_for_the_next_if_this_ends


@pytest.mark.parametrize(
    ("second", "waited"),
    [(0, []), (HOUR_SECONDS - TEST_SECONDS - 1, []), (HOUR_SECONDS - 5, [5]), (HOUR_SECONDS - 0.5, [0.5])],
)
def test_a_test_waits_only_if_the_hour_ends_before_it(second: float, waited: list[float]) -> None:
    slept: list[float] = []
    wait_for_the_next_if_this_ends(lambda: 7 * HOUR_SECONDS + second, slept.append)
    assert slept == waited
