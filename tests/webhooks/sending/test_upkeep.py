"""What Prometheus sees of endpoints, over a real database."""

from datetime import timedelta

import pytest

from services.webhooks.sending.upkeep import Upkeep
from shared.runtime import clock, metrics
from shared.runtime.declared import Family
from tests.support.service import new_id
from tests.webhooks.builders import checked_in, post_office

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
