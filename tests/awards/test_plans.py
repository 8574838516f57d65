"""How MongoDB finds what awards asks for, by its own profiler: by indexes, and in their order."""

from datetime import UTC, datetime

import pytest

from services.awards.issued.codes import award_id
from shared.storage.outbox import COLLECTION as OUTBOX
from tests.awards.builders import certificate, closed, completed, erased, joined, prizes, published, scheme
from tests.awards.builders import standings as ranks
from tests.awards.parts import Parts, new_parts
from tests.support.service import new_id

pytestmark = pytest.mark.stack


async def do_all_there_is_to_do(at: Parts) -> None:
    quiz, gone, stays = new_id("quiz"), new_id("p"), new_id("p")
    mark, places, flag = certificate(quiz), prizes(quiz, gold=3), scheme()
    await at.know(published(quiz), joined(gone), joined(stays))
    for one in (mark, places, flag):
        await at.put(one)
    await at.put(mark)
    await at.handle(
        *[completed(quiz, person, 90, time_used_seconds=60) for person in (gone, stays, "p0", "p1")]
    )
    await at.handle_or_reject(closed(quiz, ranks(1, 1), participants=4))
    for one in (mark, places):
        await at.apply(one)
        await at.state(one)
    for person in (gone, stays):
        award = await at.confer(flag, person, "a note")
        await at.awards.by_code(award.award_code)
        await at.own(person)
    await at.revoke(award_id(flag.scheme_id, stays), "a reason")
    await at.know(erased(gone))
    await at.schemes.page("", 50, drafts=False)
    await at.awards.of_scheme(mark.scheme_id, "", 50)
    await at.results.forget_before(datetime.now(UTC))


async def test_nothing_is_searched_for_without_an_index_or_sorted_in_memory(mongo: str) -> None:
    async with new_parts(mongo) as [at]:
        await at.database.command("profile", 2)
        await do_all_there_is_to_do(at)
        await at.database.command("profile", 0)
        seen = [
            (one["ns"].partition(".")[2], one.get("planSummary", ""), one.get("hasSortStage", False))
            async for one in at.database["system.profile"].find({"op": {"$ne": "insert"}})
        ]
    asked = [one for one in seen if one[0] not in (OUTBOX, "system.profile")]
    assert {"awards", "schemes", "results", "closings", "participants", "quizzes"} <= {
        one[0] for one in asked
    }
    assert [one for one in asked if "COLLSCAN" in one[1] or one[2]] == []
