"""A cancelled quiz earns nothing more; what it has earned stays. A scheme without awards can be deleted."""

import asyncio
from collections.abc import Collection

import pytest

from services.awards.known.store import KnownStore
from services.awards.schemes.put import put_scheme
from shared.contracts.events import QuizCancelled
from shared.runtime.errors import Conflict, NotFound, Outdated
from shared.runtime.versions import always
from shared.web.versions import matching
from tests.awards.builders import NOW, certificate, completed, published, scheme
from tests.awards.parts import new_parts
from tests.support.service import new_id

pytestmark = pytest.mark.stack


def cancelled(quiz_id: str, version: int = 1) -> QuizCancelled:
    return QuizCancelled(
        quiz_id=quiz_id,
        version=version,
        quiz_title="竞赛",
        code="by_organiser",
        reason=None,
        cancelled_at=NOW,
    )


@pytest.mark.parametrize("is_first", [True, False])
async def test_a_cancelled_quiz_earns_nothing_more_in_whatever_order_it_is_heard_of(
    mongo: str, *, is_first: bool
) -> None:
    quiz = new_id("quiz")
    of, other = certificate(quiz), certificate(new_id("quiz"))
    async with new_parts(mongo) as [at]:
        # There is no order between the two topics.
        heard = [cancelled(quiz), published(quiz)] if is_first else [published(quiz), cancelled(quiz)]
        await at.know(heard[0])
        await at.schemes.put(of)
        await at.schemes.put(other)
        if not is_first:
            assert len(await at.handle(completed(quiz, "wang"))) == 1
        await at.know(heard[1])
        assert await at.handle(completed(quiz, "li")) == {}
        assert len(await at.handle(completed(other.quiz_id or "", "li"))) == 1
        with pytest.raises(Conflict) as applied:
            await at.apply(of)
        assert applied.value.code == "quiz_cancelled"
        with pytest.raises(Conflict) as put:
            await at.put(certificate(quiz))
        assert put.value.code == "quiz_cancelled"
        assert len(await at.issued(of)) == (0 if is_first else 1), "what was issued before stays"
        # Published again, under the same name.
        await at.know(published(quiz, version=2))
        assert len(await at.handle(completed(quiz, "zhao"))) == 1


async def test_a_scheme_waits_for_a_quiz_that_was_removed_and_is_published_again(mongo: str) -> None:
    quiz = new_id("quiz")
    async with new_parts(mongo) as [at]:

        class Known(KnownStore):
            """Hears of the next quiz after the first look."""

            async def cancelled(self, quiz_ids: Collection[str]) -> set[str]:
                found = await super().cancelled(quiz_ids)
                await at.know(published(quiz, version=2))
                return found

        await at.know(published(quiz))
        await at.know(cancelled(quiz))
        known = Known(at.database)
        assert await put_scheme(certificate(quiz), at.schemes, known, at.decisions, wait_seconds=30)


async def test_a_scheme_is_deleted_only_as_long_as_it_has_no_awards(mongo: str) -> None:
    quiz = new_id("quiz")
    of = certificate(quiz)
    async with new_parts(mongo) as [at]:
        with pytest.raises(NotFound):
            await at.schemes.delete(of.scheme_id, always)
        tag = await at.schemes.put(of)
        with pytest.raises(Outdated):
            await at.schemes.delete(of.scheme_id, matching('"2"'))
        await at.schemes.delete(of.scheme_id, matching(f'"{tag}"'))
        assert await at.handle(completed(quiz, "wang")) == {}
        await at.schemes.put(of)
        await at.handle(completed(quiz, "li"))
        with pytest.raises(Conflict) as refused:
            await at.schemes.delete(of.scheme_id, always)
        assert refused.value.code == "scheme_in_use"


async def test_of_two_organisers_who_have_read_a_scheme_one_changes_it(mongo: str) -> None:
    of = scheme()
    titled = [of.model_copy(update={"title": f"名称{n}"}) for n in range(4)]
    async with new_parts(mongo) as [at]:
        tag = await at.schemes.put(of, matching(None, "*"))
        with pytest.raises(Outdated):
            await at.schemes.put(titled[0], matching(None, "*"))
        assert await at.schemes.put(of) == tag, "the same again changes nothing"
        outcomes = await asyncio.gather(
            *(at.schemes.put(one, matching(f'"{tag}"')) for one in titled), return_exceptions=True
        )
        assert sorted(str(type(one).__name__) for one in outcomes) == ["Outdated"] * 3 + ["str"]
        changed = (await at.schemes.get_with_tag(of.scheme_id))[1]
        assert changed in outcomes
        # Without a condition as before.
        assert await at.schemes.put(of) not in (tag, changed)
