"""
The rule by which winners are drawn. All functions are pure, and give the same on every computer.

The list has a line "id chances" for each entrant, in the order of the ids. The seed is a text of the inputs.
The hashes of "DIGEST/SEED1", "DIGEST/SEED2" and so on give the numbers; DIGEST is that of the list. Each
number is a ticket, and whoever has the ticket is drawn and leaves with all tickets. A number that would make
some tickets likelier than others is left out.

Source: docs/draws.md; RFC 3797, section 4 (the form of the seed)
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence

ALGORITHM = "kepu_draw_1"
NUMBER_BYTES = 8
NUMBERS = 1 << (8 * NUMBER_BYTES)
# More tickets than this would leave out more than half of all numbers.
CHANCES_MAX = 1 << 63


def list_line(entrant_id: str, chances: int) -> str:
    """The line of an entrant in the list."""
    return f"{entrant_id} {chances}\n"


def read_list(text: str) -> list[tuple[str, int]]:
    """The entrants of a list, with their chances."""
    entrants = []
    for line in text.splitlines():
        entrant_id, _, chances = line.partition(" ")
        entrants.append((entrant_id, int(chances)))
    return entrants


def of_numbers(numbers: Iterable[int]) -> str:
    """A part of the seed: numbers in rising order, so that nobody has to agree on theirs."""
    return "".join(f"{number}." for number in sorted(numbers)) + "/"


def of_secret(secret: str) -> str:
    """A part of the seed: what a witness has revealed."""
    return f"{secret}/"


def numbers_of(digest: str, seed: str) -> Iterator[int]:
    """The numbers that a list and a seed give, without end."""
    begin = hashlib.sha256(f"{digest}/{seed}".encode())
    place = 0
    while True:
        place += 1
        one = begin.copy()
        one.update(str(place).encode())
        yield int.from_bytes(one.digest()[:NUMBER_BYTES], "big")


def draw(entrants: Sequence[tuple[str, int]], digest: str, seed: str, count: int) -> list[str]:
    """
    The first who are drawn, in order; fewer if there are not so many entrants.

    Args:
        entrants: ids and chances, in the order of the list.
        digest: SHA-256 of the list, as hexadecimal digits.

    Raises:
        ValueError: there are more than `CHANCES_MAX` chances.
    """
    left = _Tickets([chances for _, chances in entrants])
    if left.total > CHANCES_MAX:
        raise ValueError("too many chances")
    drawn: list[str] = []
    numbers = numbers_of(digest, seed)
    while len(drawn) < count and left.total:
        # The numbers from here on would be one more, incomplete round of all tickets.
        end = NUMBERS - NUMBERS % left.total
        number = next(numbers)
        if number < end:
            drawn.append(entrants[left.take(number % left.total)][0])
    return drawn


def by_lot(tied: Iterable[str], seed: str) -> list[str]:
    """
    The order of those who are tied, decided by lot: each has one chance, and all are drawn.

    Whoever uses it has to publish who is tied before anybody knows the seed.
    """
    entrants = [(one, 1) for one in sorted(set(tied))]
    text = "".join(list_line(*one) for one in entrants)
    return draw(entrants, hashlib.sha256(text.encode()).hexdigest(), seed, len(entrants))


class _Tickets:
    """
    Who has which ticket, while people leave: a Fenwick tree of the chances.

    Source: P. Fenwick, A new data structure for cumulative frequency tables, 1994
    """

    def __init__(self, chances: Sequence[int]) -> None:
        self._chances = list(chances)
        self._sums = [0, *chances]
        for place in range(1, len(self._sums)):
            above = place + (place & -place)
            if above < len(self._sums):
                self._sums[above] += self._sums[place]
        self._highest = 1 << (len(chances).bit_length() - 1) if chances else 0
        self.total = sum(chances)

    def take(self, ticket: int) -> int:
        """The place of whoever has this ticket, counted from 0; all tickets of this one are gone then."""
        at, step = 0, self._highest
        while step:
            if at + step < len(self._sums) and self._sums[at + step] <= ticket:
                at += step
                ticket -= self._sums[at]
            step >>= 1
        chances, self._chances[at] = self._chances[at], 0
        self.total -= chances
        place = at + 1
        while place < len(self._sums):
            self._sums[place] -= chances
            place += place & -place
        return at
