"""Reading where a scheme is in its life: the use case of `GET /schemes/{scheme_id}/status`."""

from services.awards.draws.store import DrawStore
from services.awards.issuing.rules import lots_of
from services.awards.issuing.state import is_undecided
from services.awards.known.store import KnownStore
from services.awards.life.rules import Facts, Status, status_of
from services.awards.proposals.store import NoticeStore
from services.awards.results.store import ResultStore
from services.awards.schemes.rules import Drawn, Scheme, Selected
from services.awards.schemes.store import SchemeStore
from services.awards.selections.rules import phase_of
from services.awards.selections.store import SelectionStore
from shared.runtime import clock


class Life:
    """Knows where schemes are in their life."""

    def __init__(
        self,
        schemes: SchemeStore,
        results: ResultStore,
        known: KnownStore,
        notices: NoticeStore,
        draws: DrawStore,
        selections: SelectionStore,
    ) -> None:
        self._schemes = schemes
        self._results = results
        self._known = known
        self._notices = notices
        self._draws = draws
        self._selections = selections

    async def of(self, scheme_id: str, *, drafts: bool) -> Status:
        """
        Where a scheme is in its life.

        Args:
            drafts: whoever asks may know of drafts.

        Raises:
            NotFound: there is no such scheme.
        """
        scheme = (await self._schemes.get_with_tag(scheme_id, drafts=drafts))[0]
        return status_of(scheme, await self._facts(scheme))

    async def _facts(self, scheme: Scheme) -> Facts:
        now, id_ = clock.now(), scheme.scheme_id
        if isinstance(scheme.rule, Drawn):
            kept = await self._draws.of_scheme(id_)
            return Facts(draw=kept.state, draw_works=kept.work) if kept else Facts()
        if isinstance(scheme.rule, Selected):
            found = await self._selections.by_scheme(id_)
            return Facts(phase=phase_of(*found, now) if found else None)
        in_use = (await self._schemes.marks(id_)).in_use
        notice = (await self._notices.get(id_)).status(now) if scheme.notice else "preparing"
        if scheme.quiz_id is None:
            return Facts(in_use=in_use, notice=notice)
        closing = await self._results.closing(scheme.quiz_id)
        undecided = closing is not None and (
            await is_undecided(closing, scheme, self._schemes) or bool(lots_of(closing, scheme))
        )
        return Facts(
            in_use=in_use,
            has_results=in_use or await self._results.has_some(scheme.quiz_id),
            closed=closing is not None,
            cancelled=bool(await self._known.cancelled([scheme.quiz_id])),
            undecided=undecided,
            notice=notice,
        )
