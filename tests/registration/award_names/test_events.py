"""The event by which awards hears of a name is what its contract writes."""

from datetime import datetime

import pytest

from services.registration.award_names.events import NameSealer
from services.registration.award_names.rules import Named
from services.registration.participants.rules import ToName
from shared.contracts.events import ParticipantNamed
from shared.contracts.origin import Origin
from tests.registration.records import ORIGINS, TIMES, assert_as_contract
from tests.support.service import NAME_PUBLIC_KEY

MARK = "0123456789abcdef0123"


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("now", TIMES)
@pytest.mark.parametrize(
    "content",
    [
        Named("person", "school-1", "华龙区 \u00e9/<>", "masked", "李“小”\\明", '{"street":"建设路"}'),
        Named("group", None, None, "full", None, None),
    ],
)
def test_a_record_of_a_name_is_what_the_contract_writes(
    origin: Origin, now: datetime, content: Named
) -> None:
    one = ToName("p", 3, content.kind, content.group_id, content.district, None, None)
    record = NameSealer(NAME_PUBLIC_KEY).named(one, content, MARK, origin, now)
    assert_as_contract(record, ParticipantNamed, f"p/3/{MARK[:16]}", origin, now)
