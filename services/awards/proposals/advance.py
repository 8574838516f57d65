"""
The next step of each notice, in the background: issue, find, tell, or confirm what is confirmed by itself.

Each step is one transaction, which also writes the notice, if nobody has changed it since it was read. So
several processes may work on one notice, and a process may be killed at any moment.
"""

from msgspec.structs import replace

from services.awards.proposals.find import Finder
from services.awards.proposals.rules import Notice, confirmed, terms_of, work_at
from services.awards.proposals.store import NoticeStore
from services.awards.proposals.tell import Teller
from services.awards.schemes.rules import Scheme
from services.awards.schemes.store import SchemeStore
from shared.runtime import clock
from shared.runtime.backlog import Backlog
from shared.runtime.errors import NotFound
from shared.storage.unit_of_work import UnitOfWork, save_together


class Advancing:
    """Takes the next step of each notice."""

    def __init__(self, notices: NoticeStore, schemes: SchemeStore, finder: Finder, teller: Teller) -> None:
        self._notices = notices
        self._schemes = schemes
        self._finder = finder
        self._teller = teller
        self.loop = Backlog("notices", self.pending, self.go_on).loop

    async def pending(self, after: str, limit: int) -> list[str]:
        """The schemes whose notices have a step to take."""
        return await self._notices.pending(clock.now(), after, limit)

    async def go_on(self, scheme_id: str) -> None:
        """Take one step. What is confirmed is issued before anything else is looked at."""
        notice = await self._notices.get(scheme_id)
        try:
            scheme = await self._schemes.get(scheme_id)
        except NotFound:
            # It was deleted: it had no proposals.
            await self._rest(notice)
            return
        if scheme.notice is None:
            await self._rest(notice)
        elif notice.telling is not None:
            await self._teller.tell(scheme, notice)
        elif notice.issuing is not None:
            await self._teller.issue(scheme, notice)
        elif notice.mark is not None:
            await self._finder.go_on(scheme, notice)
        elif work_at(notice, scheme.notice) is not None:
            await self._confirm(scheme, notice)

    async def _confirm(self, scheme: Scheme, notice: Notice) -> None:
        if notice.ends_at is not None and clock.now() >= notice.ends_at:
            await self._put(notice, confirmed(notice, notice.version, clock.now()), scheme)

    async def _rest(self, notice: Notice) -> None:
        await self._put(notice, replace(notice, mark=None, round=None, telling=None, issuing=None), None)

    async def _put(self, notice: Notice, after: Notice, scheme: Scheme | None) -> None:
        async def work(unit: UnitOfWork) -> None:
            at = work_at(after, terms_of(scheme)) if scheme else None
            await self._notices.change(unit, notice, after, at)

        await save_together(self._notices.database, work)
