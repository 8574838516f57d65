"""Preparing, publishing and confirming a notice."""

from services.awards.issuing.state import state_of
from services.awards.proposals.rules import (
    Notice,
    check_settled,
    confirmed,
    next_version,
    published,
    terms_of,
    work_at,
)
from services.awards.proposals.store import NoticeStore, ProposalStore
from services.awards.results.store import ResultStore
from services.awards.schemes.store import SchemeStore
from shared.runtime import clock
from shared.runtime.errors import Conflict, Rejected
from shared.storage.unit_of_work import UnitOfWork, save_together


async def look_again(
    scheme_id: str, schemes: SchemeStore, results: ResultStore, notices: NoticeStore
) -> None:
    """
    Find again who is due by a scheme, in the background: it was put after the close of its quiz.

    Raises:
        NotFound: there is no such scheme.
        Conflict: it issues at once, or its quiz is not closed.
        Rejected: organisers name its recipients.
    """
    scheme = await schemes.get(scheme_id)
    terms_of(scheme)
    if scheme.quiz_id is None:
        raise Rejected(
            f"organisers name the recipients of {scheme_id}: there is no rule", code="scheme_conferred"
        )
    if await results.closing(scheme.quiz_id) is None:
        raise Conflict(f"quiz {scheme.quiz_id} is not closed yet", code="quiz_not_closed")
    await notices.mark([scheme_id], closed=True)


async def publish_notice(
    scheme_id: str,
    schemes: SchemeStore,
    results: ResultStore,
    notices: NoticeStore,
    proposals: ProposalStore,
) -> Notice:
    """
    Publish what is proposed; while the notice is out, a repeat changes nothing.

    Raises:
        NotFound: there is no such scheme.
        Conflict: it issues at once, nobody is proposed, or it is not certain yet who is.
    """
    scheme = await schemes.get(scheme_id)
    terms = terms_of(scheme)
    undecided = (await state_of(scheme_id, schemes, results)).undecided

    async def work(unit: UnitOfWork) -> Notice:
        notice = await notices.get(scheme_id, unit)
        if notice.is_out:
            return notice
        check_settled(notice)
        if undecided:
            raise Conflict(undecided, code="proposals_under_way")
        if notice.issuing is not None or not await proposals.page(
            scheme_id, "", 1, since=next_version(notice), code=None
        ):
            raise Conflict(f"nobody new is proposed by {scheme_id}", code="nobody_proposed")
        after = published(notice, terms, clock.now())
        await notices.change(unit, notice, after, work_at(after, terms))
        return after

    return await save_together(notices.database, work)


async def confirm_notice(scheme_id: str, version: int, schemes: SchemeStore, notices: NoticeStore) -> Notice:
    """
    Confirm a notice after its end: its awards are issued in the background. A repeat changes nothing.

    Raises:
        NotFound: there is no such scheme.
        Conflict: it issues at once, or the notice is not ready to be confirmed (`rules.confirmed`).
    """
    terms = terms_of(await schemes.get(scheme_id))

    async def work(unit: UnitOfWork) -> Notice:
        notice = await notices.get(scheme_id, unit)
        after = confirmed(notice, version, clock.now())
        if after is not notice:
            await notices.change(unit, notice, after, work_at(after, terms))
        return after

    return await save_together(notices.database, work)
