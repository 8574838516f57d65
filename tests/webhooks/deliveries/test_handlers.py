"""What is stored for whom, over a real database."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from services.webhooks.deliveries import rules
from shared.runtime import clock
from shared.runtime.errors import Conflict
from tests.support.service import enclosed, new_id
from tests.webhooks.builders import Post, cancelled, checked_in, erased, issued, post_office
from tests.webhooks.receiver import receiving

pytestmark = pytest.mark.stack
URL = "https://museum.example.org/events"


@pytest.fixture
async def post(mongo: str) -> AsyncIterator[Post]:
    async with post_office(mongo) as found:
        yield found


async def test_each_endpoint_gets_what_it_asked_for_and_a_repeat_adds_nothing(post: Post) -> None:
    museum = await post.put("museum", URL, "kepu.award.issued.v1")
    school = await post.put("school", URL, "kepu.award.issued.v1", "kepu.session.cancelled.v1")
    happened = [enclosed(one) for one in (issued("wang"), checked_in("wang"), cancelled())]
    for _ in range(2):
        await post.handle(*happened)
    stored = await post.database["deliveries"].find({}).to_list(None)
    assert sorted((one["endpoint"], one["type"]) for one in stored) == sorted(
        [
            (museum.key, "kepu.award.issued.v1"),
            (school.key, "kepu.award.issued.v1"),
            (school.key, "kepu.session.cancelled.v1"),
        ]
    )
    # All deliveries of an event share its body, and its id.
    assert await post.database["bodies"].count_documents({}) == 2
    assert len({one["message_id"] for one in stored}) == 2


async def test_a_repeat_sends_nothing_again(post: Post) -> None:
    async with receiving() as partner:
        await post.put("museum", partner.url)
        happened = enclosed(checked_in("wang"))
        await post.handle(happened)
        await post.send()
        await post.handle(happened)
        await post.send()
        assert len(partner.got) == 1


async def test_the_same_id_of_another_source_is_another_event(post: Post) -> None:
    import msgspec

    await post.put("museum", URL)
    one = enclosed(checked_in("wang"))
    other = msgspec.structs.replace(one, context=msgspec.structs.replace(one.context, source="kepu/other"))
    await post.handle(one, other)
    assert await post.states() == {"pending": 2}


async def test_what_is_stored_about_the_erased_goes_and_the_partner_hears_of_it(post: Post) -> None:
    async with receiving() as partner:
        await post.put("museum", partner.url)
        await post.handle(checked_in("wang"), issued("wang"), checked_in("li"), cancelled())
        await post.handle(erased("wang"))
        # What comes late is not stored any more.
        await post.handle(issued("wang"))
        bodies = await post.database["bodies"].find({"participant_id": "wang"}).to_list(None)
        assert [one["type"] for one in bodies] == ["kepu.participant.erased.v1"]
        for _ in range(3):
            await post.send()
        assert await post.states() == {"cancelled": 2, "delivered": 2}
        told = b"".join(one.body for one in partner.got)
        assert told.count(b"wang") == 2  # The subject and the data of the erasure.
        assert b"li" in told


async def test_what_a_dead_process_has_stored_about_the_erased_goes_when_its_batch_comes_again(
    post: Post,
) -> None:
    await post.put("museum", URL)
    batch = [enclosed(issued("wang")), enclosed(checked_in("zhao"))]
    await post.handle(*batch)
    # Another process has forgotten "wang" just before these bodies came, and this one dies here.
    await post.database["erased"].insert_one({"_id": "wang", "at": clock.now()})
    await post.handle(*batch)
    [kept] = await post.database["bodies"].find({}).to_list(None)
    assert kept["participant_id"] == "zhao"


async def test_an_erasure_in_the_same_batch_counts_whatever_its_place(post: Post) -> None:
    await post.put("museum", URL)
    await post.handle(issued("wang"), erased("wang"))
    await post.handle(issued("wang"), erased("wang"))
    bodies = await post.database["bodies"].find({}).to_list(None)
    assert {one["type"] for one in bodies} == {"kepu.participant.erased.v1"}


async def test_an_endpoint_that_fails_with_a_full_backlog_is_disabled_and_says_what_it_misses(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "BACKLOG_MAX", 3)
    museum = await post.put("museum", URL)
    await post.endpoints.note_failed(museum.key, clock.now())
    await post.put("school", URL, "kepu.session.cancelled.v1")
    await post.handle(*[checked_in(new_id()) for _ in range(5)], cancelled())
    found = await post.endpoints.get("museum")
    assert found.disabled == "backlog_full"
    assert found.missed_from is not None
    assert found.missed_until is not None
    assert (await post.deliveries.open_of([found.key]))[found.key] == 3
    assert (await post.endpoints.get("school")).disabled is None


async def test_an_endpoint_that_is_enabled_with_a_full_backlog_stays_enabled(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "BACKLOG_MAX", 3)
    museum = await post.put("museum", URL)
    await post.endpoints.note_failed(museum.key, clock.now())
    await post.handle(*[checked_in(new_id()) for _ in range(5)])
    await post.endpoints.enable(museum.key)
    # Before the sender has taken the first of those that wait.
    await post.handle(checked_in(new_id()))
    assert (await post.endpoints.get("museum")).disabled is None


async def test_a_repeated_batch_needs_no_room_for_what_is_stored(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "BACKLOG_MAX", 3)
    await post.put("museum", URL)
    batch = [enclosed(checked_in(new_id())) for _ in range(3)]
    for _ in range(2):
        await post.handle(*batch)
    found = await post.endpoints.get("museum")
    assert (found.disabled, found.missed_from) == (None, None)


async def test_an_endpoint_that_is_deleted_and_put_again_gets_nothing_of_before(post: Post) -> None:
    async with receiving() as partner:
        await post.put("museum", partner.url)
        await post.handle(checked_in("wang"))
        await post.endpoints.delete("museum")
        await post.put("museum", partner.url)
        await post.send()
        assert partner.got == []


async def test_a_replay_sends_what_is_finished_of_a_time_again_with_the_same_ids(post: Post) -> None:
    async with receiving() as partner:
        museum = await post.put("museum", partner.url)
        await post.handle(*[checked_in(new_id()) for _ in range(4)])
        await post.send()
        before = partner.ids()
        now = clock.now()
        hour = timedelta(hours=1)
        assert await post.deliveries.replay(museum.key, now - 2 * hour, now - hour, rules.FINISHED, now) == 0
        assert await post.deliveries.replay(museum.key, now - hour, now + hour, ["failed"], now) == 0
        assert await post.deliveries.replay(museum.key, now - hour, now + hour, rules.FINISHED, now) == 4
        await post.make_due()
        await post.send()
        assert sorted(partner.ids()) == sorted(before * 2)


async def test_what_is_gone_by_an_erasure_cannot_be_sent_again(post: Post) -> None:
    museum = await post.put("museum", URL)
    await post.handle(issued("wang"))
    await post.handle(erased("wang"))
    [delivery] = [
        one
        for one in await post.deliveries.page(museum.key, ["pending"], None, 10)
        if one.type == "kepu.award.issued.v1"
    ]
    with pytest.raises(Conflict) as refused:
        await post.deliveries.send_again(museum.key, delivery.message_id, clock.now())
    assert refused.value.code == "body_gone"


async def test_no_replay_is_larger_than_the_room_that_is_left(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    from services.webhooks.deliveries import store

    museum = await post.put("museum", URL)
    await post.handle(*[checked_in(new_id()) for _ in range(3)])
    everything: dict[str, object] = {"state": "delivered"}
    await post.database["deliveries"].update_many({}, {"$set": everything, "$unset": {"due_at": ""}})
    await post.handle(*[checked_in(new_id()) for _ in range(2)])
    now = clock.now()
    period = now - timedelta(hours=1), now + timedelta(hours=1)
    for name, most, code in (("REPLAY_MAX", 2, "replay_too_large"), ("BACKLOG_MAX", 4, "backlog_full")):
        with monkeypatch.context() as patched:
            patched.setattr(store, name, most)
            with pytest.raises(Conflict) as refused:
                await post.deliveries.replay(museum.key, *period, rules.FINISHED, now)
            assert refused.value.code == code
