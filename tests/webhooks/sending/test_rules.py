from datetime import timedelta

import pytest

from services.webhooks.sending.rules import JITTER, PAUSES, TRIES_MAX, Answer, Failure, failure_of, next_try
from tests.webhooks.builders import NOW

FAILED = Answer(500, "server_failed")


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        (200, None),
        (204, None),
        (299, None),
        (301, "redirected"),
        (304, "redirected"),
        (400, "refused"),
        (404, "refused"),
        (410, "gone"),
        (408, "server_failed"),
        (429, "server_failed"),
        (500, "server_failed"),
        (503, "server_failed"),
    ],
)
def test_only_2xx_is_a_delivery(status: int, failure: Failure | None) -> None:
    assert failure_of(status) == failure


def test_pauses_grow_from_seconds_to_a_day_with_jitter() -> None:
    for attempts, pause in enumerate(PAUSES, 1):
        for _ in range(20):
            due_at = next_try(attempts, FAILED, NOW)
            assert due_at is not None
            assert pause * (1 - JITTER) <= due_at - NOW <= pause * (1 + JITTER)
    assert sum(PAUSES, timedelta()) > timedelta(days=3)


def test_after_the_last_try_a_delivery_has_failed_for_good() -> None:
    assert next_try(TRIES_MAX, FAILED, NOW) is None
    assert next_try(TRIES_MAX - 1, FAILED, NOW) is not None


def test_a_longer_pause_that_the_endpoint_asks_for_counts() -> None:
    asked = Answer(429, "server_failed", pause_seconds=600)
    assert next_try(1, asked, NOW) == NOW + timedelta(minutes=10)


def test_an_endpoint_that_refuses_one_delivery_is_alive() -> None:
    assert Answer(400, "refused").is_alive
    assert Answer(200, None).is_alive
    assert not Answer(None, "timed_out").is_alive
