"""What awards does by itself: it forgets results that nobody can need any more."""

import logging
from collections.abc import Awaitable, Callable

from services.awards.results.rules import RESULTS_KEPT
from services.awards.results.store import ResultStore
from shared.runtime import clock

log = logging.getLogger(__name__)

UPKEEP_SECONDS = 3_600.0


def upkeep(results: ResultStore) -> Callable[[], Awaitable[float]]:
    """The turn of a loop, for several processes at once too; returns the seconds to rest."""

    async def turn() -> float:
        if forgotten := await results.forget_before(clock.now() - RESULTS_KEPT):
            log.info("old results removed", extra={"results": forgotten})
        return UPKEEP_SECONDS

    return turn
