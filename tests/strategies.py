"""What the services' ids, texts, moments and contexts can be, for tests that make them up."""

from datetime import UTC, datetime

from hypothesis import strategies as st

from shared.contracts.checked import ID_PATTERN
from shared.contracts.envelope import Context

IDS = st.from_regex(ID_PATTERN, fullmatch=True)
LINES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200)
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 (hypothesis wants bare ones)
CONTEXTS = st.builds(
    Context,
    id=LINES,
    source=LINES,
    type=LINES,
    time=MOMENTS,
    subject=LINES,
    correlation_id=LINES,
    causation_id=st.none() | LINES,
    traceparent=st.none() | LINES,
)
