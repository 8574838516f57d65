"""
Which messages may be under way at the same time, so that some are never held up by others.

A server may be slow at the recipients of one domain: it asks the domain's own server first, and that one does
not answer. Anybody can have such a domain, quick for some messages and slow afterwards, with any number of
names below it, and as many participants there as the limits allow. So:

- all names below a domain are one place;
- a place never has more than half of the connections that the others leave free, whatever is known of it;
- a quarter of the connections is only for places that have been quick, and places that were slow have half of
  them at the most;
- a place that is slow now counts as slow at once, not only when its message ends.

And a message to all of a session is thousands of mails: so of all these connections one is only for codes,
which people wait for.
"""

import time
from collections import OrderedDict
from enum import IntEnum
from typing import NamedTuple

# So many messages in succession, each taken or refused within this time, make a place a quick one.
QUICK_MESSAGES_MIN = 10
QUICK_SECONDS_MAX = 2.0
# One in so many connections is only for quick places. With fewer connections none is kept for anything.
CONNECTIONS_FOR_ONE_KEPT = 4
# The part of the free connections that one place may have.
SHARE_OF_A_PLACE = 1 / 2
# If more places are known, the one that was used longest ago is forgotten.
PLACES_MAX = 10_000
# +86138: the country and the operator.
NUMBER_CHARS = 6
# Below a country, domains are often given below one of these: school.edu.cn.
SECOND_LEVELS = frozenset(["ac", "co", "com", "edu", "go", "gov", "ltd", "mil", "ne", "net", "or", "org"])
COUNTRY_CHARS = 2
# What `_known` has of a place whose last message was slow.
SLOW_LAST = -1


class Kind(IntEnum):
    """What is known of a place. A place has the connections of its kind and of those below it."""

    QUICK = 0
    UNKNOWN = 1
    SLOW = 2


def place_of(address: str) -> str:
    """The domain of a mailbox as somebody has registered it, or the beginning of a phone number."""
    mailbox, _, domain = address.rpartition("@")
    if not mailbox:
        return address[:NUMBER_CHARS]
    labels = domain.lower().split(".")
    below_country = len(labels[-1]) == COUNTRY_CHARS and labels[-2:-1] and labels[-2] in SECOND_LEVELS
    return ".".join(labels[-3 if below_country else -2 :])


class Begun(NamedTuple):
    """A message that is under way, since a moment of `time.monotonic`."""

    place: str
    is_code: bool
    since: float
    number: int


class Places:
    """
    Decides which messages may be under way.

    Args:
        connections: all connections of a courier.
    """

    def __init__(self, connections: int) -> None:
        others = connections - connections // CONNECTIONS_FOR_ONE_KEPT
        self._are_kept = connections >= CONNECTIONS_FOR_ONE_KEPT
        # The connections for places of this kind and of those after it.
        self._most = {
            Kind.QUICK: connections,
            Kind.UNKNOWN: others,
            Kind.SLOW: connections // 2 if self._are_kept else others,
        }
        self._no_codes_max = connections - (1 if self._are_kept else 0)
        self._begun: dict[int, Begun] = {}
        self._numbers = 0
        # How many messages in succession were quick, or SLOW_LAST.
        self._known: OrderedDict[str, int] = OrderedDict()

    @property
    def take_only_codes(self) -> bool:
        """Whether all connections are in use for messages that are no codes, but the one that is kept."""
        return sum(not one.is_code for one in self._begun.values()) >= self._no_codes_max

    def begin(self, address: str, *, is_code: bool, now: float | None = None) -> Begun | None:
        """One more message is under way, if there is a connection for it. None: it has to wait."""
        now = time.monotonic() if now is None else now
        if not is_code and self.take_only_codes:
            return None
        place = place_of(address)
        kind = self.kind(place, now)
        # Codes do not wait for other messages to the same place.
        mine = sum(one.place == place and (one.is_code or not is_code) for one in self._begun.values())
        for_codes = 0 if is_code or not self._are_kept else 1
        for such in Kind:
            if such <= kind:
                used = sum(self.kind(one.place, now) >= such for one in self._begun.values())
                free = self._most[such] - used - for_codes
                share = int(SHARE_OF_A_PLACE * (free + mine)) if self._are_kept else free + mine
                if free <= 0 or mine >= max(1, share):
                    return None
        self._numbers += 1
        begun = Begun(place, is_code, now, self._numbers)
        self._begun[begun.number] = begun
        return begun

    def end(self, begun: Begun, seconds: float) -> None:
        """A message is not under way any more, after so many seconds."""
        del self._begun[begun.number]
        before = self._known.pop(begun.place, 0)
        after = max(before, 0) + 1 if seconds <= QUICK_SECONDS_MAX else SLOW_LAST
        self._known[begun.place] = min(after, QUICK_MESSAGES_MIN)
        if len(self._known) > PLACES_MAX:
            self._known.popitem(last=False)

    def kind(self, place: str, now: float) -> Kind:
        """What is known of a place now."""
        known = self._known.get(place, 0)
        if known == SLOW_LAST or any(
            one.place == place and now - one.since > QUICK_SECONDS_MAX for one in self._begun.values()
        ):
            return Kind.SLOW
        return Kind.QUICK if known >= QUICK_MESSAGES_MIN else Kind.UNKNOWN
