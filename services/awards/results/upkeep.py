"""Background work: results that nobody needs any more are removed."""

import logging

from services.awards.results.rules import RESULTS_KEPT
from services.awards.results.store import ResultStore
from shared.runtime import clock
from shared.runtime.background import Loop

log = logging.getLogger(__name__)

UPKEEP_SECONDS = 3_600.0


class Upkeep:
    """Removes old results. Several processes may do it at once."""

    def __init__(self, results: ResultStore) -> None:
        self._results = results
        self.loop = Loop("upkeep", self.turn)

    async def turn(self) -> float:
        """Remove results that are older than `RESULTS_KEPT`; returns the seconds to rest."""
        if removed := await self._results.forget_before(clock.now() - RESULTS_KEPT):
            log.info("old results removed", extra={"results": removed})
        return UPKEEP_SECONDS
