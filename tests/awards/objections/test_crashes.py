"""A process that dies at any step of an objection or its decision has done all of it, or nothing."""

import pytest

from services.awards.objections.object import Objections
from services.awards.proposals.object import Objecting
from services.awards.proposals.propose import Named
from tests.awards.builders import joined, noticed, scheme
from tests.awards.following.test_crashes import DiedError, Life, Mortal
from tests.awards.parts import Parts, new_parts
from tests.awards.proposals.played import published_objections
from tests.support.service import new_id

pytestmark = pytest.mark.stack


def dying(at: Parts, steps: int) -> Objecting:
    life = Life(steps)
    store, known = Mortal(at.objections, life), Mortal(at.known, life)
    notices, proposals = Mortal(at.notices, life), Mortal(at.proposals, life)
    both = Objections(store, known, wait_seconds=0)  # type: ignore[arg-type]
    return Objecting(at.schemes, notices, proposals, both)  # type: ignore[arg-type]


async def played(at: Parts, steps: int) -> bool:
    """An objection that is made and upheld, each at first by a process that dies. True if one has died."""
    of, person, by = noticed(scheme()), new_id("p"), new_id("p")
    await at.schemes.put(of)
    await at.know(joined(person), joined(by))
    await at.conferring.confer(of.scheme_id, [Named(person)], allow_unknown=False)
    await at.publish(of)
    await at.advance()
    died = False
    try:
        await dying(at, steps).make(of.scheme_id, person, "抄袭", by)
    except DiedError:
        died = True
    objection, _ = await at.objecting.make(of.scheme_id, person, "抄袭", by)
    assert (await at.notices.get(of.scheme_id)).open == 1, steps
    try:
        await dying(at, steps).decide(of.scheme_id, objection.objection_id, "upheld", "属实")
    except DiedError:
        died = True
    await at.objecting.decide(of.scheme_id, objection.objection_id, "upheld", "属实")
    notice = await at.notices.get(of.scheme_id)
    assert (notice.open, notice.version) == (0, 2), steps
    assert (await at.proposed(of))[person].code == "objection"
    told = [(version, status) for who, version, status in await published_objections(at) if who == person]
    assert told == [(1, "made"), (2, "upheld")], steps
    return died


async def test_a_process_that_dies_at_any_step_leaves_no_half_of_an_objection(mongo: str) -> None:
    async with new_parts(mongo) as [at]:
        for steps in range(1, 60):
            if not await played(at, steps):
                assert steps > 10
                return
        raise AssertionError("every process has died")
