"""The fast writing of award.issued and the public contract say the same."""

from datetime import UTC, datetime
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from services.awards.announcing import issued, issued_record
from services.awards.rules import Award
from shared.clock import to_milliseconds
from shared.envelope import Context
from shared.events import AwardKind
from shared.publisher import to_record

IDS = st.from_regex(r"[a-z0-9][a-z0-9-]{0,63}", fullmatch=True)
LINES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200)
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 (hypothesis wants bare ones)
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
)
CONTEXTS = st.builds(
    Context,
    id=LINES,
    source=LINES,
    type=LINES,
    time=MOMENTS,
    subject=LINES,
    correlation_id=LINES,
    causation_id=st.none() | LINES,
    traceparent=LINES,
)


@given(AWARDS, CONTEXTS)
def test_record_is_the_one_that_the_contract_makes(award: Award, parent: Context) -> None:
    assert issued_record(award, parent) == to_record(issued(award, parent))
