"""What may be changed of a session that people have registered for."""

import pytest

from services.registration.programme.rules import check_capacity
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
