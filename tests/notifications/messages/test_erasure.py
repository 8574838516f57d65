"""Erasures on the real database: nothing personal is left, in any order of events."""

import asyncio
import itertools

import pytest

from services.notifications.contacts.rules import Preferences
from tests.notifications.builders import (
    NAME,
    TICKET,
    address_of,
    confirmed,
    desk,
    erased,
    everything,
    joined,
    keyed,
    known,
    messages_of_everything,
)
from tests.support.service import new_id

pytestmark = pytest.mark.stack


async def test_erasure_deletes_the_contact_and_what_messages_say_and_cancels_the_rest(mongo: str) -> None:
    person, other = new_id(), new_id()
    async with desk(mongo) as at:
        await at.handle(*known(person), *known(other), *everything(person), confirmed(other))
        await at.handle(erased(person))
        documents = await at.messages(person) + await at.messages(person, "inbox")
        assert {document["state"] for document in await at.messages(person)} == {"cancelled"}
        assert not any("facts" in document or "due_at" in document for document in documents)
        assert "contact_sealed" not in (await at.database["contacts"].find_one({"_id": person}) or {})
        assert await at.inboxes.page(person, None, 100) == []
        assert await at.states(other) == ["pending"]


async def test_whoever_is_erased_stays_erased_whatever_comes_later(mongo: str) -> None:
    person = new_id()
    async with desk(mongo) as at:
        await at.handle(erased(person), *known(person))
        # Not even under a higher version.
        following = await at.handle(joined(person, version=9), keyed(person, version=9), *everything(person))
        assert following == []
        assert set(await at.states(person)) == {"cancelled"}
        assert (await at.contacts.recipients([person]))[person].contact_sealed is None
        assert not any("facts" in document for document in await at.messages(person, "inbox"))


ORDERS = list(itertools.permutations(["joined", "keyed", "erased"]))


@pytest.mark.parametrize("order", ORDERS, ids="-".join)
async def test_joined_keyed_and_erased_in_any_order_leave_no_key_and_tell_nothing(
    mongo: str, order: tuple[str, ...]
) -> None:
    person = new_id()
    events = {"joined": joined(person), "keyed": keyed(person), "erased": erased(person)}
    async with desk(mongo) as at:
        for name in order:
            await at.handle(events[name])
        # A zombie or a replay says it all again.
        await at.handle(*[events[name] for name in reversed(order)])
        assert await at.handle(*everything(person)) == []
        assert set(await at.states(person)) == {"cancelled"}
        assert await at.contacts.keys([person]) == {}
        stored = [await at.database[name].find_one({"_id": person}) for name in ("contacts", "contact_keys")]
        assert [set(document or {}) for document in stored] == [
            {"_id", "version", "erased_at"},
            {"_id", "destroyed_at"},
        ]


async def test_preferences_chosen_at_the_moment_of_an_erasure_do_not_stay(mongo: str) -> None:
    people = [new_id() for _ in range(30)]
    async with desk(mongo) as at:
        await asyncio.gather(
            *[at.handle(erased(person)) for person in people],
            *[at.contacts.choose(person, Preferences(email=False), issued_at=0) for person in people],
            return_exceptions=True,
        )
        assert await at.database["preferences"].count_documents({}) == 0


async def test_who_is_erased_between_the_two_looks_is_left_nothing_to_read(mongo: str) -> None:
    people = [new_id() for _ in range(60)]
    async with desk(mongo) as at:
        await at.handle(*known(*people[:40]))
        await asyncio.gather(
            *[at.handle(*everything(person)) for person in people],
            *[at.handle(erased(person)) for person in people],
        )
        stored = await at.database["messages"].find({}).to_list(None)
        assert len(stored) == messages_of_everything() * len(people)
        assert not [document["_id"] for document in stored if "facts" in document]
        assert {document["state"] for document in stored if document["channel"] == "email"} == {"cancelled"}


async def test_nothing_stored_beside_the_locked_contact_tells_who_somebody_is_or_opens_a_ticket(
    mongo: str,
) -> None:
    person = new_id()
    async with desk(mongo) as at:
        await at.handle(*known(person), *everything(person))
        everything_stored = [
            str(document)
            for name in await at.database.list_collection_names()
            async for document in at.database[name].find()
        ]
    assert not [
        text for text in everything_stored if NAME in text or address_of(person) in text or TICKET in text
    ]
