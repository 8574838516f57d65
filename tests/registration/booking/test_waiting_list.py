"""Who is next on a waiting list, by both policies: whatever happens, in whatever order and steps."""

from collections.abc import Sequence
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from services.registration.booking.rules import decide, give_back
from services.registration.booking.waiting_list import Wait, next_in_line
from services.registration.sessions.rules import Session
from shared.contracts.events import WaitingPolicy
from tests.registration.builders import NOW, session, waiter

ALL_OF_THEM = 1_000


def chosen(of: Session, *places: int, limit: int = ALL_OF_THEM) -> tuple[list[int], Session]:
    """The numbers, from 1, of those on a waiting list for so many places each who get them."""
    waits = [Wait(number, wanted) for number, wanted in enumerate(places, start=1)]
    some, after = next_in_line(replace(of, waiting=len(waits)), waits, limit)
    return [one.sequence for one in some], after


def fill(**changes: int) -> Session:
    return session(waiting_policy="fill", waiting_max=99, **changes)


def test_strict_takes_waiters_in_order_while_they_fit() -> None:
    numbers, after = chosen(session(taken=7), 1, 2, 1, 1)
    assert numbers == [1, 2]
    assert (after.taken, after.waiting) == (10, 2)


def test_strict_lets_nobody_past_a_head_that_does_not_fit() -> None:
    assert chosen(session(taken=8), 3, 1)[0] == []


def test_fill_gives_places_to_the_first_whose_whole_group_fits() -> None:
    numbers, after = chosen(fill(taken=7), 5, 2, 4, 2, 1)
    assert numbers == [2, 5]
    assert (after.taken, after.waiting, after.free) == (10, 3, 0)
    # Three places have gone past the head, of the five that it wants.
    assert (after.head, after.overtakable) == (1, 2)


def test_fill_lets_past_one_head_only_as_many_places_as_it_wants_itself() -> None:
    of = fill(capacity=10, taken=8)
    numbers, after = chosen(of, 3, 2, 1, 1)
    assert numbers == [2]
    # One place is free again. It may still go past the head, and then none any more.
    after = replace(after, taken=after.taken - 1)
    some, after = next_in_line(after, [Wait(1, 3), Wait(3, 1), Wait(4, 1)], ALL_OF_THEM)
    assert ([one.sequence for one in some], after.overtakable) == ([3], 0)
    after = replace(after, taken=after.taken - 2)
    assert next_in_line(after, [Wait(1, 3), Wait(4, 1)], ALL_OF_THEM)[0] == []
    after = replace(after, taken=after.taken - 1)
    some, after = next_in_line(after, [Wait(1, 3), Wait(4, 1)], ALL_OF_THEM)
    assert ([one.sequence for one in some], after.head, after.overtakable) == ([1], 4, 1)


def test_fill_counts_those_who_ask_now_too() -> None:
    of = fill(capacity=10, taken=5)
    waits, of = decide(of, 6, NOW)
    assert (waits.status, of.overtakable) == ("waitlisted", 6)
    decided = []
    for wanted in (5, 1):
        decision, of = decide(of, wanted, NOW)
        decided.append(decision.status)
        of = replace(of, taken=5)
    assert (decided, of.overtakable) == (["confirmed", "confirmed"], 0)
    assert decide(of, 1, NOW)[0].status == "waitlisted"


def test_fill_gives_nothing_to_those_who_ask_now_while_others_are_owed_places() -> None:
    of = replace(fill(capacity=10, taken=5), waiting=3, owed=2, head=1, overtakable=9)
    assert decide(of, 1, NOW)[0].status == "waitlisted"


@pytest.mark.parametrize("policy", ["strict", "fill"])
def test_a_class_of_thirty_gets_in_although_single_visitors_never_stop_asking(policy: WaitingPolicy) -> None:
    town = Town(policy, capacity=40, waiting_max=1_000)
    for _ in range(39):
        town.ask(1)
    town.ask(30)
    left = 0
    while 40 in town.waiting:
        town.ask(1)
        town.leave(0)
        left += 1
    assert left <= {"strict": 29, "fill": 59}[policy]


class Town:
    """People who ask for places and give them back, and what the rules make of it."""

    def __init__(
        self, policy: WaitingPolicy, capacity: int, waiting_max: int, step: int = ALL_OF_THEM
    ) -> None:
        self.of = session(waiting_policy=policy, capacity=capacity, waiting_max=waiting_max)
        self.holding: dict[int, int] = {}
        self.waiting: dict[int, int] = {}
        # Places that have gone past each head while it was the head.
        self.past: dict[int, int] = {}
        self._step = step

    def ask(self, places: int) -> None:
        head = self._head()
        decision, self.of = decide(self.of, places, NOW)
        if decision.status == "confirmed":
            self._went_past(head, places)
            self.holding[self.of.sequence] = places
        elif decision.status == "waitlisted":
            self.waiting[self.of.sequence] = places
            assert decision.position == len(self.waiting)

    def leave(self, which: int) -> None:
        numbers = [*self.holding, *self.waiting]
        if not numbers:
            return
        number = numbers[which % len(numbers)]
        status: Literal["confirmed", "waitlisted"] = "confirmed" if number in self.holding else "waitlisted"
        places = self.holding.pop(number, 0) or self.waiting.pop(number)
        self.of = give_back(self.of, waiter(number, places, status))
        self._promote()

    def _promote(self) -> None:
        while True:
            some, self.of = next_in_line(self.of, self.waits(), self._step)
            for one in some:
                head = self._head()
                if one.sequence != head:
                    self._went_past(head, one.places)
                self.holding[one.sequence] = self.waiting.pop(one.sequence)
            if len(some) < self._step:
                return

    def waits(self) -> list[Wait]:
        return [Wait(number, places) for number, places in self.waiting.items()]

    def _head(self) -> int | None:
        return next(iter(self.waiting), None)

    def _went_past(self, head: int | None, places: int) -> None:
        if head is not None:
            self.past[head] = self.past.get(head, 0) + places
            assert self.past[head] <= self.waiting[head]


def play(town: Town, steps: Sequence[int]) -> Town:
    """A positive step asks for so many places; a negative one gives back one of those that stand."""
    for step in steps:
        if step > 0:
            town.ask(step)
        else:
            town.leave(-step)
        of = town.of
        assert of.taken == sum(town.holding.values()) <= of.capacity
        assert of.waiting == len(town.waiting) <= of.waiting_max
        assert list(town.waiting) == sorted(town.waiting)
        # Nobody waits whose turn it is.
        assert next_in_line(of, town.waits(), ALL_OF_THEM)[0] == []
        if of.waiting_policy == "strict" and town.waiting:
            assert min(town.waiting) > max(town.holding, default=0)
    return town


STEPS = st.lists(st.one_of(st.integers(1, 5), st.integers(0, 9).map(lambda n: -n)), max_size=60)
POLICIES = st.sampled_from(["strict", "fill"])


@given(POLICIES, st.integers(1, 12), st.integers(0, 8), STEPS)
def test_whatever_is_asked_and_given_back_nothing_is_oversold_and_no_head_is_overtaken_beyond_its_own_places(
    policy: WaitingPolicy, capacity: int, waiting_max: int, steps: list[int]
) -> None:
    play(Town(policy, capacity, waiting_max), steps)


@given(st.integers(1, 12), st.integers(0, 8), STEPS)
def test_strict_lets_nobody_overtake_anybody(capacity: int, waiting_max: int, steps: list[int]) -> None:
    assert play(Town("strict", capacity, waiting_max), steps).past == {}


@given(st.integers(1, 12), st.integers(0, 8), st.integers(1, 4), STEPS)
def test_with_fill_equals_keep_their_order(
    capacity: int, waiting_max: int, places: int, steps: list[int]
) -> None:
    equal = [places if step > 0 else step for step in steps]
    assert play(Town("fill", capacity, waiting_max), equal).past == {}


@given(POLICIES, st.integers(1, 12), st.integers(0, 8), st.integers(1, 3), STEPS)
def test_in_steps_of_any_size_and_played_again_the_outcome_is_the_same(
    policy: WaitingPolicy, capacity: int, waiting_max: int, step: int, steps: list[int]
) -> None:
    first, again = (play(Town(policy, capacity, waiting_max), steps) for _ in range(2))
    in_steps = play(Town(policy, capacity, waiting_max, step), steps)
    for other in (again, in_steps):
        assert (other.of, other.holding, other.waiting) == (first.of, first.holding, first.waiting)
