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
        self._names: dict[int, dict[str, None]] = {}
        self._most = 0

    def __bool__(self) -> bool:
        return bool(self._lengths)

    def of(self, name: str) -> int:
        """How long this line is."""
        return self._lengths.get(name, 0)

    def longest(self) -> str:
        """The name of the longest line. There is one."""
        return next(iter(self._names[self._most]))

    def add(self, name: str, more: int) -> None:
        """The line has one more, or one less."""
        lengths, names = self._lengths, self._names
        before = lengths.get(name, 0)
        after = before + more
        if before:
            others = names[before]
            if len(others) > 1:
                del others[name]
            else:
                del names[before]
        if after:
            lengths[name] = after
            same = names.get(after)
            if same is None:
                names[after] = {name: None}
            else:
                same[name] = None
        else:
            del lengths[name]
        # A line changes by one, and so does the length of the longest one.
        if after > self._most or self._most not in names:
            self._most = after


class Shares:
    """How many items each sender has: in one queue, or in several that share a bound."""

    def __init__(self) -> None:
        self._networks = Lengths()
        self._senders: dict[str, Lengths] = {}

    def add(self, network: str, who: str, more: int) -> None:
        """This sender has one more, or one less."""
        self._networks.add(network, more)
        senders = self._senders.get(network)
        if senders is None:
            senders = self._senders[network] = Lengths()
        senders.add(who, more)
        if not senders:
            del self._senders[network]

    def in_place_of(self, newcomer: Sender) -> Sender | None:
        """
        Who has to give way to one more of this sender, if no more can be added; None: there is nobody.

        It is the sender who has most, if that is more than the newcomer would have.
        """
        if not self._senders:
            return None
        name = self._networks.longest()
        senders = self._senders[name]
        who = senders.longest()
        if name != newcomer.network:
            most, own = self._networks.of(name), self._networks.of(newcomer.network)
        else:
            most, own = senders.of(who), senders.of(newcomer.who)
        return Sender(name, who) if most > own + 1 else None


class FairQueue(Generic[Item]):
    """
    Gives one item of each network in turn, and within a network one of each participant or organiser in turn.

    Two levels, since one alone is not fair: a school has one address for all its pupils, and one person can
    have many addresses. Adding, taking and removing take the same time however long the queue is.

    Args:
        shares: counts the items; queues that share a bound have the same one.
    """

    def __init__(self, shares: Shares | None = None) -> None:
        # Of each network a line for each of its senders, both in the order of their turns. The items of one
        # sender are in the order in which they came.
        self._networks: OrderedDict[str, OrderedDict[str, OrderedDict[Item, None]]] = OrderedDict()
        self._shares = Shares() if shares is None else shares

    def __bool__(self) -> bool:
        return bool(self._networks)

    def add(self, sender: Sender, item: Item) -> None:
        """Put this item behind the others of its sender."""
        name, who = sender
        lines = self._networks.get(name)
        if lines is None:
            lines = self._networks[name] = OrderedDict()
        line = lines.get(who)
        if line is None:
            line = lines[who] = OrderedDict()
        line[item] = None
        self._shares.add(name, who, 1)

    def take(self) -> Item:
        """The item whose turn it is, out of the queue."""
        name, lines = next(iter(self._networks.items()))
        who, line = next(iter(lines.items()))
        item, _ = line.popitem(last=False)
        if line:
            lines.move_to_end(who)
        else:
            del lines[who]
        if lines:
            self._networks.move_to_end(name)
        else:
            del self._networks[name]
        self._shares.add(name, who, -1)
        return item

    def remove(self, sender: Sender, item: Item) -> None:
        """Take this item out, which is in the queue."""
        name, who = sender
        lines = self._networks[name]
        line = lines[who]
        del line[item]
        if not line:
            del lines[who]
            if not lines:
                del self._networks[name]
        self._shares.add(name, who, -1)

    def last_of(self, sender: Sender) -> Item | None:
        """The last item of this sender here, if there is one."""
        lines = self._networks.get(sender.network)
        line = lines.get(sender.who) if lines else None
        return next(reversed(line)) if line else None

    def in_place_of(self, newcomer: Sender) -> tuple[Sender, Item] | None:
        """
        The item that has to give way to one of this sender, if the queue is full; None: there is none.

        It is the last one of whoever has to give way (`Shares.in_place_of`).
        """
        sender = self._shares.in_place_of(newcomer)
        item = None if sender is None else self.last_of(sender)
        return None if sender is None or item is None else (sender, item)
