"""How often a network has tried what nobody should guess: wrong keys of organisers, codes of nothing."""

import time
from collections import OrderedDict
from collections.abc import Callable

from shared.web.senders import bounded_of

ADDRESSES_MAX = 10_000


class WrongTries:
    """
    Counts what each network, and each site of IPv6 (shared/web/senders.py), has tried in vain, such as wrong
    keys.

    Those that were counted first are forgotten first. No more are counted for one site than its bound.

    Args:
        tries_max: of one network within `seconds`, from its first one on.
        clock: seconds that only rise.
    """

    def __init__(
        self,
        tries_max: int,
        seconds: float,
        *,
        addresses_max: int = ADDRESSES_MAX,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tries_max = tries_max
        self._seconds = seconds
        self._addresses_max = addresses_max
        self._clock = clock
        # For each network and site: since when it is counted, and how often it has tried.
        self._counted: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def seconds_left(self, address: str) -> float:
        """For how long this address is refused; 0 if it is not."""
        seconds = 0.0
        for name, times in bounded_of(address):
            since, tries = self._of(name)
            if tries >= self._tries_max * times:
                seconds = max(seconds, since + self._seconds - self._clock())
        return seconds

    def count(self, address: str) -> None:
        """Something was tried in vain from this address."""
        for name, _ in bounded_of(address):
            since, tries = self._of(name)
            self._counted[name] = since, tries + 1
        while len(self._counted) > self._addresses_max:
            self._counted.popitem(last=False)

    def _of(self, name: str) -> tuple[float, int]:
        now = self._clock()
        since, tries = self._counted.get(name, (now, 0))
        if now - since < self._seconds:
            return since, tries
        del self._counted[name]
        return now, 0
