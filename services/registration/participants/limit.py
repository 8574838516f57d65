"""
How many codes by SMS an hour and a day may bring from one network, and from one site of IPv6.

Each SMS costs money, and notifications has one budget a day for all of them. So a stranger who makes up
numbers must not use it up. Codes are counted before they are asked for, however they are asked for: by
registering, joining, signing in, or with a new number. Whoever is refused can give an e-mail address.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from services.registration.participants.store import SmsCounts
from shared.runtime import clock
from shared.runtime.errors import Overloaded, Rejected
from shared.runtime.keyed_hash import KeyedHash
from shared.web.problems import TooOften
from shared.web.senders import bounded_of

HOUR_SECONDS = 3_600
DAY_SECONDS = 86_400


class SmsLimit:
    """
    Bounds the codes by SMS, over all processes.

    Args:
        hour_max: how many a network may ask for in an hour.
        day_max: the same for a day, which begins at midnight of UTC.
    """

    def __init__(self, counts: SmsCounts, hash_: KeyedHash, *, hour_max: int, day_max: int) -> None:
        self._counts = counts
        self._hash = hash_
        self._windows = ((HOUR_SECONDS, hour_max), (DAY_SECONDS, day_max))

    @asynccontextmanager
    async def one(self, address: str, *, by_phone: bool = True) -> AsyncGenerator[list[str]]:
        """
        Count a code that is asked for within, from this address; if the request is refused, it counts for
        nothing.

        Args:
            by_phone: False: the code goes to an e-mail address, so nothing is counted.

        Yields: what was counted, for `give_back`.
        Raises:
            TooOften: there were too many in this hour or day (429).
        """
        counted = await self._count(address) if by_phone else []
        try:
            yield counted
        except (Rejected, Overloaded):
            if counted:
                await self.give_back(counted)
            raise

    async def give_back(self, counted: list[str]) -> None:
        """No code was asked for."""
        await self._counts.give_back(counted)

    async def _count(self, address: str) -> list[str]:
        now = clock.now()
        counted: list[str] = []
        seconds_left = 0
        for seconds, most in self._windows:
            window, gone = divmod(int(now.timestamp()), seconds)
            for name, times in bounded_of(address):
                key = self._hash.of(f"{window} of {seconds} sms {name}".encode())
                counted.append(key)
                if await self._counts.count(key, now, seconds - gone) > most * times:
                    seconds_left = seconds - gone
        if seconds_left:
            # Else those who are refused in this hour would use up the day.
            await self.give_back(counted)
            raise _too_many(seconds_left)
        return counted


def _too_many(seconds: int) -> TooOften:
    return TooOften(
        seconds,
        "too many codes by SMS were asked for from your network; give an e-mail address instead, or try again"
        f" in {seconds} s",
        code="sms_too_many",
    )
