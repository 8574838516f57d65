"""
Which messages may be under way at the same time, so that some are never held up by others.

A server may be slow at the recipients of one domain: it asks the domain's own server first, and that one does
not answer. Anybody can have such a domain, and as many participants there as the limits allow. So a quarter
of the connections is only for places that have been quick. And a message to all of a session is thousands of
mails: so one connection is only for codes, which people wait for.
"""

from collections import OrderedDict
from typing import NamedTuple

# So many messages in succession, each taken or refused within this time, make a place a quick one.
QUICK_MESSAGES_MIN = 10
QUICK_SECONDS_MAX = 2.0
# One in so many connections is only for quick places. With fewer connections none is kept for anything.
CONNECTIONS_FOR_ONE_KEPT = 4
# If more places are known, the one that was used longest ago is forgotten.
PLACES_MAX = 10_000
# +86138: the country and the operator.
NUMBER_CHARS = 6


def place_of(address: str) -> str:
    """The domain of a mailbox, or the beginning of a phone number."""
    mailbox, _, domain = address.rpartition("@")
    return domain.lower() if mailbox else address[:NUMBER_CHARS]


class Begun(NamedTuple):
    """A message that is under way."""

    place: str
    to_quick_place: bool
    is_code: bool


class Places:
    """
    Decides which messages may be under way.

    Args:
        connections: all connections of a courier.
    """

    def __init__(self, connections: int) -> None:
        self._to_others_max = connections - connections // CONNECTIONS_FOR_ONE_KEPT
        self._to_others = 0
        self._no_codes_max = connections - (1 if connections >= CONNECTIONS_FOR_ONE_KEPT else 0)
        self._no_codes = 0
        # How many messages in succession were quick.
        self._quick: OrderedDict[str, int] = OrderedDict()

    @property
    def take_only_codes(self) -> bool:
        """Whether all connections are in use for messages that are no codes, but the one that is kept."""
        return self._no_codes >= self._no_codes_max

    def begin(self, address: str, *, is_code: bool) -> Begun | None:
        """One more message is under way, if there is a connection for it. None: it has to wait."""
        place = place_of(address)
        quick = self._quick.get(place, 0) >= QUICK_MESSAGES_MIN
        if not is_code and self.take_only_codes:
            return None
        if not quick and self._to_others >= self._to_others_max:
            return None
        self._no_codes += not is_code
        self._to_others += not quick
        return Begun(place, quick, is_code)

    def end(self, begun: Begun, seconds: float) -> None:
        """A message is not under way any more, after so many seconds."""
        self._no_codes -= not begun.is_code
        self._to_others -= not begun.to_quick_place
        quick = self._quick.pop(begun.place, 0) + 1 if seconds <= QUICK_SECONDS_MAX else 0
        self._quick[begun.place] = min(quick, QUICK_MESSAGES_MIN)
        if len(self._quick) > PLACES_MAX:
            self._quick.popitem(last=False)
