"""Proposing or conferring on recipients whom an organiser names: `POST /schemes/{scheme_id}/conferrals`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from msgspec.structs import replace

from services.awards.issued.codes import award_id
from services.awards.issuing.issue import Issuer
from services.awards.issuing.rules import PlannedAward, due_by_conferral
from services.awards.known.rules import check_recipient
from services.awards.known.store import KnownStore
from services.awards.known.wait import KNOWN_WAIT_SECONDS, wait_until_known
from services.awards.proposals.rules import Proposal, changed, next_version, terms_of, work_at
from services.awards.proposals.store import NoticeStore, ProposalStore
from services.awards.schemes.rules import Scheme
from services.awards.schemes.store import SchemeStore
from shared.runtime import clock
from shared.runtime.errors import Rejected
from shared.storage.unit_of_work import UnitOfWork, save_together

# In one transaction.
CONFERRED_AT_ONCE_MAX = 500

What = Literal["issued", "proposed", "existing", "refused"]


@dataclass(frozen=True, slots=True)
class Named:
    """A recipient whom an organiser names."""

    recipient_id: str
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Conferred:
    """
    What became of one recipient.

    Attributes:
        award_id: of the award, or of the one that is proposed.
        refusal: why not; None: not refused.
    """

    recipient_id: str
    award_id: str
    what: What
    refusal: Rejected | None = None


class Conferring:
    """Confers on many recipients at once, or proposes them if the scheme issues after a notice."""

    def __init__(
        self,
        schemes: SchemeStore,
        known: KnownStore,
        issuer: Issuer,
        notices: NoticeStore,
        proposals: ProposalStore,
        *,
        wait_seconds: float = KNOWN_WAIT_SECONDS,
    ) -> None:
        self._schemes = schemes
        self._known = known
        self._issuer = issuer
        self._notices = notices
        self._proposals = proposals
        self._wait_seconds = wait_seconds

    async def confer(self, scheme_id: str, named: Sequence[Named], *, allow_unknown: bool) -> list[Conferred]:
        """
        Confer on these recipients, or propose them; returns what became of each, in their order.

        Args:
            allow_unknown: also whom awards does not know yet, such as groups that join later.
        Raises:
            NotFound: there is no such scheme.
            Rejected: nobody confers its awards.
        """
        scheme = await self._schemes.get(scheme_id)
        planned = {
            award_id(scheme_id, one.recipient_id): due_by_conferral(scheme, one.recipient_id, one.note)
            for one in named
        }
        ids = [one.recipient_id for one in planned.values()]

        async def are_known() -> bool:
            return allow_unknown or not await self._known.unknown(ids)

        await wait_until_known(are_known, self._wait_seconds)
        refused = await self._refused(ids, allow_unknown=allow_unknown)
        left = [id_ for id_, one in planned.items() if one.recipient_id not in refused]
        if left:
            await self._issuer.make_rules_final([scheme])
        new: set[str] = set()
        give = self._propose if scheme.notice else self._issue
        for start in range(0, len(left), CONFERRED_AT_ONCE_MAX):
            new |= await give(
                scheme, {id_: planned[id_] for id_ in left[start : start + CONFERRED_AT_ONCE_MAX]}
            )
        done: What = "proposed" if scheme.notice else "issued"
        found: list[Conferred] = []
        for one in named:
            id_, why = award_id(scheme_id, one.recipient_id), refused.get(one.recipient_id)
            what: What = "refused" if why else done if id_ in new else "existing"
            found.append(Conferred(one.recipient_id, id_, what, why))
        return found

    async def _refused(self, ids: Sequence[str], *, allow_unknown: bool) -> dict[str, Rejected]:
        unknown = set() if allow_unknown else await self._known.unknown(ids)
        erased = await self._known.erased(ids)
        refused: dict[str, Rejected] = {}
        for id_ in ids:
            try:
                check_recipient(id_, known=id_ not in unknown, erased=id_ in erased)
            except Rejected as why:
                refused[id_] = why
        return refused

    async def _issue(self, scheme: Scheme, due: Mapping[str, PlannedAward]) -> set[str]:
        return await self._issuer.issue_named(dict(due))

    async def _propose(self, scheme: Scheme, due: Mapping[str, PlannedAward]) -> set[str]:
        """Add proposals; returns the ids of the new ones."""
        now, terms = clock.now(), terms_of(scheme)

        async def work(unit: UnitOfWork) -> set[str]:
            erased = await self._known.lock_recipients(unit, [one.recipient_id for one in due.values()])
            there = await self._proposals.find(due, unit)
            notice = await self._notices.get(scheme.scheme_id, unit)
            # A version of its own. No round is lost: results do not decide here.
            alone = replace(notice, round=None)
            new = [
                _named(id_, one, next_version(alone))
                for id_, one in due.items()
                if id_ not in there and one.recipient_id not in erased
            ]
            if new:
                after = changed(alone, terms, now, adds=True)
                await self._notices.change(unit, notice, after, work_at(after, terms))
                await self._proposals.put(unit, new, {one.proposal_id for one in new})
            return {one.proposal_id for one in new}

        return await save_together(self._notices.database, work)


def _named(id_: str, due: PlannedAward, since: int) -> Proposal:
    return Proposal(
        id_, due.scheme.scheme_id, due.recipient_id, due.cause, due.tier, since, note=due.note, named=True
    )
