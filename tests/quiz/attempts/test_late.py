"""What intake acknowledges by the broker's clock is what grading accepts, whatever our own clock says."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.quiz.attempts.intake import ACCEPTED_SECONDS_MAX
from services.quiz.attempts.late import AHEAD_MS_MAX, ClockDoubtful, check_moment
from services.quiz.grading.rules import SKEW
from services.quiz.quizzes.rules import LOG_DELAY_SECONDS_MAX
from shared.messaging.appended import Appended
from shared.runtime import clock
from tests.support.logged import NOW


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def appended(*seconds: float) -> Appended:
    first, last = (clock.epoch_ms(later(one)) for one in seconds)
    return first, last


@given(first=st.floats(-200, 200), more=st.floats(0, 100), now=st.floats(-4_000, 4_000))
def test_what_is_acknowledged_grading_accepts(first: float, more: float, now: float) -> None:
    try:
        check_moment(NOW, appended(first, first + more), later(now), ACCEPTED_SECONDS_MAX)
    except ClockDoubtful:
        return
    # grading/rules.py compares the same two moments. At the deadline `NOW` would be the last one.
    assert later(first) + SKEW >= NOW
    assert later(first + more) <= NOW + timedelta(seconds=LOG_DELAY_SECONDS_MAX)


def test_a_small_difference_of_clocks_is_none() -> None:
    check_moment(NOW, appended(-2, -2), NOW, ACCEPTED_SECONDS_MAX)
    check_moment(NOW, appended(2, 3), NOW, ACCEPTED_SECONDS_MAX)


@pytest.mark.parametrize(
    "moments", [(-AHEAD_MS_MAX / 1000 - 1, 0.0), (0.0, ACCEPTED_SECONDS_MAX + 1), (-90.0, -90.0)]
)
def test_what_grading_may_refuse_is_not_acknowledged(moments: tuple[float, float]) -> None:
    with pytest.raises(ClockDoubtful):
        check_moment(NOW, appended(*moments), NOW, ACCEPTED_SECONDS_MAX)


def test_without_the_time_of_the_broker_our_own_clock_has_to_do() -> None:
    check_moment(NOW, None, later(ACCEPTED_SECONDS_MAX - 1), ACCEPTED_SECONDS_MAX)
    with pytest.raises(ClockDoubtful):
        check_moment(NOW, None, later(ACCEPTED_SECONDS_MAX + 1), ACCEPTED_SECONDS_MAX)
