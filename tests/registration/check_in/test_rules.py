"""When ticket holders are let in."""

import pytest

from services.registration.check_in.rules import check_door
from shared.runtime.errors import Conflict
from tests.registration.builders import session


def test_nobody_is_let_in_to_a_cancelled_session() -> None:
    of = session(cancelled="weather")
    with pytest.raises(Conflict) as refused:
        check_door(of, of.starts_at)
    assert refused.value.code == "session_cancelled"
