"""`Retry-After` of another server: whatever it says, we wait within our bounds."""

from datetime import UTC, datetime

import pytest

from shared.runtime.retry_after import seconds_of

NOW = datetime(2027, 1, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (None, 7.0),
        ("120", 120.0),
        ("9" * 400, 3_600.0),
        ("Mon, 04 Jan 2027 12:01:00 GMT", 60.0),
        ("Mon, 04 Jan 2027 12:01:00", 60.0),
        ("Sun, 03 Jan 2027 12:00:00 GMT", 1.0),
        ("soon", 7.0),
        ("-5", 7.0),
        ("Mon, 99999999999 Jan 2027 00:00:00 GMT", 7.0),
        ("Mon, 04 Jan 99999999999 00:00:00 GMT", 7.0),
        ("Mon, 04 Jan 2027 99999999999:00:00 GMT", 7.0),
        ("Mon, 04 Jan 2027 12:01:00 +99999999999", 7.0),
        ("Fri, 31 Dec 9999 23:59:59 -2359", 3_600.0),
    ],
)
def test_what_it_says_is_a_wait_within_the_bounds(said: str | None, seconds: float) -> None:
    assert seconds_of(said, NOW, otherwise=7.0, least=1.0, most=3_600.0) == seconds
