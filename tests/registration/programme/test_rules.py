"""What may be changed of a session that people have registered for."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from services.registration.programme.rules import check_capacity, check_not_into_the_past, check_waiting_max
from shared.runtime.errors import Conflict
from tests.registration.builders import session


def test_a_capacity_below_what_is_taken_or_waited_for_is_refused() -> None:
    of = session(capacity=10, taken=4, waiting=1)
    check_capacity(of, 4, 3)
    with pytest.raises(Conflict) as taken:
        check_capacity(of, 3, 1)
    assert taken.value.code == "capacity_below_taken"
    with pytest.raises(Conflict) as waiting:
        check_capacity(of, 5, 6)
    assert waiting.value.code == "capacity_below_waiting"


def test_only_a_session_that_has_not_ended_cannot_be_moved_into_the_past() -> None:
    before = session()
    day = timedelta(days=1)
    earlier = replace(before, starts_at=before.starts_at - day, ends_at=before.ends_at - day)
    check_not_into_the_past(before, earlier, earlier.ends_at - timedelta(seconds=1))
    with pytest.raises(Conflict) as refused:
        check_not_into_the_past(before, earlier, earlier.ends_at)
    assert refused.value.code == "session_in_past"
    check_not_into_the_past(before, earlier, before.ends_at)
    check_not_into_the_past(before, before, before.ends_at + day)


def test_a_waiting_list_is_not_cut_below_those_who_wait() -> None:
    before = session(waiting=2, waiting_max=5)
    check_waiting_max(before, replace(before, waiting_max=2))
    with pytest.raises(Conflict) as refused:
        check_waiting_max(before, replace(before, waiting_max=1))
    assert refused.value.code == "waiting_max_below_waiting"
    # As an earlier version left it.
    check_waiting_max(replace(before, waiting_max=1), replace(before, waiting_max=1))
