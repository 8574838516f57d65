"""The rule by which winners are drawn."""

from collections import Counter
from hashlib import sha256
from itertools import permutations, product

from hypothesis import given
from hypothesis import strategies as st

from services.awards.draws import lottery
from services.awards.draws.lottery import by_lot, draw, list_line, of_numbers, of_secret, read_list

entrants = st.dictionaries(
    st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}", fullmatch=True), st.integers(1, 1_000_000), max_size=30
).map(lambda found: sorted(found.items()))
seeds = st.lists(st.integers(0, 10**12), min_size=1, max_size=5).map(of_numbers)
# The 0.1 % points of chi square for so many degrees of freedom.
CHI_SQUARE_5, CHI_SQUARE_3 = 20.5, 16.3
SEEDS = 3_000


def digest_of(listed: list[tuple[str, int]]) -> str:
    return sha256("".join(list_line(*one) for one in listed).encode()).hexdigest()


@given(entrants, seeds, st.integers(0, 40))
def test_nobody_is_drawn_twice_and_nobody_else_is_drawn(
    listed: list[tuple[str, int]], seed: str, count: int
) -> None:
    drawn = draw(listed, digest_of(listed), seed, count)
    assert len(drawn) == len(set(drawn)) == min(count, len(listed))
    assert set(drawn) <= {one for one, _ in listed}


@given(entrants, seeds, st.integers(0, 40))
def test_fewer_places_are_the_beginning_of_more(listed: list[tuple[str, int]], seed: str, count: int) -> None:
    digest = digest_of(listed)
    assert draw(listed, digest, seed, count) == draw(listed, digest, seed, 40)[:count]


@given(entrants)
def test_a_list_is_read_as_it_was_written(listed: list[tuple[str, int]]) -> None:
    assert read_list("".join(list_line(*one) for one in listed)) == listed


@given(st.lists(st.integers(1, 50), min_size=1, max_size=40), st.data())
def test_whoever_has_the_ticket_leaves_with_all_tickets(chances: list[int], data: st.DataObject) -> None:
    left, tickets = list(chances), lottery._Tickets(chances)
    while tickets.total:
        ticket = data.draw(st.integers(0, tickets.total - 1))
        owners = [at for at, many in enumerate(left) for _ in range(many)]
        assert tickets.take(ticket) == owners[ticket]
        left[owners[ticket]] = 0
    assert not any(left)


def test_all_orders_are_equally_likely() -> None:
    listed = [("a", 1), ("b", 1), ("c", 1)]
    digest = digest_of(listed)
    orders = Counter(tuple(draw(listed, digest, f"{number}./", 3)) for number in range(SEEDS))
    expected = SEEDS / 6
    assert sum((orders[one] - expected) ** 2 / expected for one in permutations("abc")) < CHI_SQUARE_5


def test_the_first_is_drawn_by_the_share_of_chances() -> None:
    chances = {"a": 1, "b": 2, "c": 3, "d": 4}
    listed = sorted(chances.items())
    digest = digest_of(listed)
    firsts = Counter(draw(listed, digest, f"{number}./", 1)[0] for number in range(SEEDS))
    expected = {one: SEEDS * many / 10 for one, many in chances.items()}
    assert sum((firsts[one] - many) ** 2 / many for one, many in expected.items()) < CHI_SQUARE_3


def test_the_second_is_drawn_by_the_share_of_what_is_left() -> None:
    listed = [("a", 6), ("b", 3), ("c", 1)]
    digest = digest_of(listed)
    pairs = Counter(tuple(draw(listed, digest, f"{number}./", 2)) for number in range(SEEDS))
    chances, total = dict(listed), 10
    expected = {
        (one, two): SEEDS * chances[one] / total * chances[two] / (total - chances[one])
        for one, two in product(chances, repeat=2)
        if one != two
    }
    assert sum((pairs[pair] - many) ** 2 / many for pair, many in expected.items()) < CHI_SQUARE_5


def test_a_number_of_an_incomplete_round_is_left_out() -> None:
    # Of 2^63 - 1 tickets, two rounds fit into 2^64 numbers, and two numbers are left over.
    listed = [("a", 1 << 62), ("b", (1 << 62) - 1)]
    digest = digest_of(listed)
    firsts = Counter(draw(listed, digest, f"{number}./", 1)[0] for number in range(1_000))
    assert 400 < firsts["a"] < 600


def test_a_remainder_alone_would_favour_the_first_half_of_the_list() -> None:
    # Two rounds of 3/8 of all numbers, and 2/3 of a round are left over: `a` would get 9/16 with them.
    half = 3 << 60
    listed = [("a", half), ("b", half)]
    digest = digest_of(listed)
    firsts = Counter(draw(listed, digest, f"{number}./", 1)[0] for number in range(SEEDS))
    assert 0.47 * SEEDS < firsts["a"] < 0.53 * SEEDS


def test_the_seed_is_the_same_in_whatever_order_the_numbers_are_given() -> None:
    assert of_numbers([12, 2, 5]) == of_numbers([5, 12, 2]) == "2.5.12./"
    assert of_secret("abc") == "abc/"


@given(st.sets(st.integers(0, 10**6).map(str), max_size=20), seeds)
def test_a_lot_orders_all_who_are_tied_whoever_writes_them_first(tied: set[str], seed: str) -> None:
    order = by_lot(tied, seed)
    assert sorted(order) == sorted(tied)
    assert by_lot(reversed(order), seed) == order


def test_this_list_and_this_seed_always_draw_these() -> None:
    """If it fails, the rule has changed, and no draw of before can be computed again."""
    listed = [(f"p{number:02}", 1 + number % 3) for number in range(20)]
    drawn = draw(listed, digest_of(listed), "1.3.9./", 5)
    assert drawn == ["p17", "p11", "p16", "p13", "p00"]
