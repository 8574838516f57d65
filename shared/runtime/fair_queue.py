"""A queue in which one sender cannot stand before everybody else, however many requests it sends."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, NamedTuple, TypeVar

Item = TypeVar("Item", bound=Hashable)


class Sender(NamedTuple):
    """
    Whose requests wait in one line.

    Attributes:
        network: the address, or the part of it that belongs to one client.
        who: the participant whose token the request carries, or the name of the organiser's key; empty
            without a good one. Anybody can make up any number of tokens, so a wrong one counts as none.
    """

    network: str = ""
    who: str = ""


class Lengths:
    """How long each line is, and which one is the longest. Each change takes the same time."""

    def __init__(self) -> None:
        self._lengths: dict[str, int] = {}
        self._names: dict[int, OrderedDict[str, None]] = {}
        self._most = 0

    def of(self, name: str) -> int:
        """How long this line is."""
        return self._lengths.get(name, 0)

    def longest(self) -> str:
        """The name of the longest line. There is one."""
        return next(iter(self._names[self._most]))

    def add(self, name: str, more: int) -> None:
        """The line has one more, or one less."""
        before = self._lengths.pop(name, 0)
        after = before + more
        if before:
            del self._names[before][name]
            if not self._names[before]:
                del self._names[before]
        if after:
            self._lengths[name] = after
            self._names.setdefault(after, OrderedDict())[name] = None
        # A line changes by one, and so does the length of the longest one.
        if after > self._most or self._most not in self._names:
            self._most = after


class _Network(Generic[Item]):
    """The requests of one network, a line for each participant or organiser, in the order of their turns."""

    def __init__(self) -> None:
        self.lines: OrderedDict[str, OrderedDict[Item, None]] = OrderedDict()
        self.lengths = Lengths()


class FairQueue(Generic[Item]):
    """
    Gives one item of each network in turn, and within a network one of each participant or organiser in turn.

    Two levels, since one alone is not fair: a school has one address for all its pupils, and one person can
    have many addresses. Adding, taking and removing take the same time however long the queue is.
    """

    def __init__(self) -> None:
        # In the order of their turns. The items of one sender are in the order in which they came.
        self._networks: OrderedDict[str, _Network[Item]] = OrderedDict()
        self._lengths = Lengths()

    def __bool__(self) -> bool:
        return bool(self._networks)

    def add(self, sender: Sender, item: Item) -> None:
        """Put this item behind the others of its sender."""
        network = self._networks.setdefault(sender.network, _Network())
        network.lines.setdefault(sender.who, OrderedDict())[item] = None
        network.lengths.add(sender.who, 1)
        self._lengths.add(sender.network, 1)

    def take(self) -> Item:
        """The item whose turn it is, out of the queue."""
        name, network = next(iter(self._networks.items()))
        who, items = next(iter(network.lines.items()))
        item = next(iter(items))
        self.remove(Sender(name, who), item)
        if who in network.lines:
            network.lines.move_to_end(who)
        if name in self._networks:
            self._networks.move_to_end(name)
        return item

    def remove(self, sender: Sender, item: Item) -> None:
        """Take this item out, which is in the queue."""
        network = self._networks[sender.network]
        items = network.lines[sender.who]
        del items[item]
        network.lengths.add(sender.who, -1)
        self._lengths.add(sender.network, -1)
        if not items:
            del network.lines[sender.who]
        if not network.lines:
            del self._networks[sender.network]

    def in_place_of(self, newcomer: Sender) -> tuple[Sender, Item] | None:
        """
        The item that has to give way to one of this sender, if the queue is full; None: there is none.

        It is the last one of the sender who has most, if that is more than the newcomer would have.
        """
        if not self._networks:
            return None
        name = self._lengths.longest()
        network = self._networks[name]
        who = network.lengths.longest()
        if name != newcomer.network:
            most, own = self._lengths.of(name), self._lengths.of(newcomer.network)
        else:
            most, own = network.lengths.of(who), network.lengths.of(newcomer.who)
        if most <= own + 1:
            return None
        return Sender(name, who), next(reversed(network.lines[who]))
