"""Names are opened for organisers, and each opening is in the log of acts before it happens."""

import json

import pytest

from services.notifications.contacts.decryptor import Decryptor
from services.notifications.openings.open import OPENED_MAX, Openings
from shared.contracts import sealing
from shared.runtime import metrics
from tests.notifications.api import api
from tests.notifications.builders import NAME, address_of, erased, joined, keyed, known, locked
from tests.support.service import CONTACT_PRIVATE_KEY, ORGANISER, as_participant, code_of, new_id

pytestmark = pytest.mark.stack

REASON = "开幕式座位安排"
PATH = "/contacts/openings"


def opened_total() -> float:
    total: float = metrics.CONTACTS_OPENED._value.get()
    return total


async def test_names_are_opened_in_the_order_asked_and_the_act_says_how_many_and_why(
    kafka: str, mongo: str
) -> None:
    first, second = new_id(), new_id()
    async with api(kafka, mongo, CONTACT_PRIVATE_KEY) as (client, at):
        await at.handle(*known(first, second))
        before = opened_total()
        asked = {"participant_ids": [second, first], "reason": REASON}
        answer = await client.post(PATH, json=asked, headers=ORGANISER)
        assert answer.json()["contacts"] == [
            {"participant_id": one, "state": "opened", "name": NAME, "email": address_of(one), "phone": None}
            for one in (second, first)
        ]
        assert answer.headers["cache-control"] == "no-store"
        assert opened_total() - before == 2
        [act] = (await client.get("/acts", headers=ORGANISER)).json()["acts"]
        assert (act["who"], act["route"], act["status"]) == ("owner", PATH, 200)
        assert act["details"] == {"people": 2, "reason": REASON}
        [kept] = await at.database["acts"].find().to_list(None)
        assert NAME not in str(kept)
        assert first not in str(kept)


async def test_who_cannot_be_opened_is_said_for_each_and_costs_the_others_nothing(
    kafka: str, mongo: str
) -> None:
    good, gone, nameless, keyless, foreign = (new_id(word) for word in ("a", "b", "c", "d", "e"))
    async with api(kafka, mongo, CONTACT_PRIVATE_KEY) as (client, at):
        other_key = sealing.seal_key(sealing.new_key(), sealing.new_key_pair()[1])
        await at.handle(
            *known(good, gone),
            *known(nameless, contact_sealed=None),
            joined(keyless),
            keyed(foreign, key_sealed=other_key),
            joined(foreign, contact_sealed=locked(foreign)),
            erased(gone),
        )
        asked = {"participant_ids": [good, gone, nameless, keyless, foreign, "nobody"], "reason": REASON}
        before = opened_total()
        answer = await client.post(PATH, json=asked, headers=ORGANISER)
        states = [one["state"] for one in answer.json()["contacts"]]
        assert states == ["opened", "erased", "without_contact", "unreadable", "unreadable", "unknown"]
        assert [one["name"] for one in answer.json()["contacts"]] == [NAME] + [None] * 5
        assert opened_total() - before == 1


async def test_no_names_without_a_reason_a_key_or_within_no_bound(kafka: str, mongo: str) -> None:
    person = new_id()
    async with api(kafka, mongo, CONTACT_PRIVATE_KEY) as (client, at):
        await at.handle(*known(person))
        for wrong in (
            {"participant_ids": [person]},
            {"participant_ids": [person], "reason": " "},
            {"participant_ids": [], "reason": REASON},
            {"participant_ids": [f"p-{number}" for number in range(OPENED_MAX + 1)], "reason": REASON},
        ):
            assert code_of(await client.post(PATH, json=wrong, headers=ORGANISER)) == (422, "invalid")
        asked = {"participant_ids": [person], "reason": REASON}
        stranger = await client.post(PATH, json=asked, headers=as_participant(person))
        assert code_of(stranger) == (401, "organiser_key_missing")
    async with api(kafka, mongo) as (client, at):
        await at.handle(*known(person))
        answer = await client.post(PATH, json=asked, headers=ORGANISER)
        assert code_of(answer) == (409, "contacts_closed")


async def test_as_many_ids_as_are_allowed_fit_into_a_request(kafka: str, mongo: str) -> None:
    async with api(kafka, mongo, CONTACT_PRIVATE_KEY) as (client, _):
        people = [f"{number:064}" for number in range(OPENED_MAX)]
        asked = {"participant_ids": people, "reason": "字" * 200}
        answer = await client.post(PATH, content=json.dumps(asked, indent=4), headers=ORGANISER)
        assert {one["state"] for one in answer.json()["contacts"]} == {"unknown"}


async def test_without_an_act_in_the_log_nothing_is_opened(kafka: str, mongo: str) -> None:
    person = new_id()
    async with api(kafka, mongo, CONTACT_PRIVATE_KEY) as (_, at):
        await at.handle(*known(person))
        before = opened_total()
        with pytest.raises(LookupError):
            await Openings(at.contacts, Decryptor(CONTACT_PRIVATE_KEY)).open([person], REASON)
        assert opened_total() == before
