"""
Which messages may be under way at the same time, so that some are never held up by others.

A server may be slow at the recipients of one domain: it asks the domain's own server first, and that one does
not answer. Anybody can have such a domain, quick for some messages and slow afterwards, with any number of
names below it, and as many participants there as the limits allow. So:

- all names below a domain are one place;
- a place never has all connections that the others leave free: three quarters, or half if it is slow;
- a quarter of the connections is only for quick places, and places that are slow have half of them at most;
- messages at which the server hangs have half of the connections at most, also at places that have been
  quick: if there are more, the oldest ones are interrupted;
- the mean time of its last messages says whether a place is slow. A message that is under way counts with the
  time that it has taken so far. So nobody waits for its end, and one slow recipient does not make a large
  provider slow.

A message to everybody in a session is thousands of mails, and people wait for codes. So one connection is
only for codes.
"""

import time
from collections import OrderedDict
from enum import IntEnum
from typing import NamedTuple

# A place is quick after this number of messages, if they took no longer than this on average. It may be slow
# after fewer messages.
QUICK_MESSAGES_MIN = 10
QUICK_SECONDS_MAX = 2.0
# One in this number of connections is only for quick places. With fewer connections none is kept.
CONNECTIONS_FOR_ONE_KEPT = 4
# If more places are known, the one that was used longest ago is forgotten.
PLACES_MAX = 10_000
# +86138: the country and the operator.
NUMBER_CHARS = 6
# Below a country, domains are often given below one of these: school.edu.cn.
SECOND_LEVELS = frozenset(["ac", "co", "com", "edu", "go", "gov", "ltd", "mil", "ne", "net", "or", "org"])
COUNTRY_CHARS = 2


class Kind(IntEnum):
    """What is known of a place."""

    QUICK = 0
    UNKNOWN = 1
    SLOW = 2


# The part of the free connections that one place may have.
SHARES = {Kind.QUICK: 3 / 4, Kind.UNKNOWN: 3 / 4, Kind.SLOW: 1 / 2}


class Known(NamedTuple):
    """The number of messages to a place, up to `QUICK_MESSAGES_MIN`, and the mean time of the last ones."""

    messages: int = 0
    mean_seconds: float = 0.0

    def and_one(self, seconds: float) -> "Known":
        """After one more message."""
        messages = min(self.messages + 1, QUICK_MESSAGES_MIN)
        return Known(messages, self.mean_seconds + (seconds - self.mean_seconds) / messages)


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

    def is_late(self, now: float) -> bool:
        """Whether it takes too long for a quick place."""
        return now - self.since > QUICK_SECONDS_MAX


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
        self._known: OrderedDict[str, Known] = OrderedDict()

    @property
    def take_only_codes(self) -> bool:
        """Whether messages that are no codes use all connections but the one that is kept for codes."""
        return sum(not one.is_code for one in self._begun.values()) >= self._no_codes_max

    def begin(self, address: str, *, is_code: bool, now: float | None = None) -> Begun | None:
        """One more message is under way, if there is a connection for it. None: it has to wait."""
        now = time.monotonic() if now is None else now
        if not is_code and self.take_only_codes:
            return None
        place = place_of(address)
        kind = self.kind(place, now)
        # Codes do not wait for other messages to the same place, or to slow ones.
        same = [one for one in self._begun.values() if one.is_code or not is_code]
        # Late messages do not count for their place: a single recipient may be the reason. They count below.
        mine = sum(one.place == place and not one.is_late(now) for one in same)
        for_codes = 0 if is_code or not self._are_kept else 1
        for such in Kind:
            if such <= kind:
                counted = same if such is Kind.SLOW else self._begun.values()
                used = sum(self.kind(one.place, now) >= such for one in counted)
                free = self._most[such] - used - for_codes
                share = round(SHARES[kind] * (free + mine)) if self._are_kept else free + mine
                if free <= 0 or mine >= max(1, share):
                    return None
        self._numbers += 1
        begun = Begun(place, is_code, now, self._numbers)
        self._begun[begun.number] = begun
        return begun

    def overdue(self, now: float | None = None) -> list[Begun]:
        """The messages that take too long and are more than half of the connections; the oldest first."""
        now = time.monotonic() if now is None else now
        late = sorted((one for one in self._begun.values() if one.is_late(now)), key=lambda one: one.since)
        return late[: max(0, len(late) - self._most[Kind.SLOW])]

    def end(self, begun: Begun, seconds: float) -> None:
        """A message is not under way any more. It was under way for this number of seconds."""
        del self._begun[begun.number]
        self._known[begun.place] = self._known.pop(begun.place, Known()).and_one(seconds)
        if len(self._known) > PLACES_MAX:
            self._known.popitem(last=False)

    def kind(self, place: str, now: float) -> Kind:
        """What is known of a place now."""
        known = self._known.get(place, Known())
        for one in self._begun.values():
            if one.place == place and one.is_late(now):
                known = known.and_one(now - one.since)
        if known.mean_seconds > QUICK_SECONDS_MAX:
            return Kind.SLOW
        return Kind.QUICK if known.messages >= QUICK_MESSAGES_MIN else Kind.UNKNOWN
