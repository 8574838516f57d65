"""What a page, a count and an erasure read of an inbox with 50,000 messages, by the server's own account."""

import asyncio
from functools import partial

import pytest

from services.notifications.contacts.decryptor import Decryptor
from services.notifications.inbox.read import InboxReader
from services.notifications.inbox.store import UNREAD_AMONG
from services.notifications.messages.erasures import SLICE_MESSAGES
from services.notifications.messages.finish import UnfinishedErasures
from services.notifications.texts.render import Texts
from shared.runtime import clock
from tests.notifications.builders import Desk, confirmed, desk, erased, known
from tests.notifications.inbox.large import LARGE, fill, profiled
from tests.support.service import new_id

pytestmark = pytest.mark.stack

PAGE_MESSAGES = 50


async def test_a_page_and_a_count_of_a_large_inbox_read_no_more_than_they_show(mongo: str) -> None:
    person = new_id()
    async with desk(mongo) as at:
        await fill(at, person)
        oldest, half = clock.now().replace(year=2000), LARGE // 2
        middle = await at.database["messages"].find({}).sort("created_at", 1).skip(half).limit(1).to_list(1)
        places = [None, (middle[0]["created_at"], middle[0]["_id"]), (oldest, "z")]
        for place, shown in zip(places, (PAGE_MESSAGES, PAGE_MESSAGES, 0), strict=True):
            read = partial(at.inboxes.page, person, place, PAGE_MESSAGES)
            [page] = await profiled(at.database, read)
            assert page["nreturned"] == shown
            # A page may also read the message that the page before ended with.
            assert page["docsExamined"] <= shown + 1
            assert not page.get("hasSortStage")
        [count] = await profiled(at.database, lambda: at.inboxes.unread(person))
        assert count["docsExamined"] == UNREAD_AMONG
        assert count["keysExamined"] <= UNREAD_AMONG + 1
        assert not count.get("hasSortStage")


async def test_unread_messages_are_counted_exactly_among_the_newest_thousand(mongo: str) -> None:
    person = new_id()
    async with desk(mongo) as at:
        assert await at.inboxes.unread(person) == 0
        await fill(at, person, UNREAD_AMONG)
        newest = await at.inboxes.page(person, None, 3)
        for one in newest:
            await at.inboxes.mark_read(person, one.message.message_id, clock.now())
        assert await at.inboxes.unread(person) == UNREAD_AMONG - 3
        # A newer message puts the oldest one out of the thousand.
        await at.handle(*known(person), confirmed(person))
        assert await at.inboxes.unread(person) == UNREAD_AMONG - 3


async def _all_erased(at: Desk, participant_id: str) -> int:
    """Erase the rest in the background; returns the number of chunks."""
    rest, chunks = UnfinishedErasures(at.erasures), 1
    while await rest.go_on(participant_id):
        chunks += 1
    return chunks


async def test_an_erasure_of_a_large_inbox_goes_in_steps_and_nothing_is_shown_meanwhile(mongo: str) -> None:
    gone, other = new_id(), new_id()
    async with desk(mongo) as at:
        await at.handle(*known(gone, other), confirmed(gone))
        await fill(at, gone)
        reader = InboxReader(at.contacts, at.inboxes, Texts({"zh-CN": "…", "en": "…"}), Decryptor(None))
        assert len((await reader.read(gone, None, None, PAGE_MESSAGES)).messages) == PAGE_MESSAGES
        done = await profiled(at.database, lambda: at.handle(erased(gone), confirmed(other)))
        assert max(one.get("docsExamined", 0) for one in done) <= SLICE_MESSAGES
        assert sum(one.get("nModified", 0) for one in done) <= SLICE_MESSAGES + 1
        assert await at.database["messages"].count_documents({"facts": {"$exists": True}}) > LARGE // 2
        assert (await reader.read(gone, None, None, PAGE_MESSAGES)).messages == []
        assert await reader.unread(gone) == 0
        assert len((await reader.read(other, None, None, PAGE_MESSAGES)).messages) == 1
        assert await at.erasures.pending("", 9) == [gone]
        [chunk, *_] = await profiled(at.database, lambda: at.erasures.go_on(gone, clock.now()))
        assert chunk["docsExamined"] <= SLICE_MESSAGES
        # Two processes at once, and a repeat of the event, leave nothing either.
        await asyncio.gather(_all_erased(at, gone), _all_erased(at, gone))
        await at.handle(erased(gone), confirmed(gone))
        assert await _all_erased(at, gone) > LARGE // SLICE_MESSAGES
        assert await at.erasures.pending("", 9) == []
        left = at.database["messages"].find({"facts": {"$exists": True}}, {"participant_id": 1})
        assert {one["participant_id"] for one in await left.to_list(None)} == {other}
        assert set(await at.states(gone)) == {"cancelled"}
