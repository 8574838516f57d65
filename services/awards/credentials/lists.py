"""The status lists, made anew from the awards when the last one is some seconds old."""

import asyncio
import json
import time
from collections import OrderedDict
from dataclasses import dataclass

from services.awards.credentials.keys import IssuerKeys
from services.awards.credentials.rules import status_list_of
from services.awards.credentials.store import PlaceStore
from shared.credentials.verify import REVOCATION, SUPERSEDED
from shared.runtime import clock
from shared.runtime.errors import NotFound

# So old is a list at most when it is given. With TTL_MS of rules.py this bounds how long a revoked award
# verifies.
FRESH_SECONDS = 10.0
LISTS_KEPT_MAX = 16
PURPOSES = (REVOCATION, SUPERSEDED)


@dataclass(frozen=True, slots=True)
class _Made:
    texts: dict[str, str]
    until: float


class StatusLists:
    """Makes and signs lists. Requests for the same list wait for one computation."""

    def __init__(self, places: PlaceStore, fresh_seconds: float = FRESH_SECONDS) -> None:
        self._places = places
        self._fresh_seconds = fresh_seconds
        self._made: OrderedDict[int, _Made] = OrderedDict()
        self._turns = asyncio.Lock()

    async def read(self, number: int, purpose: str, keys: IssuerKeys) -> str:
        """
        A signed list.

        Raises:
            NotFound: there is no such list.
        """
        made = self._fresh(number)
        if made is None:
            async with self._turns:
                made = self._fresh(number) or await self._make(number, keys)
        return made.texts[purpose]

    def _fresh(self, number: int) -> _Made | None:
        made = self._made.get(number)
        return made if made is not None and time.monotonic() < made.until else None

    async def _make(self, number: int, keys: IssuerKeys) -> _Made:
        if not await self._places.has_list(number):
            raise NotFound(f"there is no status list {number}", code="status_list_unknown")
        # The age counts from before the database was read.
        until, now = time.monotonic() + self._fresh_seconds, clock.now()
        changed = await self._places.changed(number)
        texts = {}
        for purpose in PURPOSES:
            unsigned = status_list_of(keys.issuer, number, purpose, changed, now)
            texts[purpose] = json.dumps(
                keys.signer.with_proof(unsigned, keys.method, now), ensure_ascii=False
            )
            # Others have a turn.
            await asyncio.sleep(0)
        self._made[number] = made = _Made(texts, until)
        self._made.move_to_end(number)
        while len(self._made) > LISTS_KEPT_MAX:
            self._made.popitem(last=False)
        return made
