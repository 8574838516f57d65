"""What another system sends by the kit is what the services of the week accept."""

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest
from aiokafka import ConsumerRecord
from hypothesis import given
from hypothesis import strategies as st

from kepu_events import Reader, Rejected, Sender, events
from ops.contracts.documents import GOLDEN
from shared.contracts.envelope import Event, from_headers
from shared.messaging.decoding import Rule
from shared.messaging.received import Raw
from tests.support.kafka import named_contract

NOW = datetime(2026, 5, 25, 1, 0, tzinfo=UTC)
HALL = Sender("schools/examination-hall")
ASKED = events.RegistrationRequested(request_id="hall-1", participant_id="p-1", session_id="s-1")


@pytest.mark.parametrize("contract", events.ALL, ids=lambda contract: contract.topic)
def test_every_contract_is_sent_and_read_back_the_same(contract: type[Event]) -> None:
    golden = json.loads((GOLDEN / f"{contract.type}.json").read_text())
    event = contract.model_validate_json(json.dumps(golden["data"]))
    record = HALL.record(event, cause="a-cause", now=NOW)
    read = Reader(contract).read(*record[:4], timestamp_ms=0)
    assert read is not None
    assert read.event == event
    assert (read.context.id, read.context.source, read.context.time) == (record.id, HALL.source, NOW)
    # And as the services read it.
    ours: Raw = ConsumerRecord(
        record.topic, 0, 0, 1_700_000_000_000, 1, record.key, record.value, None, 0, 0, tuple(record.headers)
    )
    rule = Rule(contract)
    assert rule.context(ours).id == record.id
    assert rule.events([ours]) == [event]


def test_a_repeat_has_the_same_id_and_another_system_never_has_it() -> None:
    again = HALL.record(ASKED)
    assert again.id == HALL.record(ASKED, now=NOW).id == HALL.record(ASKED, cause="hall-1").id
    assert again.id != Sender("schools/other").record(ASKED).id
    assert again.id != HALL.record(ASKED, cause="hall-2").id
    said = events.NotificationRequested(request_id="hall-1", participant_id="p-1", subject="s", body="b")
    assert again.id != HALL.record(said).id


@given(st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), min_size=2, max_size=2, unique=True))
def test_different_things_have_different_ids(parts: list[tuple[str, str]]) -> None:
    one, other = (HALL.id_of(*some) for some in parts)
    assert one != other
    assert UUID(one).version == 5


def test_an_answer_carries_on_what_it_answers_to() -> None:
    first = HALL.record(ASKED)
    context = from_headers(first.headers, appended_at=lambda: NOW, key=first.key)
    answer = HALL.record(ASKED, cause="answer", parent=context)
    told = from_headers(answer.headers, appended_at=lambda: NOW, key=answer.key)
    assert (told.correlation_id, told.causation_id) == (context.correlation_id, context.id)
    assert told.traceparent == context.traceparent


@pytest.mark.parametrize(
    "source", ["", "kepu/registration", "kepu/", "a b", "/hall", "h" * 201, "考场", "a\n"]
)
def test_a_name_that_no_sender_may_have_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match="source"):
        Sender(source)


def test_an_event_without_a_cause_is_refused() -> None:
    erased = events.ParticipantErased(participant_id="p-1", version=1, erased_at=NOW)
    with pytest.raises(ValueError, match="needs a cause"):
        HALL.record(erased)
    with pytest.raises(ValueError, match="needs a cause"):
        HALL.record(ASKED, cause="c" * 1_025)


def test_an_event_that_every_reader_would_refuse_is_not_made() -> None:
    contract = named_contract("said-large", bytes_max=100)
    with pytest.raises(Rejected) as refused:
        HALL.record(contract(who="wang", words="w" * 100), cause="c")
    assert refused.value.code == "too_large"


def test_a_partner_writes_the_same_record_to_a_topic_of_its_own() -> None:
    shared, own = (Sender("schools/hall", partner=name).record(ASKED, now=NOW) for name in ("", "hall"))
    assert own.topic == "partner.hall.registration.requested"
    assert (own.id, own.key, own.value) == (shared.id, shared.key, shared.value)
    with pytest.raises(ValueError, match="ask the organisers"):
        Sender("schools/hall", partner="Hall")
