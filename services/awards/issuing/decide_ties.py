"""
Decide ties at the end of the listed standings, in the background.

Whoever shares the rank of the last listed standing is found among the results. Awards may not have all of
them yet when the closing comes, so the work is tried again until it has
(docs/decisions/0073-ties-decide-themselves.md).
"""

import logging
from datetime import timedelta

from msgspec.structs import replace

from services.awards.issuing.apply import apply_scheme
from services.awards.issuing.issue import Issuer
from services.awards.issuing.outdated import Outdated
from services.awards.issuing.places import Places
from services.awards.issuing.rules import all_results_are_there
from services.awards.issuing.state import is_undecided
from services.awards.known.store import KnownStore
from services.awards.results.store import ResultStore
from services.awards.schemes.store import SchemeStore, Tie, TieStore
from shared.runtime import clock
from shared.runtime.backlog import Backlog

log = logging.getLogger(__name__)

LOOP = "ties"
# After a try that found too few results; doubled with each one.
TIE_AGAIN = timedelta(seconds=5)
TIE_AGAIN_MAX = timedelta(hours=1)
# Some four days. After that an organiser may still apply the scheme.
TIE_TRIES_MAX = 100


class TieDecider:
    """Applies schemes whose list ends within a tie."""

    def __init__(
        self,
        ties: TieStore,
        schemes: SchemeStore,
        results: ResultStore,
        issuer: Issuer,
        outdated: Outdated,
        known: KnownStore,
        places: Places,
    ) -> None:
        self._ties = ties
        self._schemes = schemes
        self._results = results
        self._issuer = issuer
        self._outdated = outdated
        self._known = known
        self._places = places
        self.loop = Backlog(LOOP, self.pending, self.go_on).loop

    async def pending(self, after: str, limit: int) -> list[str]:
        """The schemes whose tie is to be looked at now."""
        return await self._ties.due(clock.now(), after, limit)

    async def go_on(self, scheme_id: str) -> None:
        """Read the next results, or find that the tie is decided, or that it cannot be yet."""
        if (tie := await self._ties.read(scheme_id)) is None:
            return
        scheme = await self._schemes.get(scheme_id)
        closing = await self._results.closing(scheme.quiz_id) if scheme.quiz_id else None
        if closing is None or not await is_undecided(closing, scheme, self._schemes):
            await self._ties.go_on(scheme_id, tie, None)
            return
        # Of an earlier closing the place is of no use.
        after = tie.after if tie.version == closing.version else None
        uncounted = await self._outdated.uncounted(closing.quiz_id)
        participants = await self._results.participants_of(closing.quiz_id, uncounted)
        if not all_results_are_there(closing, participants):
            await self._wait(scheme_id, tie)
            return
        applied = await apply_scheme(
            scheme_id,
            after,
            schemes=self._schemes,
            results=self._results,
            issuer=self._issuer,
            outdated=self._outdated,
            known=self._known,
            places=self._places,
        )
        if applied.undecided:
            await self._wait(scheme_id, tie)
        elif applied.after is not None:
            further = replace(tie, version=closing.version, after=applied.after)
            await self._ties.go_on(scheme_id, tie, further)
        else:
            # The next look finds that it is decided, unless there is another closing by now.
            log.info("tie at the end of the list decided", extra={"scheme_id": scheme_id})

    async def _wait(self, scheme_id: str, tie: Tie) -> None:
        tries = tie.tries + 1
        if tries > TIE_TRIES_MAX:
            log.warning("tie not decided: results are missing", extra={"scheme_id": scheme_id})
            await self._ties.go_on(scheme_id, tie, None)
            return
        pause = min(TIE_AGAIN * 2 ** min(tie.tries, 20), TIE_AGAIN_MAX)
        again = replace(tie, at=clock.now() + pause, tries=tries, after=None)
        await self._ties.go_on(scheme_id, tie, again)
