"""Events of participants are what the contracts write."""

from datetime import datetime

import pytest

from services.registration.participants import events
from services.registration.participants.rules import Participant, ParticipantId, Profile
from shared.contracts.events import ParticipantErased, ParticipantJoined, ParticipantKeyed, ParticipantNamed
from shared.contracts.origin import Origin
from shared.contracts.sealing import Contact, encrypt_contact
from tests.registration.builders import SEALER
from tests.registration.records import ORIGINS, TIMES, assert_as_contract

KEY = SEALER.new_key()


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("now", TIMES)
@pytest.mark.parametrize("whole", [True, False])
def test_records_of_joining_are_what_the_contract_writes(origin: Origin, now: datetime, whole: bool) -> None:
    contact = encrypt_contact(Contact(name="李“小”\\明", email="o'brien@example.ie"), KEY.key)
    profile = (
        Profile("group", "school-1", "华龙区 \u00e9/<>", "youth", "en", contact, by_phone=True)
        if whole
        else Profile("person", None, None, "other", "zh-CN", None)
    )
    participant = Participant(ParticipantId("p"), profile, 3)
    keyed, joined = events.joined(participant, KEY, origin, now)
    assert_as_contract(keyed, ParticipantKeyed, "p/3", origin, now)
    assert_as_contract(joined, ParticipantJoined, "p/3", origin, now)


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("now", TIMES)
def test_events_of_an_erasure_are_what_the_contract_writes(origin: Origin, now: datetime) -> None:
    keyed, unnamed, erased = events.erased(ParticipantId("p"), 4, origin, now)
    assert_as_contract(keyed, ParticipantKeyed, "p/4", origin, now)
    assert_as_contract(unnamed, ParticipantNamed, "p/4", origin, now)
    assert_as_contract(erased, ParticipantErased, "p/4", origin, now)
