"""The erased are forgotten, once nothing that is stored names them and nothing older can come."""

from datetime import UTC, datetime, timedelta

import pytest

from services.awards.issued.forget import Forgetting
from shared.runtime import clock
from shared.runtime.errors import NotFound
from tests.awards.builders import certificate, closed, completed, erased, joined, prizes, scheme, standing
from tests.awards.parts import Parts, new_parts
from tests.support.service import new_id

pytestmark = pytest.mark.stack


def forgetting(at: Parts) -> Forgetting:
    return Forgetting(at.known, at.results, at.schemes, at.awards)


async def known_ids(at: Parts) -> set[str]:
    return {one["_id"] async for one in at.database["participants"].find()}


async def test_the_erased_are_forgotten_unless_an_award_or_a_final_standing_names_them(mongo: str) -> None:
    of, quiz = scheme(), new_id("quiz")
    stays, gone, awarded, listed = (new_id(name) for name in ("stays", "gone", "awarded", "listed"))
    async with new_parts(mongo) as [at]:
        await at.schemes.put(of)
        await at.know(*[joined(one) for one in (stays, gone, awarded, listed)])
        award = await at.confer(of, awarded)
        await at.handle(completed(quiz, listed), closed(quiz, [standing(1, listed)]))
        await at.know(*[erased(one) for one in (gone, awarded, listed)])
        assert await forgetting(at).forget_before(clock.now() - timedelta(days=1)) == 0
        assert await at.known.erased([gone, awarded, listed]) == {gone, awarded, listed}

        assert await forgetting(at).forget_before(clock.now() + timedelta(seconds=1)) == 1
        assert await known_ids(at) == {stays, awarded, listed}
        assert await at.known.erased([gone, awarded, listed]) == {awarded, listed}
        assert (await at.issued(of))[awarded].award_code == award.award_code

        # A scheme that comes years later gives nothing to those who are named, and nobody else is known.
        late = prizes(quiz, gold=1)
        await at.schemes.put(late)
        await at.apply(late)
        assert await at.issued(late) == {}
        with pytest.raises(NotFound) as unknown:
            await at.confer(of, gone)
        assert unknown.value.code == "recipient_unknown"


async def test_more_erased_than_one_look_takes_are_all_forgotten(mongo: str) -> None:
    quiz = new_id("quiz")
    many = [new_id("p") for _ in range(450)]
    async with new_parts(mongo) as [at]:
        await at.schemes.put(certificate(quiz))
        await at.know(*[erased(one) for one in many])
        await at.handle(closed(quiz, [standing(place + 1, one) for place, one in enumerate(many[::9])]))
        assert await forgetting(at).forget_before(clock.now() + timedelta(seconds=1)) == 400
        assert await known_ids(at) == set(many[::9])


async def test_the_erased_of_an_earlier_release_get_a_time_and_keep_it(mongo: str) -> None:
    old, other = new_id("old"), new_id("other")
    then = datetime(2026, 5, 1, tzinfo=UTC)
    async with new_parts(mongo) as [at]:
        people = at.database["participants"]
        await people.insert_many([{"_id": old, "erased": True}, {"_id": new_id("alive")}])
        await people.insert_one({"_id": other, "erased": True, "erased_at": then})
        before = clock.now() - timedelta(seconds=1)
        await at.prepare()
        dated = {one["_id"]: one["erased_at"] async for one in people.find({"erased": True})}
        assert dated[other] == then
        assert before <= dated[old] <= clock.now()
        # Neither a start nor a repeated event keeps them longer.
        await at.prepare()
        await at.know(erased(old), erased(other))
        assert dated == {one["_id"]: one["erased_at"] async for one in people.find({"erased": True})}
        assert await people.count_documents({"erased_at": {"$exists": True}}) == 2
