"""What is counted. All functions are pure."""

from collections.abc import Iterable, Mapping

import msgspec

from services.registration.booking.rules import Status


class Count(msgspec.Struct, frozen=True):
    """Some registrations, and their places."""

    registrations: int = 0
    places: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(self.registrations + other.registrations, self.places + other.places)


ByStatus = Mapping[Status, Count]


def total(counts: Iterable[ByStatus]) -> dict[Status, Count]:
    """The sums by status."""
    sums: dict[Status, Count] = {}
    for by_status in counts:
        for status, count in by_status.items():
            sums[status] = sums.get(status, Count()) + count
    return sums


def no_shows(by_status: ByStatus, *, over: bool) -> Count | None:
    """Those with a place who did not come. None: the session is not over, so nobody knows yet."""
    return by_status.get("confirmed", Count()) if over else None
