"""A queue in which one sender cannot stand before everybody else, however many requests it sends."""

from collections import OrderedDict
from collections.abc import Hashable, Sized
from typing import Generic, NamedTuple, TypeVar

Item = TypeVar("Item", bound=Hashable)
Rest = TypeVar("Rest", bound=Sized)
Group = TypeVar("Group", bound=Hashable)


class Sender(NamedTuple):
    """
    Whose requests wait in one line.

    Attributes:
        site: the address; of IPv6 the part that a customer of a provider has, with many networks in it.
        network: of IPv6, the part of the address that belongs to one network; else empty.
        who: the participant whose token the request carries, or the name of the organiser's key; empty
            without a good one. Anybody can make up any number of tokens, so a wrong one counts as none.
    """

    site: str = ""
    network: str = ""
    who: str = ""


class Lengths:
    """How long each line is, and which one is the longest. Each change takes the same time."""

    __slots__ = ("_lengths", "_most", "_names")

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
        self._sites = Lengths()
        self._networks: dict[str, Lengths] = {}
        self._senders: dict[tuple[str, str], Lengths] = {}

    def add(self, sender: Sender, more: int) -> None:
        """This sender has one more, or one less."""
        site, network, who = sender
        self._sites.add(site, more)
        _add(self._networks, site, network, more)
        _add(self._senders, (site, network), who, more)

    def in_place_of(self, newcomer: Sender) -> Sender | None:
        """
        Who has to give way to one more of this sender, if no more can be added; None: there is nobody.

        It is the sender who has most, if that is more than the newcomer would have. What counts is how much
        their sites have; within the newcomer's own site, their networks; within the own network, themselves.
        """
        if not self._sites:
            return None
        site = self._sites.longest()
        networks = self._networks[site]
        network = networks.longest()
        senders = self._senders[site, network]
        who = senders.longest()
        if site != newcomer.site:
            most, own = self._sites.of(site), self._sites.of(newcomer.site)
        elif network != newcomer.network:
            most, own = networks.of(network), networks.of(newcomer.network)
        else:
            most, own = senders.of(who), senders.of(newcomer.who)
        return Sender(site, network, who) if most > own + 1 else None


class FairQueue(Generic[Item]):
    """
    Gives one item of each site in turn, within a site one of each network in turn, and within a network one
    of each participant or organiser in turn.

    Three levels, since fewer are not fair: a school has one address for all its pupils, one person can have
    many addresses, and one customer can have thousands of networks of IPv6. Adding, taking and removing take
    the same time however long the queue is.

    Args:
        shares: counts the items; queues that share a bound have the same one.
    """

    def __init__(self, shares: Shares | None = None) -> None:
        # Of each site its networks, and of each of them a line for each of its senders, all in the order of
        # their turns. The items of one sender are in the order in which they came.
        self._sites: OrderedDict[str, OrderedDict[str, OrderedDict[str, OrderedDict[Item, None]]]]
        self._sites = OrderedDict()
        self._shares = Shares() if shares is None else shares

    def __bool__(self) -> bool:
        return bool(self._sites)

    def add(self, sender: Sender, item: Item) -> None:
        """Put this item behind the others of its sender."""
        site, network, who = sender
        networks = self._sites.get(site)
        if networks is None:
            networks = self._sites[site] = OrderedDict()
        lines = networks.get(network)
        if lines is None:
            lines = networks[network] = OrderedDict()
        line = lines.get(who)
        if line is None:
            line = lines[who] = OrderedDict()
        line[item] = None
        self._shares.add(sender, 1)

    def take(self) -> Item:
        """The item whose turn it is, out of the queue."""
        site, networks = next(iter(self._sites.items()))
        network, lines = next(iter(networks.items()))
        who, line = next(iter(lines.items()))
        item, _ = line.popitem(last=False)
        _end_turn(lines, who, line)
        _end_turn(networks, network, lines)
        _end_turn(self._sites, site, networks)
        self._shares.add(Sender(site, network, who), -1)
        return item

    def remove(self, sender: Sender, item: Item) -> None:
        """Take this item out, which is in the queue."""
        site, network, who = sender
        networks = self._sites[site]
        lines = networks[network]
        line = lines[who]
        del line[item]
        if not line:
            del lines[who]
            if not lines:
                del networks[network]
                if not networks:
                    del self._sites[site]
        self._shares.add(sender, -1)

    def last_of(self, sender: Sender) -> Item | None:
        """The last item of this sender here, if there is one."""
        networks = self._sites.get(sender.site)
        lines = networks.get(sender.network) if networks else None
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


def _end_turn(turns: OrderedDict[str, Rest], name: str, rest: Rest) -> None:
    """This one had its turn: it comes last now, or goes if nothing is left of it."""
    if rest:
        turns.move_to_end(name)
    else:
        del turns[name]


def _add(counted: dict[Group, Lengths], group: Group, name: str, more: int) -> None:
    lengths = counted.get(group)
    if lengths is None:
        lengths = counted[group] = Lengths()
    lengths.add(name, more)
    if not lengths:
        del counted[group]
