"""Events handled on the real database: stored once, in whatever order and however often they come."""

import asyncio
import itertools
import time
from datetime import timedelta

import pytest
from msgspec import structs
from prometheus_client import REGISTRY

from services.notifications.mail.daily_cap import DailyCap
from services.notifications.messages.rules import Patience, Preferences
from services.notifications.messages.store import KEPT
from services.notifications.upkeep import Upkeep
from shared.contracts.envelope import Envelope
from shared.contracts.events import NotificationDelivered, NotificationFailed
from shared.runtime import clock
from tests.notifications.builders import (
    NAME,
    TICKET,
    address_of,
    batch_of,
    completed,
    confirmed,
    desk,
    enclosed,
    erased,
    everything,
    fresh,
    issued,
    joined,
    keyed,
    known,
    locked,
    requested,
)
from tests.support.kafka import eventually

pytestmark = pytest.mark.stack


def delivered_ids(following: list[Envelope[NotificationDelivered]]) -> dict[str, NotificationDelivered]:
    return {one.context.id: one.event for one in following}


async def test_every_event_is_in_the_inbox_at_once_and_told_of(mongo: str) -> None:
    person = fresh()
    async with desk(mongo) as at:
        happened = [enclosed(event) for event in everything(person)]
        following = await at.tell(*known(person), *happened)
        inbox = await at.messages(person, "inbox")
        assert await at.states(person) == ["pending"] * 8
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
    person = fresh()
    async with desk(mongo) as at:
        happened = [enclosed(event) for event in everything(person)]
        first = await at.tell(*known(person), *happened)
        await at.database["messages"].update_many({"channel": "email"}, {"$set": {"state": "delivered"}})
        told_at = clock.now()
        await eventually(lambda: clock.now() > told_at)
        again = await at.tell(*happened, *known(person), *happened)
        assert set(await at.states(person)) == {"delivered"}
        assert len(await at.messages(person, "inbox")) == len(happened)
    # Also the times of then: one event id never says two things.
    assert delivered_ids(again) == delivered_ids(first)


async def test_a_mail_before_its_recipient_has_joined_waits_and_then_becomes_due(mongo: str) -> None:
    early, nameless = fresh(), fresh()
    async with desk(mongo) as at:
        following = await at.tell(confirmed(early), issued(early), confirmed(nameless))
        assert len(delivered_ids(following)) == 3
        assert await at.states(early) == ["waiting_contact"] * 2
        await at.tell(*known(early), *known(nameless, contact_sealed=None))
        assert await at.states(early) == ["pending"] * 2
        # No address on file: no mail, and no failure either.
        assert [(m["state"], m["code"]) for m in await at.messages(nameless)] == [("skipped", "no_address")]
        for document in await at.messages(early):
            assert document["due_at"] < document["expires_at"]


async def test_joining_and_being_told_at_the_same_moment_leaves_no_mail_waiting(mongo: str) -> None:
    people = [fresh() for _ in range(40)]
    async with desk(mongo) as at:
        await asyncio.gather(
            *[at.tell(confirmed(person)) for person in people],
            *[at.tell(*known(person)) for person in people],
        )
        for person in people:
            assert await at.states(person) == ["pending"]


async def test_a_repeat_after_a_crash_before_the_second_look_releases_what_waits(mongo: str) -> None:
    person, gone = fresh(), fresh()
    told, lost = enclosed(confirmed(person)), enclosed(confirmed(gone))
    async with desk(mongo) as at:
        await at.tell(*known(person), told, lost)
        # As if the look that finds the contact had never come.
        await at.database["messages"].update_many(
            {"channel": "email"}, {"$set": {"state": "waiting_contact"}, "$unset": {"due_at": ""}}
        )
        await at.database["contacts"].insert_one({"_id": gone, "erased_at": clock.now()})
        await at.tell(told, lost)
        assert await at.states(person) == ["pending"]
        assert await at.states(gone) == ["cancelled"]
        assert "facts" not in (await at.messages(gone, "inbox"))[0]


async def test_erasure_deletes_the_contact_and_what_messages_say_and_cancels_the_rest(mongo: str) -> None:
    person, other = fresh(), fresh()
    async with desk(mongo) as at:
        await at.tell(*known(person), *known(other), *everything(person), confirmed(other))
        await at.tell(erased(person))
        documents = await at.messages(person) + await at.messages(person, "inbox")
        assert {document["state"] for document in await at.messages(person)} == {"cancelled"}
        assert not any("facts" in document or "due_at" in document for document in documents)
        assert "contact_sealed" not in (await at.database["contacts"].find_one({"_id": person}) or {})
        assert await at.store.inbox(person, None, 100) == []
        assert await at.states(other) == ["pending"]


async def test_whoever_is_erased_stays_erased_whatever_comes_later(mongo: str) -> None:
    person = fresh()
    async with desk(mongo) as at:
        await at.tell(erased(person), *known(person))
        # Not even under a higher version.
        following = await at.tell(joined(person, version=9), keyed(person, version=9), *everything(person))
        assert following == []
        assert set(await at.states(person)) == {"cancelled"}
        assert (await at.contacts.recipients([person]))[person].contact_sealed is None
        assert not any("facts" in document for document in await at.messages(person, "inbox"))


async def test_a_mail_not_made_for_want_of_an_address_is_told_beside_the_inbox_message(mongo: str) -> None:
    person, lonely = fresh(), fresh()
    async with desk(mongo) as at:
        told = enclosed(issued(person))
        await at.tell(*known(person, lonely, contact_sealed=None))
        assert at.woken == 1
        await at.tell(told, completed(person), requested(lonely, channels=("email",)))
        assert await at.messages(person) == []
        inbox = {document["kind"]: document for document in await at.messages(person, "inbox")}
        assert inbox["award_issued"]["unmailed"] == "no_address"
        # The policy asks for no mail of a result.
        assert "unmailed" not in inbox["quiz_completed"]
        assert await at.states(lonely) == ["skipped"]
        assert await at.deliveries.summary() == {("inbox", "delivered"): 2, ("email", "skipped"): 2}
        listed = await at.deliveries.deliveries("skipped", ["inbox", "email"], None, 10)
        assert {(one.message.participant_id, one.message.channel, one.state, one.code) for one in listed} == {
            (one, "email", "skipped", "no_address") for one in (person, lonely)
        }
        assert await at.deliveries.deliveries("skipped", ["inbox"], None, 10) == []


async def test_an_address_given_later_has_no_mail_made_of_what_was_told_before(mongo: str) -> None:
    person = fresh()
    before, after = enclosed(issued(person)), enclosed(confirmed(person))
    async with desk(mongo) as at:
        await at.tell(*known(person, contact_sealed=None), before)
        first = await at.tell(before)
        await at.tell(joined(person, version=2))
        # The whole topic again, as after a reset of the group.
        again = await at.tell(before, after)
        assert [document["kind"] for document in await at.messages(person)] == ["registration_confirmed"]
        assert delivered_ids(again).items() > delivered_ids(first).items()
        # And the other way round: the mail that was made stays the only one.
        await at.tell(joined(person, version=3, contact_sealed=None), before, after)
        assert [document["kind"] for document in await at.messages(person)] == ["registration_confirmed"]
        [told] = [
            one for one in await at.messages(person, "inbox") if one["kind"] == "registration_confirmed"
        ]
        assert "unmailed" not in told


async def test_what_a_crash_left_half_stored_is_completed_by_the_repeat(mongo: str) -> None:
    people = [fresh() for _ in range(20)]
    happened = [enclosed(event) for person in people for event in (confirmed(person), completed(person))]
    async with desk(mongo) as at:
        await at.tell(*known(*people))
        first = await at.tell(*happened)
        # Any part of a bulk write may be missing, and inboxes come before mails.
        lost = [document["_id"] for person in people[:7] for document in await at.messages(person)]
        lost += [(await at.messages(person, "inbox"))[0]["_id"] for person in people[:3]]
        await at.database["messages"].delete_many({"_id": {"$in": lost}})
        again = await at.tell(*happened)
        assert delivered_ids(again).keys() == delivered_ids(first).keys()
        assert await at.database["messages"].count_documents({}) == 60
        for person in people:
            assert await at.states(person) == ["pending"]


async def test_a_mail_that_a_crash_left_out_and_that_has_no_address_any_more_is_skipped_in_the_open(
    mongo: str,
) -> None:
    person = fresh()
    happened = enclosed(confirmed(person))
    async with desk(mongo) as at:
        await at.tell(happened)
        [lost] = await at.messages(person)
        await at.database["messages"].delete_one({"_id": lost["_id"]})
        await at.tell(*known(person, contact_sealed=None), happened, happened)
        [mail] = await at.messages(person)
        assert (mail["_id"], mail["state"], mail["code"]) == (lost["_id"], "skipped", "no_address")
        assert len(await at.messages(person, "inbox")) == 1


async def test_copies_that_get_the_same_events_at_once_store_and_say_the_same(mongo: str) -> None:
    people = [fresh() for _ in range(50)]
    happened = [enclosed(event) for person in people for event in (completed(person), issued(person))]
    async with desk(mongo) as at:
        await at.tell(*known(*people[:25], contact_sealed=None))
        told = [delivered_ids(one) for one in await asyncio.gather(*[at.tell(*happened) for _ in range(4)])]
        assert all(one == told[0] for one in told)
        assert len(told[0]) == 100
        assert await at.database["messages"].count_documents({}) == 125


ORDERS = list(itertools.permutations(["joined", "keyed", "erased"]))


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
async def test_joined_keyed_and_erased_in_any_order_leave_no_key_and_tell_nothing(
    mongo: str, order: tuple[str, ...]
) -> None:
    person = fresh()
    events = {"joined": joined(person), "keyed": keyed(person), "erased": erased(person)}
    async with desk(mongo) as at:
        for name in order:
            await at.tell(events[name])
        # A zombie or a replay says it all again.
        await at.tell(*[events[name] for name in reversed(order)])
        assert await at.tell(*everything(person)) == []
        assert set(await at.states(person)) == {"cancelled"}
        assert await at.contacts.keys([person]) == {}
        stored = [await at.database[name].find_one({"_id": person}) for name in ("contacts", "contact_keys")]
        assert [set(document or {}) for document in stored] == [
            {"_id", "version", "erased_at"},
            {"_id", "destroyed_at"},
        ]


async def test_a_mail_waits_for_the_contact_and_for_the_key_in_either_order(mongo: str) -> None:
    first, second = fresh(), fresh()
    async with desk(mongo) as at:
        await at.tell(confirmed(first), confirmed(second))
        await at.tell(joined(first), keyed(second))
        assert await at.states(first) == await at.states(second) == ["waiting_contact"]
        # Also what is told of while the key alone is missing.
        await at.tell(issued(first))
        assert await at.states(first) == ["waiting_contact"] * 2
        await at.tell(keyed(first), joined(second))
        assert await at.states(first) == ["pending"] * 2
        assert await at.states(second) == ["pending"]


async def test_keys_contacts_and_mails_that_come_at_the_same_moment_leave_no_mail_waiting(mongo: str) -> None:
    people = [fresh() for _ in range(30)]
    async with desk(mongo) as at:
        await asyncio.gather(
            *[at.tell(confirmed(person)) for person in people],
            *[at.tell(joined(person)) for person in people],
            *[at.tell(keyed(person)) for person in people],
        )
        for person in people:
            assert await at.states(person) == ["pending"]


async def test_an_old_profile_or_key_that_comes_late_changes_nothing(mongo: str) -> None:
    person = fresh()
    latest, latest_key = locked(person, email="new@example.org"), keyed(person, version=2).key_sealed
    async with desk(mongo) as at:
        # Within one batch too, and told again by a zombie.
        await at.tell(
            joined(person, version=3, contact_sealed=latest, language="en"), joined(person, version=2)
        )
        await at.tell(keyed(person, version=2, key_sealed=latest_key), keyed(person, version=1))
        await at.tell(joined(person, version=1), keyed(person, version=1))
        recipient = (await at.contacts.recipients([person]))[person]
        assert (recipient.contact_sealed, recipient.language) == (latest, "en")
        assert await at.contacts.keys([person]) == {person: latest_key}


async def test_old_and_new_profiles_handled_at_once_leave_the_newest(mongo: str) -> None:
    person = fresh()
    async with desk(mongo) as at:
        await asyncio.gather(
            *[
                at.tell(joined(person, version=n, contact_sealed=None, language="en" if n == 20 else "zh-CN"))
                for n in range(1, 21)
            ]
        )
        assert (await at.contacts.recipients([person]))[person].language == "en"


async def test_a_destroyed_key_never_comes_back_and_stops_the_mail(mongo: str) -> None:
    person = fresh()
    async with desk(mongo) as at:
        await at.tell(*known(person), keyed(person, version=2, key_sealed=None), keyed(person, version=3))
        assert await at.contacts.keys([person]) == {}
        await at.tell(keyed(person, version=4))
        assert await at.contacts.keys([person]) == {}
        await at.tell(confirmed(person))
        assert await at.states(person) == ["waiting_contact"]


async def test_preferences_chosen_at_the_moment_of_an_erasure_do_not_stay(mongo: str) -> None:
    people = [fresh() for _ in range(30)]
    async with desk(mongo) as at:
        await asyncio.gather(
            *[at.tell(erased(person)) for person in people],
            *[at.contacts.choose(person, Preferences(email=False)) for person in people],
            return_exceptions=True,
        )
        assert await at.database["preferences"].count_documents({}) == 0


async def test_messages_are_forgotten_in_the_end_and_the_others_stay(mongo: str) -> None:
    people = [fresh() for _ in range(3)]
    async with desk(mongo) as at:
        await at.tell(*[event for person in people for event in everything(person)])
        old = clock.now() - KEPT - timedelta(days=1)
        await at.database["messages"].update_many(
            {"participant_id": people[0]}, {"$set": {"created_at": old}}
        )
        upkeep = Upkeep(at.store, at.queue)
        assert await upkeep.turn() > 0
        assert await at.messages(people[0], "inbox") == await at.messages(people[0]) == []
        assert [len(await at.messages(person, "inbox")) for person in people[1:]] == [9, 9]


def gauge(name: str) -> float:
    value = REGISTRY.get_sample_value(name)
    assert value is not None
    return value


async def test_the_queue_of_mails_is_measured(mongo: str) -> None:
    people = [fresh() for _ in range(3)]
    async with desk(mongo) as at:
        upkeep = Upkeep(at.store, at.queue)
        await upkeep.turn()
        assert (gauge("kepu_mails_due"), gauge("kepu_mails_oldest_age_seconds")) == (0, 0)
        await at.tell(*known(*people), *[confirmed(person) for person in people])
        long_ago = clock.now() - timedelta(hours=1)
        await at.database["messages"].update_one({"channel": "email"}, {"$set": {"due_at": long_ago}})
        await upkeep.turn()
        assert gauge("kepu_mails_due") == 3
        assert gauge("kepu_mails_oldest_age_seconds") >= 3_600


async def test_forgetting_walks_over_all_messages_slice_by_slice(mongo: str) -> None:
    async with desk(mongo) as at:
        old = clock.now() - KEPT - timedelta(days=1)
        await at.database["messages"].insert_many(
            [{"_id": f"m{n:05}", "created_at": old} for n in range(2_500)]
        )
        left, after = [], ""
        for _ in range(3):
            after = await at.store.forget(after, clock.now()) or ""
            left.append(await at.database["messages"].count_documents({}))
    assert (left, after) == ([1_500, 500, 0], "")


async def test_destroyed_keys_and_counts_of_mails_have_an_end(mongo: str) -> None:
    async with desk(mongo) as at:
        await DailyCap(at.database, "secret").prepare()
        for name in ("contact_keys", "mail_counts"):
            indexes = (await at.database[name].index_information()).values()
            assert any("expireAfterSeconds" in index for index in indexes), name


@pytest.mark.parametrize("id_", ["two\u2028lines", " ", "x ", "\u202eabc", "\x07"])
async def test_an_event_id_that_no_event_of_ours_can_name_is_rejected_alone(mongo: str, id_: str) -> None:
    person = fresh()
    good, bad = enclosed(confirmed(person)), enclosed(confirmed(person))
    context = structs.replace(bad.context, id=id_)
    async with desk(mongo) as at:
        batch = batch_of(good, Envelope(context, bad.event))
        assert len(await at._handle(batch)) == 1
        assert [dead.why.code for dead in batch.rejected] == ["bad_header"]


async def test_who_is_erased_between_the_two_looks_is_left_nothing_to_read(mongo: str) -> None:
    people = [fresh() for _ in range(60)]
    async with desk(mongo) as at:
        await at.tell(*known(*people[:40]))
        await asyncio.gather(
            *[at.tell(*everything(person)) for person in people],
            *[at.tell(erased(person)) for person in people],
        )
        stored = await at.database["messages"].find({}).to_list(None)
        assert len(stored) == 17 * len(people)
        assert not [document["_id"] for document in stored if "facts" in document]
        assert {document["state"] for document in stored if document["channel"] == "email"} == {"cancelled"}


async def test_an_inbox_is_found_by_its_ids_and_no_others(mongo: str) -> None:
    people = [fresh() for _ in range(30)]
    async with desk(mongo) as at:
        await at.tell(*[event for person in people for event in everything(person)])
        for person in people:
            inbox = await at.store.inbox(person, None, 100)
            assert len(inbox) == await at.store.unread(person) == 9
            assert {one.message.participant_id for one in inbox} == {person}


async def test_a_request_goes_to_the_channels_asked_for_alone(mongo: str) -> None:
    person = fresh()
    async with desk(mongo) as at:
        await at.tell(*known(person), requested(person, channels=("email",)))
        assert await at.messages(person, "inbox") == []
        assert await at.states(person) == ["pending"]
        assert await at.tell(requested(person, channels=("inbox",))) != []
        assert len(await at.messages(person)) == 1


async def test_an_event_that_cannot_be_reported_on_is_rejected_alone(mongo: str) -> None:
    person = fresh()
    good, bad = enclosed(confirmed(person)), enclosed(confirmed(person))
    context = bad.context.__class__(
        "x" * 300, bad.context.source, bad.context.type, bad.context.time, person, bad.context.correlation_id
    )
    async with desk(mongo) as at:
        batch = batch_of(good, Envelope(context, bad.event))
        following = await at._handle(batch)
        assert len(following) == 1
        assert [dead.why.code for dead in batch.rejected] == ["bad_header"]
        assert len(await at.messages(person)) == 1


async def test_a_mail_whose_recipient_never_joins_fails_in_the_end_and_is_told_of(mongo: str) -> None:
    person = fresh()
    async with desk(mongo, Patience(waiting_max=timedelta(days=3))) as at:
        await at.tell(confirmed(person))
        now = clock.now()
        assert await at.queue.give_up(now + timedelta(days=2)) == 0
        assert await at.queue.give_up(now + timedelta(days=4)) == 1
        [document] = await at.messages(person)
        assert (document["state"], document["code"]) == ("failed", "contact_unknown")
        [told] = await at.told(NotificationFailed.topic)
        assert NotificationFailed.model_validate_json(told).code == "contact_unknown"
        assert await at.queue.give_up(now + timedelta(days=4)) == 0


@pytest.mark.parametrize("torn", [{"cause": ""}, {"attempts": ""}, {"kind": ""}])
async def test_a_torn_message_whose_time_is_over_fails_alone_and_the_others_are_told_of(
    mongo: str, torn: dict[str, str]
) -> None:
    broken, fine = fresh(), fresh()
    async with desk(mongo) as at:
        await at.tell(confirmed(broken), confirmed(fine))
        await at.database["messages"].update_one(
            {"participant_id": broken, "channel": "email"}, {"$unset": torn}
        )
        before = _unreadable_messages()
        later = clock.now() + timedelta(days=30)
        assert await at.queue.give_up(later) == 2
        assert await at.queue.give_up(later) == 0
        codes = [(await at.messages(person))[0]["code"] for person in (broken, fine)]
        [told] = await at.told(NotificationFailed.topic)
    assert codes == ["message_unreadable", "contact_unknown"]
    assert NotificationFailed.model_validate_json(told).participant_id == fine
    assert _unreadable_messages() == before + 1


def _unreadable_messages() -> float:
    labels = {"loop": "courier", "code": "message_unreadable"}
    return REGISTRY.get_sample_value("kepu_loop_items_failed_total", labels) or 0.0


async def test_nothing_stored_beside_the_locked_contact_tells_who_somebody_is_or_opens_a_ticket(
    mongo: str,
) -> None:
    person = fresh()
    async with desk(mongo) as at:
        await at.tell(*known(person), *everything(person))
        everything_stored = [
            str(document)
            for name in await at.database.list_collection_names()
            async for document in at.database[name].find()
        ]
    assert not [
        text for text in everything_stored if NAME in text or address_of(person) in text or TICKET in text
    ]


async def test_a_thousand_events_take_a_few_bulk_operations(mongo: str) -> None:
    people = [fresh() for _ in range(500)]
    async with desk(mongo) as at:
        await at.tell(*known(*people))
        batch = [enclosed(event) for person in people for event in (completed(person), confirmed(person))]
        started = time.perf_counter()
        following = await at.tell(*batch)
        spent_seconds = time.perf_counter() - started
        assert len(following) == 1_000
        assert await at.database["messages"].count_documents({}) == 1_500
    # One write each would take several times as long.
    assert spent_seconds < 2
