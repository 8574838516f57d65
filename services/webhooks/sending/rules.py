"""What an answer means, and when a delivery is tried again. Who disables its endpoint: sender.py."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

from services.webhooks.deliveries.rules import KEPT
from services.webhooks.endpoints.rules import FAILING

# The pauses between the tries of one delivery, as Standard Webhooks proposes them: 3 days in all.
PAUSES: tuple[timedelta, ...] = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
TRIES_MAX = len(PAUSES) + 1
# So much longer or shorter, at random: what failed together is not tried together.
JITTER = 0.1
# The longest pause that `Retry-After` may ask for.
RETRY_AFTER_MAX = timedelta(hours=1)

_ALL_TRIES = sum(PAUSES, timedelta()) * (1 + JITTER)
# An endpoint is disabled only after some delivery has failed for good, and what it did not take can be
# replayed after that.
assert _ALL_TRIES < FAILING < KEPT  # noqa: S101

OK_FROM, REDIRECT_FROM, REFUSED_FROM, FAILED_FROM = 200, 300, 400, 500
GONE, TOO_MANY, UNAVAILABLE = 410, 429, 503

Failure: TypeAlias = Literal[
    "address_refused",
    "connection_failed",
    "gone",
    "host_unknown",
    "redirected",
    "refused",
    "secret_unreadable",
    "server_failed",
    "timed_out",
    "unexpected",
]
# The endpoint answers, and does not want this one.
ANSWERED: frozenset[Failure] = frozenset({"redirected", "refused"})


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What came of one try.

    `status`: of the answer; None: there was none. `failure`: why it is no delivery; None: it is one.
    `pause_seconds`: for so long the endpoint wants nothing.
    """

    status: int | None
    failure: Failure | None
    milliseconds: int = 0
    pause_seconds: float = 0.0

    @property
    def is_alive(self) -> bool:
        """Whether the endpoint works, and only this delivery may be wrong."""
        return self.failure is None or self.failure in ANSWERED


def failure_of(status: int) -> Failure | None:
    """Why an answer with this status is no delivery; None: it is one."""
    if OK_FROM <= status < REDIRECT_FROM:
        return None
    if status == GONE:
        return "gone"
    if REDIRECT_FROM <= status < REFUSED_FROM:
        return "redirected"
    return "server_failed" if status >= FAILED_FROM or status in (TOO_MANY, 408) else "refused"


def wants_pause(status: int | None) -> bool:
    """Whether `Retry-After` of an answer with this status is for all deliveries."""
    return status in (TOO_MANY, UNAVAILABLE)


def next_try(attempts: int, answer: Answer, now: datetime) -> datetime | None:
    """
    When a delivery that has failed so many times is tried again; None: it has failed for good.

    Args:
        attempts: from 1, with the one that has just failed.
    """
    if attempts >= TRIES_MAX:
        return None
    pause = PAUSES[max(attempts, 1) - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 (no secret)
    return now + max(pause, timedelta(seconds=answer.pause_seconds))
