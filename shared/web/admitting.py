"""
Organisers are admitted by their key and its role; wrong keys are bounded for each address.

A random key of full length cannot be found by trying, so it is always admitted. Otherwise anybody at the
venue's address could lock out the door by sending wrong keys. A shorter key may be one that people have
chosen: it is refused, right or wrong, while its address has tried too often.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from math import ceil

from shared.runtime.acting import Organiser, Role
from shared.runtime.errors import Forbidden, NotAuthenticated
from shared.web.organiser_keys import KEY_CHARS, OrganiserKeys
from shared.web.problems import NotHttp
from shared.web.senders import bounded_of

WRONG_KEYS_MAX = 20
WRONG_KEYS_SECONDS = 600
ADDRESSES_MAX = 10_000


class WrongKeys:
    """
    Counts the wrong keys of each network and of each site of IPv6 (shared/web/senders.py).

    Those that were counted first are forgotten first. No more are counted for one site than its bound.

    Args:
        clock: seconds that only rise.
    """

    def __init__(
        self,
        *,
        keys_max: int = WRONG_KEYS_MAX,
        seconds: float = WRONG_KEYS_SECONDS,
        addresses_max: int = ADDRESSES_MAX,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keys_max = keys_max
        self._seconds = seconds
        self._addresses_max = addresses_max
        self._clock = clock
        # For each network and site: since when it is counted, and its wrong keys.
        self._counted: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def seconds_left(self, address: str) -> float:
        """For how long this address is refused; 0 if it is not."""
        seconds = 0.0
        for name, times in bounded_of(address):
            since, keys = self._of(name)
            if keys >= self._keys_max * times:
                seconds = max(seconds, since + self._seconds - self._clock())
        return seconds

    def count(self, address: str) -> None:
        """A wrong key came from this address."""
        for name, _ in bounded_of(address):
            since, keys = self._of(name)
            self._counted[name] = since, keys + 1
        while len(self._counted) > self._addresses_max:
            self._counted.popitem(last=False)

    def _of(self, name: str) -> tuple[float, int]:
        now = self._clock()
        since, keys = self._counted.get(name, (now, 0))
        if now - since < self._seconds:
            return since, keys
        del self._counted[name]
        return now, 0


class Admission:
    """Admits organisers by the key that a request carries."""

    def __init__(self, keys: OrganiserKeys, wrong_keys: WrongKeys | None = None) -> None:
        self._keys = keys
        self._wrong_keys = wrong_keys or WrongKeys()

    def name_of(self, given: bytes) -> str:
        """
        The name of an organiser's key that nobody can guess. Of another one nothing is shown: it is empty.
        """
        if len(given) < KEY_CHARS:
            return ""
        organiser = self._keys.find(given.decode("latin-1"))
        return organiser.name if organiser else ""

    def admit(self, given: str | None, roles: Collection[Role], address: str) -> Organiser:
        """
        Whose key this is.

        Raises:
            NotAuthenticated: no key was given.
            Forbidden: it is no organiser's key, or that of another role.
            NotHttp: too many wrong keys came from this address (429).
        """
        if not given:
            raise NotAuthenticated(
                "give an organiser's key in the header X-Organiser-Key", code="organiser_key_missing"
            )
        organiser = self._keys.find(given)
        can_be_guessed = organiser is None or len(given) < KEY_CHARS
        if can_be_guessed and (seconds_left := self._wrong_keys.seconds_left(address)):
            raise _tried_too_often(ceil(seconds_left))
        if organiser is None:
            self._wrong_keys.count(address)
            raise Forbidden("this is no organiser's key", code="organiser_key_wrong")
        check_role(organiser, roles)
        return organiser


def check_role(organiser: Organiser, roles: Collection[Role]) -> None:
    """
    Check that an organiser has one of these roles.

    Raises:
        Forbidden: it is another one.
    """
    if organiser.role not in roles:
        needed = ", ".join(sorted(roles))
        raise Forbidden(
            f"your key has the role {organiser.role}; this needs one of {needed}",
            code="organiser_role",
            role=organiser.role,
            roles=needed,
        )


def _tried_too_often(seconds: int) -> NotHttp:
    return NotHttp(
        429,
        f"too many wrong keys came from your address; try again in {seconds} s",
        code="organiser_keys_tried",
        headers=[("retry-after", str(seconds))],
        seconds=seconds,
    )
