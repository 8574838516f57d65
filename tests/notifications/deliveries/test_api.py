"""Deliveries over HTTP, and failed mails tried again."""

import asyncio

import pytest

from services.notifications.deliveries.store import DeliveryStore
from services.notifications.deliveries.summarise import Summaries
from services.notifications.messages.rules import State
from services.notifications.texts.policy import DeliveryChannel
from shared.runtime import clock
from tests.notifications.api import api, inbox
from tests.notifications.builders import address_of, confirmed, desk, erased, everything, issued, known
from tests.support.service import ORGANISER, as_participant, code_of, new_id

pytestmark = pytest.mark.stack


async def test_what_was_delivered_to_inboxes_is_not_listed(kafka: str, mongo: str) -> None:
    async with api(kafka, mongo) as (client, at):
        await at.handle(confirmed(new_id()))
        path = "/deliveries?state=delivered"
        answer = await client.get(f"{path}&channel=inbox", headers=ORGANISER)
        assert code_of(answer) == (422, "inboxes_not_listed")
        assert (await client.get(path, headers=ORGANISER)).json() == {"deliveries": [], "after": None}


async def test_organisers_see_what_failed_without_contacts_and_try_it_again(kafka: str, mongo: str) -> None:
    person, waiting = new_id(), new_id()
    async with api(kafka, mongo) as (client, at):
        await at.handle(*known(person), confirmed(person), issued(person), confirmed(waiting))
        await at.database["messages"].update_many(
            {"channel": "email"},
            {"$set": {"state": "failed", "code": "smtp_rejected", "reply": 550, "attempts": 3}},
        )
        answer = await client.get("/deliveries", params={"state": "failed", "limit": 2}, headers=ORGANISER)
        page = answer.json()
        rest = await client.get(
            "/deliveries", params={"state": "failed", "after": page["after"]}, headers=ORGANISER
        )
        found = page["deliveries"] + rest.json()["deliveries"]
        assert {one["participant_id"] for one in found} == {person, waiting}
        assert len({one["message_id"] for one in found}) == 3
        assert (found[0]["code"], found[0]["reply"], found[0]["attempts"]) == ("smtp_rejected", 550, 3)
        assert address_of(person) not in answer.text
        assert not {"subject", "body", "facts"} & found[0].keys()

        states = {}
        for one in found:
            again = await client.post(f"/deliveries/{one['message_id']}/retry", headers=ORGANISER)
            states[one["participant_id"]] = again.json()["state"]
        assert states == {person: "pending", waiting: "waiting_contact"}
        path = f"/deliveries/{found[0]['message_id']}/retry"
        assert code_of(await client.post(path, headers=ORGANISER)) == (409, "not_failed")
        assert code_of(await client.post("/deliveries/nothing/retry", headers=ORGANISER)) == (
            404,
            "message_unknown",
        )
        summary = (await client.get("/deliveries/summary", headers=ORGANISER)).json()["counts"]
        assert {(one["channel"], one["state"]): one["count"] for one in summary} == {
            ("inbox", "delivered"): 3,
            ("email", "pending"): 2,
            ("email", "waiting_contact"): 1,
        }
        for refused in ("/deliveries", "/deliveries/summary"):
            assert code_of(await client.get(refused, headers=as_participant(person)))[0] == 401


async def test_of_an_erased_participant_nothing_is_left_to_read_choose_or_try_again(
    kafka: str, mongo: str
) -> None:
    person = new_id()
    async with api(kafka, mongo) as (client, at):
        await at.handle(*known(person), *everything(person))
        await client.put("/preferences", json={"email": False}, headers=as_participant(person))
        await at.database["messages"].update_many({"channel": "email"}, {"$set": {"state": "failed"}})
        await at.handle(erased(person))
        assert (await inbox(client, person))["messages"] == []
        assert await at.database["preferences"].count_documents({}) == 0
        answer = await client.put("/preferences", json={"email": True}, headers=as_participant(person))
        assert code_of(answer) == (401, "participant_erased")
        id_ = (await at.messages(person))[0]["_id"]
        answer = await client.post(f"/deliveries/{id_}/retry", headers=ORGANISER)
        assert code_of(answer) == (409, "not_failed")


async def test_a_failed_mail_is_not_tried_again_while_the_erasure_of_its_recipient_is_under_way(
    kafka: str, mongo: str
) -> None:
    person = new_id()
    async with api(kafka, mongo) as (client, at):
        await at.handle(*known(person), confirmed(person))
        await at.database["messages"].update_many({"channel": "email"}, {"$set": {"state": "failed"}})
        # The contact is erased first; what the messages say is deleted afterwards.
        await at.contacts.erase([erased(person)], clock.now())
        id_ = (await at.messages(person))[0]["_id"]
        answer = await client.post(f"/deliveries/{id_}/retry", headers=ORGANISER)
        assert code_of(answer) == (409, "not_failed")
        assert await at.states(person) == ["failed"]


async def test_what_deliveries_can_come_to_is_counted_from_0_on(kafka: str, mongo: str) -> None:
    async with api(kafka, mongo) as (client, _):
        told = (await client.get("/metrics")).text
    for channel, outcome in (("email", "failed"), ("email", "skipped"), ("inbox", "delivered")):
        assert f'kepu_deliveries_total{{channel="{channel}",outcome="{outcome}",reason="none"}}' in told


class Counting(DeliveryStore):
    """Says how often the messages were counted."""

    made = 0

    async def summary(self) -> dict[tuple[DeliveryChannel, State], int]:
        self.made += 1
        return await super().summary()


async def test_messages_are_counted_once_for_all_who_ask_at_the_same_time(mongo: str) -> None:
    async with desk(mongo) as at:
        store = Counting(at.database, at.retry_policy)
        summaries = Summaries(store)
        await at.handle(confirmed(new_id()))
        found = await asyncio.gather(*(summaries.summary() for _ in range(20)))
    assert store.made == 1
    assert all(one == found[0] and one for one in found)
