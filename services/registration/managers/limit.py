"""
How much the managers of a group may change, since each change leaves events at all services; and how often
somebody may apply.
"""

from datetime import UTC, datetime, timedelta
from typing import Protocol

from services.registration.managers.rules import APPLICATIONS_HOUR_MAX, GROUP_CHANGES_MAX, IMPORTED_LINES_MAX
from shared.runtime import clock
from shared.runtime.keyed_hash import KeyedHash
from shared.web.problems import TooOften

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class Count(Protocol):
    """Counts under a key, and returns how many there were; it forgets the key some hours after `now`."""

    async def __call__(self, key: str, now: datetime, number: int = 1) -> int: ...


class GroupLimit:
    """Bounds what all managers of a group change together, and what an applicant does: over all processes."""

    def __init__(self, count: Count, hash_: KeyedHash) -> None:
        self._count = count
        self._hash = hash_

    async def check_change(self, group_id: str) -> None:
        """
        Count one change of a member or of the group's details by a form.

        Raises:
            TooOften: there were too many in this hour (429).
        """
        key, ends_at = self._period(f"changes of {group_id}", HOUR)
        if await self._count(key, ends_at) > GROUP_CHANGES_MAX:
            why = f"a group has at most {GROUP_CHANGES_MAX} changes by form in an hour; many go by a file"
            raise _too_many(why, ends_at, code="group_changes_too_many", most=GROUP_CHANGES_MAX)

    async def check_lines(self, group_id: str, lines: int) -> None:
        """
        Count the lines of a file that will be imported; if there are too many, they count for nothing.

        Raises:
            TooOften: there were too many on this day (429).
        """
        key, ends_at = self._period(f"lines of {group_id}", DAY)
        if await self._count(key, ends_at, lines) > IMPORTED_LINES_MAX:
            await self._count(key, ends_at, -lines)
            why = f"a group imports at most {IMPORTED_LINES_MAX} new or changed lines in a day"
            raise _too_many(why, ends_at, code="lines_too_many", most=IMPORTED_LINES_MAX)

    async def check_application(self, participant_id: str) -> None:
        """
        Count one application, or one change of an open one.

        Raises:
            TooOften: there were too many of this participant in this hour (429).
        """
        key, ends_at = self._period(f"applications of {participant_id}", HOUR)
        if await self._count(key, ends_at) > APPLICATIONS_HOUR_MAX:
            why = f"you apply, or change an application, at most {APPLICATIONS_HOUR_MAX} times in an hour"
            raise _too_many(why, ends_at, code="application_changes_too_many", most=APPLICATIONS_HOUR_MAX)

    def _period(self, what: str, length: timedelta) -> tuple[str, datetime]:
        """The key of what is counted now, and the end of its hour or day."""
        number = int(clock.now().timestamp()) // int(length.total_seconds())
        ends_at = datetime.fromtimestamp((number + 1) * length.total_seconds(), UTC)
        return self._hash.of(f"{number} {what}".encode()), ends_at


def _too_many(why: str, ends_at: datetime, *, code: str, most: int) -> TooOften:
    seconds = max(1, int((ends_at - clock.now()).total_seconds()))
    return TooOften(
        seconds,
        f"{why}; try again in {seconds} s, from {ends_at:%H:%M} UTC",
        code=code,
        most=most,
    )
