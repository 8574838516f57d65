"""A queue in which one sender cannot stand before everybody else, however many requests it sends."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

from shared.web.senders import Sender

Item = TypeVar("Item", bound=Hashable)


class FairQueue(Generic[Item]):
    """
    Gives one item of each network in turn, and within a network one of each token in turn.

    Two levels, since one alone is not fair: a school has one address for all its pupils, and one person can
    have many tokens. Adding, taking and removing take the same time however long the queue is.
    """

    def __init__(self) -> None:
        # In the order of their turns. The items of one sender are in the order in which they came.
        self._networks: OrderedDict[str, OrderedDict[bytes, OrderedDict[Item, None]]] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._networks)

    def add(self, sender: Sender, item: Item) -> None:
        """Put this item behind the others of its sender."""
        tokens = self._networks.setdefault(sender.network, OrderedDict())
        tokens.setdefault(sender.token, OrderedDict())[item] = None

    def take(self) -> Item:
        """The item whose turn it is, out of the queue."""
        network, tokens = next(iter(self._networks.items()))
        token, items = next(iter(tokens.items()))
        item = next(iter(items))
        self.remove(Sender(network, token), item)
        if token in tokens:
            tokens.move_to_end(token)
        if network in self._networks:
            self._networks.move_to_end(network)
        return item

    def remove(self, sender: Sender, item: Item) -> None:
        """Take this item out, which is in the queue."""
        tokens = self._networks[sender.network]
        items = tokens[sender.token]
        del items[item]
        if not items:
            del tokens[sender.token]
        if not tokens:
            del self._networks[sender.network]
