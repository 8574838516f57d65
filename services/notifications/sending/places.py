"""
Places that the channel's server reaches quickly, and those that nobody knows yet.

A server may be slow at the recipients of one domain: it asks the domain's own server first, and that one does
not answer. Anybody can have such a domain, and as many participants there as the limits allow. So a part of
the connections is only for places that have been quick. All others share the rest.
"""

from collections import OrderedDict

# So many messages in succession, each taken or refused within this time, make a place a quick one.
QUICK_MESSAGES_MIN = 10
QUICK_SECONDS_MAX = 2.0
# One in so many connections is only for quick places. With fewer connections there is none.
CONNECTIONS_FOR_ONE_KEPT = 4
# If more places are known, the one that was used longest ago is forgotten.
PLACES_MAX = 10_000
# +86138: the country and the operator.
NUMBER_CHARS = 6


def place_of(address: str) -> str:
    """The domain of a mailbox, or the beginning of a phone number."""
    mailbox, _, domain = address.rpartition("@")
    return domain.lower() if mailbox else address[:NUMBER_CHARS]


class Places:
    """
    Decides which messages may be under way.

    Args:
        connections: all connections of a courier.
    """

    def __init__(self, connections: int) -> None:
        self._others_max = connections - connections // CONNECTIONS_FOR_ONE_KEPT
        self._others_under_way = 0
        # How many messages in succession were quick.
        self._quick: OrderedDict[str, int] = OrderedDict()

    def is_quick(self, address: str) -> bool:
        """Whether the last messages to this place were quick."""
        return self._quick.get(place_of(address), 0) >= QUICK_MESSAGES_MIN

    def begin(self, address: str) -> bool | None:
        """
        One more message is under way, if there is a connection for it.

        Returns: whether its place is a quick one, which `end` has to be told; None: it has to wait.
        """
        if self.is_quick(address):
            return True
        if self._others_under_way >= self._others_max:
            return None
        self._others_under_way += 1
        return False

    def end(self, address: str, seconds: float, *, was_quick: bool) -> None:
        """A message is not under way any more, after so many seconds."""
        if not was_quick:
            self._others_under_way -= 1
        place = place_of(address)
        quick = self._quick.pop(place, 0) + 1 if seconds <= QUICK_SECONDS_MAX else 0
        self._quick[place] = min(quick, QUICK_MESSAGES_MIN)
        if len(self._quick) > PLACES_MAX:
            self._quick.popitem(last=False)
