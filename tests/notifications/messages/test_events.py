"""The fast writing of notification.delivered and the public contract say the same."""

from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from services.notifications.messages.events import delivered, delivered_record
from services.notifications.messages.rules import Message
from shared.contracts.events import Channel, is_cause_id
from shared.messaging.publisher import to_record
from shared.runtime.clock import to_milliseconds
from tests.support.strategies import CONTEXTS, IDS, MOMENTS

MESSAGES = st.builds(
    Message,
    message_id=IDS,
    participant_id=IDS,
    channel=st.sampled_from(get_args(Channel)),
    kind=st.just("quiz_completed"),
    facts=st.none(),
    cause=CONTEXTS,
    created_at=MOMENTS.map(to_milliseconds),
).filter(lambda message: is_cause_id(message.cause.id))


@given(MESSAGES)
def test_record_is_the_one_that_the_contract_makes(message: Message) -> None:
    assert delivered_record(message) == to_record(delivered(message, message.created_at))
