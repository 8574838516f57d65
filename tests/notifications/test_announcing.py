"""The fast writing of notification.delivered and the public contract say the same."""

from datetime import UTC, datetime
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from services.notifications.announcing import delivered, delivered_record
from services.notifications.rules import Message
from shared.clock import to_milliseconds
from shared.envelope import Context
from shared.events import Channel
from shared.publisher import to_record

IDS = st.from_regex(r"[a-z0-9][a-z0-9-]{0,63}", fullmatch=True)
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
    traceparent=LINES,
)
MESSAGES = st.builds(
    Message,
    message_id=IDS,
    participant_id=IDS,
    channel=st.sampled_from(get_args(Channel)),
    kind=st.just("quiz_completed"),
    facts=st.none(),
    cause=CONTEXTS,
    created_at=MOMENTS.map(to_milliseconds),
)


@given(MESSAGES)
def test_record_is_the_one_that_the_contract_makes(message: Message) -> None:
    assert delivered_record(message) == to_record(delivered(message, message.created_at))
