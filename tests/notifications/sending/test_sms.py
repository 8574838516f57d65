"""SMS delivered from the real database to a real HTTP server, for those who gave a phone number."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from services.notifications.messages.rules import RetryPolicy
from services.notifications.sending.budget import Budget
from services.notifications.texts.sms import parts_of
from shared.contracts.events import NotificationDelivered
from shared.contracts.sealing import Contact, encrypt_contact
from shared.runtime import clock
from tests.notifications.builders import (
    NAME,
    Desk,
    by_phone,
    cancelled,
    code_requested,
    confirmed,
    contact_changed,
    desk,
    erased,
    everything,
    issued,
    joined,
    key_of,
    keyed,
    known,
    moved,
    number_locked,
    number_of,
    requested,
)
from tests.notifications.sending.builders import QUICK, sending, turns
from tests.notifications.sending.sms_gateway import POLL_SECONDS, SmsGateway, open_gateway, sms_courier
from tests.support.service import enclosed, new_id
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack
NOON = datetime(2023, 5, 20, 4, tzinfo=UTC)
CODE = "7K3Q-M0R9"


@asynccontextmanager
async def with_gateway(
    mongo: str, retry_policy: RetryPolicy = QUICK
) -> AsyncIterator[tuple[Desk, SmsGateway]]:
    async with desk(mongo, retry_policy, sends_sms=True) as at, open_gateway() as gateway:
        yield at, gateway


async def send(at: Desk, gateway: SmsGateway, **bounds: float) -> float:
    """All that is due; returns how long the courier rests."""
    courier = sms_courier(at, gateway, **bounds)  # type: ignore[arg-type]
    rest = 0.0
    try:
        # A recipient of two SMS that are under way has to wait for them.
        while rest == 0 or (rest == POLL_SECONDS and await are_due(at)):
            rest = await courier.turn()
            await asyncio.sleep(0.01)
    finally:
        await courier.aclose()
    return rest


async def are_due(at: Desk) -> bool:
    """Whether SMS are under way, or have to be."""
    pending = {"state": "pending", "due_at": {"$lte": clock.now()}}
    these = {"channel": "sms", "$or": [{"state": "claimed"}, pending]}
    return await at.database["messages"].find_one(these) is not None


async def test_who_gave_a_number_gets_an_sms_beside_the_inbox_and_no_mail(mongo: str) -> None:
    person = new_id()
    async with with_gateway(mongo) as (at, gateway):
        await at.handle(*by_phone(person), confirmed(person))
        await send(at, gateway)
        [sms] = await at.messages(person, "sms")
        [inbox] = await at.messages(person, "inbox")
        [told] = await at.published(NotificationDelivered.topic)
        assert await at.messages(person) == []
    assert (sms["state"], inbox["unmailed"]) == ("delivered", "no_address")
    assert json.loads(told)["by_phone"]
    [body], [head] = gateway.bodies, gateway.heads
    assert body.keys() == {"id", "to", "text"}
    assert (body["id"], body["to"]) == (sms["_id"], number_of(person))
    assert "T-4711" in body["text"]
    assert NAME not in body["text"]
    assert f"Idempotency-Key: {sms['_id']}" in head
    assert number_of(person)[3:] not in head


async def test_only_what_people_must_know_soon_goes_by_sms(mongo: str) -> None:
    person = new_id()
    async with with_gateway(mongo) as (at, gateway):
        await at.handle(*by_phone(person), *everything(person), cancelled(person, "cancelled_by_organiser"))
        await at.handle(cancelled(person, "hold_expired"), requested(person, channels=("email",)))
        await send(at, gateway)
        kinds = sorted(message["kind"] for message in await at.messages(person, "sms"))
        inbox = await at.messages(person, "inbox")
        [mail] = await at.messages(person)
    assert kinds == [
        "registration_cancelled",
        "registration_confirmed",
        "registration_moved",
        "registration_offered",
    ]
    assert len(inbox) == len(everything(person)) + 2
    assert (mail["kind"], mail["state"], mail["code"]) == ("notification_requested", "skipped", "no_address")


async def test_a_code_goes_to_a_number_in_any_order_and_to_a_new_one(mongo: str) -> None:
    person, other = new_id(), new_id()
    async with with_gateway(mongo) as (at, gateway):
        await at.handle(code_requested(person, by_phone=True), confirmed(person))
        await at.handle(*by_phone(person, verified=False))
        await at.handle(*known(other))
        new = number_locked(other)
        await at.handle(code_requested(other, by_phone=True, contact_locked=new))
        await send(at, gateway)
        assert await at.states(person, "sms") in (
            ["delivered", "waiting_contact"],
            ["waiting_contact", "delivered"],
        )
        assert [len(gateway.to(number_of(one))) for one in (person, other)] == [1, 1]
        assert all(CODE in body["text"] and NAME not in body["text"] for body in gateway.bodies)
        await at.handle(*by_phone(person, version=2))
        await send(at, gateway)
        assert len(gateway.to(number_of(person))) == 2


async def test_the_number_from_before_is_told_of_a_change_once_and_the_new_one_is_not(mongo: str) -> None:
    person, before = new_id(), new_id()
    async with with_gateway(mongo) as (at, gateway):
        await at.handle(*by_phone(person))
        old = encrypt_contact(Contact(name=NAME, phone=number_of(before)), key_of(person))
        told = enclosed(contact_changed(person, by_phone=True, contact_locked=old))
        await at.handle(told)
        await at.handle(told)
        await send(at, gateway)
        assert await at.states(person, "sms") == ["delivered"]
    [body] = gateway.bodies
    assert (body["to"], "联系方式已" in body["text"]) == (number_of(before), True)
    assert NAME not in body["text"]
    assert number_of(person) not in body["text"]


async def test_a_mail_that_waited_for_an_unknown_contact_becomes_an_sms_once(mongo: str) -> None:
    person = new_id()
    happened = [enclosed(confirmed(person)), enclosed(issued(person))]
    async with with_gateway(mongo) as (at, gateway):
        await at.handle(*happened)
        assert await at.states(person) == ["waiting_contact"] * 2
        await at.handle(*by_phone(person))
        assert await at.states(person, "sms") == ["pending"]
        # Both come again.
        await at.handle(*happened)
        await at.handle(*by_phone(person))
        await send(at, gateway)
        mails = [(one["state"], one["code"]) for one in await at.messages(person)]
        assert mails == [("skipped", "no_address")] * 2
        assert await at.states(person, "sms") == ["delivered"]
    assert len(gateway.bodies) == 1


async def test_without_a_gateway_a_number_is_no_address(mongo: str) -> None:
    person = new_id()
    async with desk(mongo) as at:
        await at.handle(*by_phone(person), confirmed(person), code_requested(person, by_phone=True))
        [inbox] = await at.messages(person, "inbox")
        [code] = await at.messages(person, "sms")
        assert inbox["unmailed"] == "no_address"
        assert (code["state"], code["code"]) == ("skipped", "no_address")
        assert await at.messages(person) == []


async def test_who_is_erased_gets_no_sms(mongo: str) -> None:
    person, unknown = new_id(), new_id()
    async with with_gateway(mongo) as (at, gateway):
        await at.handle(*by_phone(person), confirmed(person), code_requested(unknown, by_phone=True))
        await at.handle(erased(person), erased(unknown))
        await at.handle(*by_phone(unknown), confirmed(unknown))
        await send(at, gateway)
        states = [await at.states(one, "sms") for one in (person, unknown)]
    assert states == [["cancelled"], ["cancelled"]]
    assert gateway.bodies == []


async def test_a_refused_sms_is_final_a_deferred_one_is_tried_again_and_others_do_not_wait(
    mongo: str,
) -> None:
    refused, deferred, silent, fine = (new_id() for _ in range(4))
    async with with_gateway(mongo) as (at, gateway):
        gateway.replies[number_of(refused)] = ["422 Unprocessable Content"]
        gateway.replies[number_of(deferred)] = ["500 Internal Server Error", "502 Bad Gateway", "200 OK"]
        gateway.silent_at.add(number_of(silent))
        people = (refused, deferred, silent, fine)
        await at.handle(*by_phone(*people), *[confirmed(person) for person in people])
        async with sending(sms_courier(at, gateway, seconds_max=0.5)):
            await eventually(lambda: at.states(fine, "sms"), lambda states: states == ["delivered"])
            await eventually(lambda: at.states(deferred, "sms"), lambda states: states == ["delivered"])
            await eventually(lambda: len(gateway.to(number_of(silent))) >= 2)
            await eventually(lambda: at.states(refused, "sms"), lambda states: states == ["failed"])
        [final] = await at.messages(refused, "sms")
        [again] = await at.messages(deferred, "sms")
        [unknown] = await at.messages(silent, "sms")
    assert (final["state"], final["code"], final["reply"]) == ("failed", "sms_rejected", 422)
    # An attempt that a busy machine did not begin in time has not reached it.
    assert again["attempts"] >= gateway.counts[again["_id"]] == 3
    assert (unknown["state"] in ("pending", "claimed"), unknown["code"]) == (True, "sms_interrupted")


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
async def test_the_gateway_says_how_long_to_wait_and_no_sms_loses_a_try(mongo: str, status: str) -> None:
    people = [new_id() for _ in range(20)]
    async with with_gateway(mongo) as (at, gateway):
        gateway.replies[""] = [f"{status}\r\nRetry-After: 7"]
        await at.handle(*by_phone(*people), *[confirmed(person) for person in people])
        courier = sms_courier(at, gateway)
        # Before the gateway has answered, a turn rests for a moment or not at all.
        assert 6 < await eventually(courier.turn, lambda rest: rest > 1) <= 7
        # Each connection has asked once at the most, and nobody asks before the time is over.
        asked = len(gateway.bodies)
        assert asked <= 4
        assert 5 < await courier.turn() <= 7
        assert len(gateway.bodies) == asked
        documents = [(await at.messages(person, "sms"))[0] for person in people]
        await courier.aclose()
        assert {(one["state"], one["attempts"]) for one in documents} == {("pending", 0)}
        gateway.replies = {}
        await send(at, gateway)
        assert {tuple(await at.states(person, "sms")) for person in people} == {("delivered",)}
        sent = gateway.bodies[asked:]
        assert await Budget(at.database, 1_000).left(clock.now()) == 1_000 - sum(
            parts_of(body["text"]) for body in sent
        )


@pytest.mark.parametrize("status", ["401 Unauthorized", "404 Not Found", "302 Found\r\nLocation: /", None])
async def test_a_gateway_that_is_away_or_refuses_us_costs_no_sms_a_try(
    mongo: str, status: str | None
) -> None:
    people = [new_id() for _ in range(10)]
    async with desk(mongo, QUICK, sends_sms=True) as at:
        await at.handle(*by_phone(*people), *[confirmed(person) for person in people])
        gateway = SmsGateway()
        async with open_gateway(gateway):
            if status:
                gateway.replies[""] = [status]
                assert 0 < await send(at, gateway) < 1
        if status is None:
            assert 0 < await send(at, gateway) < 1
        gateway.replies = {}
        async with open_gateway(gateway), sending(sms_courier(at, gateway)):
            await eventually(
                lambda: at.database["messages"].count_documents({"channel": "sms", "state": "delivered"}),
                lambda count: count == 10,
            )
        assert {(await at.messages(person, "sms"))[0]["attempts"] for person in people} == {1}


async def test_couriers_together_never_go_beyond_the_budget_of_a_day(mongo: str) -> None:
    people = [new_id() for _ in range(40)]
    async with with_gateway(mongo) as (at, gateway):
        await at.handle(*by_phone(*people), *[moved(person) for person in people])
        gateway.replies[number_of(people[0])] = ["400 Bad Request"]
        couriers = [sms_courier(at, gateway, parts_max=21) for _ in range(2)]
        await asyncio.gather(*[turns(courier) for courier in couriers])
        for courier in couriers:
            await courier.aclose()
        documents = [(await at.messages(person, "sms"))[0] for person in people]
        taken = [one for one in documents if one["state"] == "delivered"]
        waiting = [one for one in documents if one.get("code") == "budget_spent"]
        assert len(taken) <= 10
        assert len(taken) >= 9
        assert len(taken) + len(waiting) + (await at.states(people[0], "sms")).count("failed") == 40
        # Until the next day, in Beijing, without losing a try.
        assert {one["state"] for one in waiting} == {"pending"}
        assert {one["attempts"] for one in waiting} == {0}
        day = (clock.now() + timedelta(hours=8)).date()
        assert {(one["due_at"] + timedelta(hours=8)).date() for one in waiting} == {day + timedelta(days=1)}


async def test_a_number_gets_one_code_an_hour_and_so_many_sms_a_day(mongo: str) -> None:
    person = new_id()
    async with with_gateway(mongo) as (at, gateway):
        await at.handle(*by_phone(person), *[code_requested(person, by_phone=True) for _ in range(3)])
        await send(at, gateway)
        codes = sorted(str(message.get("code")) for message in await at.messages(person, "sms"))
        assert codes == ["None", "code_sent_before", "code_sent_before"]
        await at.handle(*[moved(person) for _ in range(5)])
        await send(at, gateway, per_day_max=3)
        put_off = [one for one in await at.messages(person, "sms") if one.get("code") == "too_many_sms"]
        assert [one["state"] for one in put_off] == ["pending"] * 2
        assert len(gateway.to(number_of(person))) == 4


async def test_sms_that_wait_for_their_server_do_not_stand_in_the_way_of_mails(mongo: str) -> None:
    people, mailed = [new_id() for _ in range(50)], new_id()
    async with with_gateway(mongo) as (at, _):
        await at.handle(*by_phone(*people), *[confirmed(person) for person in people])
        await at.handle(*known(mailed), confirmed(mailed))
        [(mail, _)] = await at.queue.due(clock.now(), 10)
        assert mail == (await at.messages(mailed))[0]["_id"]
        assert (await at.queue.length(clock.now()))[0] == 1


async def test_no_log_has_a_number_or_a_text(mongo: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    refused, broken = new_id(), new_id()
    async with with_gateway(mongo) as (at, gateway):
        gateway.replies[number_of(refused)] = [f"400 no number {number_of(refused)}"]
        await at.handle(*by_phone(refused), confirmed(refused))
        await at.handle(
            keyed(broken), joined(broken, contact_sealed="bm8=", by_phone=True), confirmed(broken)
        )
        await send(at, gateway)
        await at.handle(*by_phone(refused, version=2), moved(refused))
        gateway.replies[""] = ["401 Unauthorized"]
        gateway.replies.pop(number_of(refused))
        await send(at, gateway)
        assert await at.states(broken, "sms") == ["failed"]
    ours = [
        record for record in caplog.records if not record.name.startswith(("pymongo", "asyncio", "httpcore"))
    ]
    assert any("messages wait for a server" in record.getMessage() for record in ours)
    for record in ours:
        for secret in (number_of(refused)[3:], NAME, "科普宣传一条街", "/messages"):
            assert secret not in str(record.__dict__), record
