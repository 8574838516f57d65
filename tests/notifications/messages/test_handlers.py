"""Events handled on the real database: messages are stored once, however often the events come."""

import asyncio
import time
from collections import Counter

import pytest
from msgspec import structs

from services.notifications.messages.rules import OPEN_MAILS_MAX
from shared.contracts.envelope import Envelope
from shared.runtime import clock
from tests.notifications.builders import (
    completed,
    confirmed,
    delivered_ids,
    desk,
    everything,
    issued,
    known,
    messages_of_everything,
    requested,
)
from tests.support.service import batch_of, enclosed, new_id
from tests.support.slowness import slowness
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack


async def test_every_event_is_in_the_inbox_at_once_and_told_of(mongo: str) -> None:
    person = new_id()
    async with desk(mongo) as at:
        happened = [enclosed(event) for event in everything(person)]
        following = await at.handle(*known(person), *happened)
        inbox = await at.messages(person, "inbox")
        assert await at.states(person) == ["pending"] * (messages_of_everything() - len(happened))
        assert at.woken == 1
    assert {document["kind"] for document in inbox} >= {"quiz_completed", "award_issued"}
    told = delivered_ids(following)
    assert len(told) == len(inbox) == len(happened)
    assert {event.cause_id for event in told.values()} == {one.context.id for one in happened}
    correlations = {one.context.id: one.context.correlation_id for one in happened}
    for one in following:
        assert one.context.causation_id is not None
        assert one.context.correlation_id == correlations[one.context.causation_id]


async def test_redelivered_events_add_nothing_and_say_the_same_again(mongo: str) -> None:
    person = new_id()
    async with desk(mongo) as at:
        happened = [enclosed(event) for event in everything(person)]
        first = await at.handle(*known(person), *happened)
        await at.database["messages"].update_many({"channel": "email"}, {"$set": {"state": "delivered"}})
        told_at = clock.now()
        await eventually(lambda: clock.now() > told_at)
        again = await at.handle(*happened, *known(person), *happened)
        assert set(await at.states(person)) == {"delivered"}
        assert len(await at.messages(person, "inbox")) == len(happened)
    # Also the times of then: one event id never says two things.
    assert delivered_ids(again) == delivered_ids(first)


async def test_a_repeat_after_a_crash_before_the_second_look_releases_what_waits(mongo: str) -> None:
    person, gone = new_id(), new_id()
    told, lost = enclosed(confirmed(person)), enclosed(confirmed(gone))
    async with desk(mongo) as at:
        await at.handle(*known(person), told, lost)
        # As if the look that finds the contact had never come.
        await at.database["messages"].update_many(
            {"channel": "email"}, {"$set": {"state": "waiting_contact"}, "$unset": {"due_at": ""}}
        )
        await at.database["contacts"].insert_one({"_id": gone, "erased_at": clock.now()})
        await at.handle(told, lost)
        assert await at.states(person) == ["pending"]
        assert await at.states(gone) == ["cancelled"]
        assert "facts" not in (await at.messages(gone, "inbox"))[0]


async def test_what_a_crash_left_half_stored_is_completed_by_the_repeat(mongo: str) -> None:
    people = [new_id() for _ in range(20)]
    happened = [enclosed(event) for person in people for event in (confirmed(person), completed(person))]
    async with desk(mongo) as at:
        await at.handle(*known(*people))
        first = await at.handle(*happened)
        # Any part of a bulk write may be missing, and inboxes come before mails.
        lost = [document["_id"] for person in people[:7] for document in await at.messages(person)]
        lost += [(await at.messages(person, "inbox"))[0]["_id"] for person in people[:3]]
        await at.database["messages"].delete_many({"_id": {"$in": lost}})
        again = await at.handle(*happened)
        assert delivered_ids(again).keys() == delivered_ids(first).keys()
        assert await at.database["messages"].count_documents({}) == 60
        for person in people:
            assert await at.states(person) == ["pending"]


async def test_a_mail_that_a_crash_left_out_and_that_has_no_address_any_more_is_skipped_in_the_open(
    mongo: str,
) -> None:
    person = new_id()
    happened = enclosed(confirmed(person))
    async with desk(mongo) as at:
        await at.handle(happened)
        [lost] = await at.messages(person)
        await at.database["messages"].delete_one({"_id": lost["_id"]})
        await at.handle(*known(person, contact_sealed=None), happened, happened)
        [mail] = await at.messages(person)
        assert (mail["_id"], mail["state"], mail["code"]) == (lost["_id"], "skipped", "no_address")
        assert len(await at.messages(person, "inbox")) == 1


async def test_copies_that_get_the_same_events_at_once_store_and_say_the_same(mongo: str) -> None:
    people = [new_id() for _ in range(50)]
    happened = [enclosed(event) for person in people for event in (completed(person), issued(person))]
    async with desk(mongo) as at:
        await at.handle(*known(*people[:25], contact_sealed=None))
        told = [delivered_ids(one) for one in await asyncio.gather(*[at.handle(*happened) for _ in range(4)])]
        assert all(one == told[0] for one in told)
        assert len(told[0]) == 100
        assert await at.database["messages"].count_documents({}) == 125


@pytest.mark.parametrize("id_", ["two\u2028lines", " ", "x ", "\u202eabc", "\x07"])
async def test_an_event_id_that_no_event_of_ours_can_name_is_rejected_alone(mongo: str, id_: str) -> None:
    person = new_id()
    good, bad = enclosed(confirmed(person)), enclosed(confirmed(person))
    context = structs.replace(bad.context, id=id_)
    async with desk(mongo) as at:
        batch = batch_of(good, Envelope(context, bad.event))
        assert len(await at._handle(batch)) == 1
        assert [dead.why.code for dead in batch.rejected] == ["cause_id_unusable"]


async def test_an_inbox_is_found_by_its_ids_and_no_others(mongo: str) -> None:
    people = [new_id() for _ in range(30)]
    async with desk(mongo) as at:
        await at.handle(*[event for person in people for event in everything(person)])
        for person in people:
            inbox = await at.inboxes.page(person, None, 100)
            assert len(inbox) == await at.inboxes.unread(person) == len(everything(person))
            assert {one.message.participant_id for one in inbox} == {person}


async def test_a_flood_of_mails_for_one_participant_waits_in_a_small_number_and_the_inbox_has_all(
    mongo: str,
) -> None:
    flooded, unknown, other = new_id(), new_id(), new_id()
    async with desk(mongo) as at:
        await at.handle(*known(flooded, other))
        for _ in range(3):
            happened = [enclosed(requested(person)) for person in (flooded, unknown) for _ in range(20)]
            await at.handle(*happened)
        await at.handle(confirmed(flooded), confirmed(unknown), confirmed(other), *happened)
        for person, state in ((flooded, "pending"), (unknown, "waiting_contact")):
            # What others request takes no room of our own kinds.
            states = Counter(
                (one["kind"], one["state"], one.get("code")) for one in await at.messages(person)
            )
            assert states == {
                ("notification_requested", state, None): OPEN_MAILS_MAX,
                ("notification_requested", "skipped", "too_many_mails"): 60 - OPEN_MAILS_MAX,
                ("registration_confirmed", state, None): 1,
            }
            assert len(await at.messages(person, "inbox")) == 61
        assert await at.states(other) == ["pending"]
        # When mails are gone, there is room again.
        await at.database["messages"].update_many(
            {"participant_id": flooded}, {"$set": {"state": "delivered"}, "$unset": {"expires_at": ""}}
        )
        await at.handle(requested(flooded))
        assert Counter(await at.states(flooded))["pending"] == 1


async def test_a_request_goes_to_the_channels_asked_for_alone(mongo: str) -> None:
    person = new_id()
    async with desk(mongo) as at:
        await at.handle(*known(person), requested(person, channels=("email",)))
        assert await at.messages(person, "inbox") == []
        assert await at.states(person) == ["pending"]
        assert await at.handle(requested(person, channels=("inbox",))) != []
        assert len(await at.messages(person)) == 1


@pytest.mark.parametrize("together", [False, True])
async def test_a_request_that_names_itself_like_an_event_to_come_takes_nothing_from_it(
    mongo: str, together: bool
) -> None:
    person, unaddressed = new_id(), new_id()
    to_come = enclosed(confirmed(person))
    # Source and id of our events can be guessed. Other systems choose those of their own.
    forged = [
        Envelope(structs.replace(to_come.context, type=one.type), one)
        for one in (requested(person), requested(unaddressed))
    ]
    async with desk(mongo) as at:
        await at.handle(*known(person), *known(unaddressed, contact_sealed=None))
        if together:
            await at.handle(*forged, to_come)
        else:
            await at.handle(*forged)
            await at.handle(to_come)
        for channel in ("inbox", "email"):
            kinds = sorted(document["kind"] for document in await at.messages(person, channel))
            assert kinds == ["notification_requested", "registration_confirmed"]


async def test_an_event_that_cannot_be_reported_on_is_rejected_alone(mongo: str) -> None:
    person = new_id()
    good, bad = enclosed(confirmed(person)), enclosed(confirmed(person))
    context = bad.context.__class__(
        "x" * 300, bad.context.source, bad.context.type, bad.context.time, person, bad.context.correlation_id
    )
    async with desk(mongo) as at:
        batch = batch_of(good, Envelope(context, bad.event))
        following = await at._handle(batch)
        assert len(following) == 1
        assert [dead.why.code for dead in batch.rejected] == ["cause_id_unusable"]
        assert len(await at.messages(person)) == 1


async def test_a_thousand_events_take_a_few_bulk_operations(mongo: str) -> None:
    people = [new_id() for _ in range(500)]
    async with desk(mongo) as at:
        await at.handle(*known(*people))
        batch = [enclosed(event) for person in people for event in (completed(person), confirmed(person))]
        started = time.perf_counter()
        following = await at.handle(*batch)
        spent_seconds = time.perf_counter() - started
        assert len(following) == 1_000
        assert await at.database["messages"].count_documents({}) == 1_500
    # One write each would take several times as long.
    assert spent_seconds < 2 * slowness()
