"""
What awards forgets of erased people: organisers' texts at once, and at last that they were erased.

Their awards stay, under pseudonymous ids.
"""

import logging
from collections.abc import Collection
from datetime import datetime

from services.awards.issued.store import AwardStore
from services.awards.known.store import KnownStore
from services.awards.results.decisions import DecisionStore
from services.awards.results.store import ResultStore
from services.awards.schemes.store import SchemeStore
from shared.contracts.topics import TOMBSTONES_KEPT
from shared.runtime import clock
from shared.runtime.background import Loop

log = logging.getLogger(__name__)

FORGET_SECONDS = 86_400.0
# Erased people of one query. With a hundred schemes, the query has 20,000 ids of awards.
FORGOTTEN_MAX = 200


async def forget_words(
    recipient_ids: Collection[str], awards: AwardStore, schemes: SchemeStore, decisions: DecisionStore
) -> None:
    """
    Remove organisers' words, notes and reasons, from all awards of these recipients, and what was decided
    about them.
    """
    await decisions.forget(recipient_ids)
    await awards.remove_words(recipient_ids, await schemes.ids())


class Forgetting:
    """
    Forgets who was erased, once no older event about them can come. Several processes may do it at once.

    An erased person who has an award, or is listed in final standings, is not forgotten. Awards and standings
    are stored for ever: a later scheme must not give this person an award, and an award must not show the
    person again. So no more erased ids are kept than awards and standings name.
    """

    def __init__(
        self, known: KnownStore, results: ResultStore, schemes: SchemeStore, awards: AwardStore
    ) -> None:
        self._known = known
        self._results = results
        self._schemes = schemes
        self._awards = awards
        self.loop = Loop("forgetting", self.turn)

    async def forget_before(self, moment: datetime) -> int:
        """Forget who was erased before this moment; returns their number."""
        schemes = await self._schemes.ids()
        forgotten, after = 0, ""
        while some := await self._known.erased_before(moment, after, FORGOTTEN_MAX):
            after = some[-1]
            named = await self._awards.recipients_among(some, schemes)
            named |= await self._results.listed_among(some)
            await self._known.forget(set(some) - named)
            forgotten += len(set(some) - named)
        return forgotten

    async def turn(self) -> float:
        """Forget who was erased long ago; returns the seconds to rest."""
        if forgotten := await self.forget_before(clock.now() - TOMBSTONES_KEPT):
            log.info("erased people forgotten", extra={"participants": forgotten})
        return FORGET_SECONDS
