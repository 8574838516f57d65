"""What Prometheus sees of endpoints, over a real database."""

from datetime import timedelta

import pytest

from services.webhooks.deliveries.rules import ENDED_BEFORE, KEPT
from services.webhooks.sending.upkeep import Upkeep
from shared.runtime import clock, metrics
from shared.runtime.declared import Family
from tests.support.service import new_id
from tests.webhooks.builders import LONG_AGO, checked_in, post_office

pytestmark = pytest.mark.stack
URL = "https://museum.example.org/events"


def shown(gauge: Family, endpoint_id: str) -> float:  # type: ignore[type-arg]
    found: float = gauge.labels(endpoint_id)._value.get()
    return found


async def test_what_waits_fails_and_is_disabled_shows_by_endpoint(mongo: str) -> None:
    failing, off, gone = new_id(), new_id(), new_id()
    async with post_office(mongo) as post:
        keys = {name: (await post.put(name, URL)).key for name in (failing, off, gone)}
        await post.handle(checked_in("wang"))
        now = clock.now()
        for name in (failing, off):
            await post.endpoints.note_failed(keys[name], now - timedelta(hours=2))
        await post.endpoints.disable(keys[off], "by_organiser", now)
        await post.endpoints.disable(keys[gone], "gone", now)
        upkeep = Upkeep(post.endpoints, post.deliveries)
        await upkeep.turn()
        # What a disabled one misses counts as its own.
        assert all(metrics.WEBHOOKS.knows("endpoint", name) for name in (failing, off, gone))
        assert shown(metrics.WEBHOOKS_WAITING, failing) == 1
        assert shown(metrics.WEBHOOKS_FAILING, failing) >= 7_200
        # Whom an organiser has disabled on purpose needs nobody.
        assert shown(metrics.WEBHOOKS_FAILING, off) == 0
        assert shown(metrics.WEBHOOKS_DISABLED, off) == 0
        assert shown(metrics.WEBHOOKS_DISABLED, gone) == 1
        await post.endpoints.delete(gone)
        await upkeep.turn()
        assert shown(metrics.WEBHOOKS_DISABLED, gone) == 0


async def test_what_waits_until_it_is_deleted_is_missed(mongo: str) -> None:
    name = new_id()
    async with post_office(mongo) as post:
        key = (await post.put(name, URL)).key
        await post.endpoints.disable(key, "by_organiser", clock.now())
        await post.handle(*[checked_in(new_id()) for _ in range(3)])
        kept = [one async for one in post.database["deliveries"].find({})][:2]
        old = clock.now() - KEPT + ENDED_BEFORE / 2
        old = old.replace(microsecond=0)
        await post.database["deliveries"].update_many(
            {"_id": {"$in": [one["_id"] for one in kept]}}, {"$set": {"appended_at": old}}
        )
        upkeep = Upkeep(post.endpoints, post.deliveries)
        for _ in range(2):
            await upkeep.turn()
        found = await post.endpoints.get(name)
        assert (found.missed_from, found.missed_until) == (old, old)
        assert metrics.WEBHOOKS.labels(name, "missed")._value.get() == 2
        assert await post.states() == {"cancelled": 2, "pending": 1}


async def test_what_is_missed_after_the_endpoint_works_again_begins_a_new_time(mongo: str) -> None:
    name = new_id()
    first, second, third = (LONG_AGO + timedelta(days=days) for days in (1, 2, 3))
    async with post_office(mongo) as post:
        key = (await post.put(name, URL)).key
        upkeep = Upkeep(post.endpoints, post.deliveries)
        await post.endpoints.note_missed(key, first, first)
        await post.endpoints.disable(key, "backlog_full", clock.now())
        await upkeep.turn()
        # Nothing of it is over while the endpoint is disabled.
        await post.endpoints.note_missed(key, second, second)
        found = await post.endpoints.get(name)
        assert (found.missed_from, found.missed_until) == (first, second)
        await post.endpoints.enable(key)
        await upkeep.turn()
        # It still shows, until the endpoint misses events again.
        assert (await post.endpoints.get(name)).missed_from == first
        for _ in range(2):
            await post.endpoints.note_missed(key, third, third)
        found = await post.endpoints.get(name)
        assert (found.missed_from, found.missed_until) == (third, third)
