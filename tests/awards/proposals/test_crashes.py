"""Workers that die at any step, and two at once, propose, tell and issue everything once."""

import asyncio
from collections import Counter

import pytest

from services.awards.issuing.issue import Issuer
from services.awards.proposals.advance import Advancing
from services.awards.proposals.find import Finder
from services.awards.proposals.store import NoticeStore, ProposalStore
from services.awards.proposals.tell import Teller
from services.awards.schemes.rules import Scheme
from tests.awards.builders import AWARD_KEY, certificate, closed, completed, noticed, regraded
from tests.awards.following.test_crashes import DiedError, Life, Mortal
from tests.awards.parts import Parts, new_parts
from tests.awards.proposals.played import end_notice, published_awards, told
from tests.support.service import new_id

pytestmark = pytest.mark.stack
PEOPLE = 3
MANY = 1_200


def dying(at: Parts, life: Life) -> Advancing:
    """The background work of a worker that dies after so many steps."""
    notices: NoticeStore = Mortal(at.notices, life)  # type: ignore[assignment]
    proposals: ProposalStore = Mortal(at.proposals, life)  # type: ignore[assignment]
    awards = Mortal(at.awards, life)
    issuer = Issuer(awards, at.schemes, at.known, at.changes, key=AWARD_KEY.encode())  # type: ignore[arg-type]
    finder = Finder(notices, proposals, at.results, at.schemes, at.outdated, issuer, at.places)
    teller = Teller(notices, proposals, awards, at.known, issuer)  # type: ignore[arg-type]
    return Advancing(notices, at.schemes, finder, teller)


async def advance(at: Parts, dies_at: int) -> bool:
    """All steps by a worker that dies; then by one that lives. True if it died."""
    worker = dying(at, Life(dies_at))
    try:
        while schemes := await at.advancing.pending("", 10):
            for scheme_id in schemes:
                await worker.go_on(scheme_id)
    except DiedError:
        await at.advance()
        return True
    return False


async def test_a_worker_that_dies_between_any_two_steps_leaves_no_proposal_and_no_award_wrong(
    mongo: str,
) -> None:
    async with new_parts(mongo) as [at]:
        for dies_at in range(1, 100):
            if not await played(at, dies_at):
                assert dies_at > 8
                return


async def played(at: Parts, dies_at: int) -> bool:
    quiz = new_id("quiz")
    people = [new_id("p") for _ in range(PEOPLE)]
    of = noticed(certificate(quiz))
    await at.schemes.put(of)
    results = [completed(quiz, one, 70) for one in people]
    await at.handle(*results)
    await at.handle(closed(quiz, ()))
    died = await advance(at, dies_at)
    await at.publish(of)
    died |= await advance(at, dies_at)
    await at.handle(regraded(results[0], 50))
    died |= await advance(at, dies_at)
    await end_notice(at, of)
    await at.confirm(of, 2)
    died |= await advance(at, dies_at)
    assert sorted(await at.issued(of)) == sorted(people[1:]), dies_at
    said = [one for one in await told(at) if one[0] in people]
    assert Counter(said) == Counter(
        [(one, 1, "proposed") for one in people] + [(people[0], 2, "not_earned")]
    ), dies_at
    published = [one for one in await published_awards(at) if one in people]
    assert sorted(published) == sorted(people[1:]), dies_at
    return died


async def test_two_copies_propose_tell_and_issue_many_once(mongo: str) -> None:
    async with new_parts(mongo, copies=2) as copies:
        [at, _] = copies
        quiz = new_id("quiz")
        of = noticed(certificate(quiz))
        await at.schemes.put(of)
        people = [new_id("p") for _ in range(MANY)]
        for start in range(0, MANY, 200):
            await at.handle(*[completed(quiz, one, 70) for one in people[start : start + 200]])
        await at.handle(closed(quiz, ()))
        await both(copies, of)
        assert (await at.publish(of)).version == 1
        await both(copies, of)
        assert Counter(await told(at)) == Counter((one, 1, "proposed") for one in people)
        await end_notice(at, of)
        await at.confirm(of, 1)
        await both(copies, of)
        assert len(await at.issued(of)) == MANY
        assert Counter(await published_awards(at)) == Counter(people)


async def both(copies: list[Parts], of: Scheme) -> None:
    """Both copies take steps until nothing is left to do."""

    async def work(at: Parts) -> None:
        while await at.advancing.pending("", 10):
            await at.advancing.go_on(of.scheme_id)

    await asyncio.gather(*[work(at) for at in copies])
