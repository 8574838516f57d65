"""What the services' ids, texts, moments and contexts can be, for tests that make them up."""

import unicodedata
from datetime import UTC, datetime

from hypothesis import strategies as st

from shared.contracts.checked import ID_PATTERN, LINE_CHARS_MAX, line
from shared.contracts.envelope import Context


def _is_line(text: str) -> bool:
    try:
        return 1 <= len(text) <= LINE_CHARS_MAX and line(text) == text
    except ValueError:
        return False


IDS = st.from_regex(ID_PATTERN, fullmatch=True)
LINES = (
    st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=200)
    .map(lambda text: unicodedata.normalize("NFC", text))
    .filter(_is_line)
)
MOMENTS = st.datetimes(datetime(2001, 1, 1), datetime(2098, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 (hypothesis wants bare ones)
# What other systems put into headers is checked for nothing but UTF-8.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200)
CONTEXTS = st.builds(
    Context,
    id=TEXTS,
    source=TEXTS,
    type=TEXTS,
    time=MOMENTS,
    subject=TEXTS,
    correlation_id=TEXTS,
    causation_id=st.none() | TEXTS,
    traceparent=st.none() | TEXTS,
    fact_id=st.none() | TEXTS,
)
