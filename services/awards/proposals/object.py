"""Objections to proposals: when one may object, against whom, and what an upheld objection does."""

from datetime import datetime

from msgspec.structs import replace

from services.awards.issued.codes import award_id
from services.awards.objections.object import Objections
from services.awards.objections.rules import Objection, Outcome, Subject, check_may_object, not_in_notice
from services.awards.proposals.rules import Notice, changed, left_out, next_version, terms_of, work_at
from services.awards.proposals.store import NoticeStore, ProposalStore
from services.awards.schemes.rules import AfterNotice, RankTiers, Scheme
from services.awards.schemes.store import SchemeStore
from shared.runtime import clock
from shared.runtime.ids import random_id
from shared.storage.unit_of_work import UnitOfWork


class Objecting:
    """Takes objections to proposals, and leaves out whom one is upheld against."""

    def __init__(
        self, schemes: SchemeStore, notices: NoticeStore, proposals: ProposalStore, objections: Objections
    ) -> None:
        self._schemes = schemes
        self._notices = notices
        self._proposals = proposals
        self._objections = objections

    async def make(
        self, scheme_id: str, recipient_id: str, words: str, objector_id: str | None
    ) -> tuple[Objection, bool]:
        """
        Object to a proposal: see `Objections.make`.

        Raises:
            NotFound: there is no such scheme, or this recipient is not proposed.
            Conflict: nothing is published, the notice has ended, or see `Objections.make`.
        """
        terms, subject = terms_of(await self._schemes.get(scheme_id)), Subject(scheme_id)

        async def open_in(unit: UnitOfWork, now: datetime) -> None:
            notice = await self._notices.get(scheme_id, unit)
            runs = notice.status(now) == "running"
            check_may_object(subject, published=notice.version > 0, runs=runs)
            id_ = award_id(scheme_id, recipient_id)
            proposal = (await self._proposals.find([id_], unit)).get(id_)
            if proposal is None or not proposal.stands or proposal.since > notice.version:
                raise not_in_notice(subject, recipient_id)
            more = replace(notice, open=notice.open + 1)
            await self._notices.change(unit, notice, more, work_at(more, terms))

        return await self._objections.make(subject, recipient_id, words, objector_id, open_in)

    async def decide(self, scheme_id: str, objection_id: str, outcome: Outcome, reason: str) -> Objection:
        """
        Decide an objection. If it is upheld, the recipient is left out.

        Raises:
            NotFound: there is no such scheme or objection.
            Conflict: see `Objections.decide`.
        """
        scheme = await self._schemes.get(scheme_id)
        terms = terms_of(scheme)

        async def close_in(unit: UnitOfWork, objection: Objection) -> None:
            notice = await self._notices.get(scheme_id, unit)
            less = replace(notice, open=notice.open - 1)
            if objection.outcome == "upheld" and objection.recipient_id:
                less = await self._leave_out(unit, less, scheme, terms, objection.recipient_id)
            await self._notices.change(unit, notice, less, work_at(less, terms))

        return await self._objections.decide(Subject(scheme_id), objection_id, outcome, reason, close_in)

    async def _leave_out(
        self, unit: UnitOfWork, notice: Notice, scheme: Scheme, terms: AfterNotice, recipient_id: str
    ) -> Notice:
        id_ = award_id(scheme.scheme_id, recipient_id)
        proposal = (await self._proposals.find([id_], unit)).get(id_)
        if proposal is None or proposal.issued or proposal.code == "objection":
            return notice
        # A version of its own, also if a look at the results is under way.
        alone = replace(notice, round=None)
        await self._proposals.put(unit, [left_out(proposal, next_version(alone))], ())
        after = changed(alone, terms, clock.now(), adds=False)
        if isinstance(scheme.rule, RankTiers) and scheme.rule.next_in_rank:
            return replace(after, mark=random_id())
        # A look that was under way begins again, as another one.
        return replace(after, mark=after.mark and random_id())
