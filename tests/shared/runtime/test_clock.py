"""Times in whole milliseconds: rounded down, and the same when they are read back."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from shared.runtime import clock

MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 (hypothesis wants bare ones)


def test_now_is_in_utc_and_in_whole_milliseconds() -> None:
    now = clock.now()
    assert now.tzinfo is UTC
    assert now == clock.to_milliseconds(now)
    assert abs((datetime.now(UTC) - now).total_seconds()) < 60


@given(MOMENTS)
def test_a_time_is_rounded_down_to_milliseconds(moment: datetime) -> None:
    rounded = clock.to_milliseconds(moment)
    assert rounded.microsecond == moment.microsecond // 1_000 * 1_000
    assert rounded.replace(microsecond=0) == moment.replace(microsecond=0)


@given(MOMENTS)
def test_a_time_is_the_same_after_its_way_through_a_number(moment: datetime) -> None:
    milliseconds = clock.epoch_ms(moment)
    assert clock.from_epoch_ms(milliseconds) == clock.to_milliseconds(moment)
    assert (
        milliseconds == int(moment.replace(microsecond=0).timestamp()) * 1_000 + moment.microsecond // 1_000
    )
