"""The fast writing of award.issued and the public contract say the same."""

from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from services.awards.issued.events import issued, issued_record
from services.awards.issued.rules import Award
from shared.contracts.envelope import Context
from shared.contracts.events import AwardKind
from shared.contracts.origin import Origin
from shared.messaging.publisher import to_record
from shared.runtime.clock import to_milliseconds
from tests.support.strategies import CONTEXTS, IDS, LINES, MOMENTS

AWARDS = st.builds(
    Award,
    award_id=IDS,
    award_code=LINES,
    scheme_id=IDS,
    scheme_title=LINES,
    kind=st.sampled_from(get_args(AwardKind)),
    tier=st.none() | LINES,
    recipient_id=IDS,
    cause=IDS,
    issued_at=MOMENTS.map(to_milliseconds),
    relayed=st.booleans(),
    replaces=st.none() | IDS,
)


@given(AWARDS, CONTEXTS)
def test_record_is_the_one_that_the_contract_makes(award: Award, parent: Context) -> None:
    assert issued_record(award, parent) == to_record(issued(award, Origin(parent)))
