"""Forgetting results that nobody needs any more."""

import logging

from services.awards.results.rules import RESULTS_KEPT
from services.awards.results.store import ResultStore
from shared.runtime import clock
from shared.runtime.background import Loop

log = logging.getLogger(__name__)

UPKEEP_SECONDS = 3_600.0


def upkeep(results: ResultStore) -> Loop:
    """Forgets old results again and again. Several processes may run it at once."""
    return Loop("upkeep", lambda: forget_old(results))


async def forget_old(results: ResultStore) -> float:
    """Remove results that are older than `RESULTS_KEPT`; returns the seconds to rest."""
    if forgotten := await results.forget_before(clock.now() - RESULTS_KEPT):
        log.info("old results removed", extra={"results": forgotten})
    return UPKEEP_SECONDS
