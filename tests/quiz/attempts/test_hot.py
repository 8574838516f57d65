"""The requests of an attempt: refusals and outcomes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.quiz.attempts.hot import SUBMIT
from tests.quiz.builders import as_resident, attempt, batch, quiz, service, token
from tests.quiz.http import put
from tests.quiz.parts import new_parts
from tests.support.service import code_of, new_id
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack


async def test_what_cannot_be_in_time_or_large_is_refused_by_the_submission_route(
    kafka: str, mongo: str
) -> None:
    """Every refusal of intake, as a problem, though its route is Starlette's own."""
    quiz_id, of = new_id(), quiz()
    async with service(mongo, kafka=kafka, role="api") as ([client], _):
        await put(client, quiz_id, of)
        mine = attempt(quiz_id, of, "wang")
        path = f"/attempts/{mine.attempt_id}/submission"

        async def refused(
            headers: dict[str, str], content: bytes = b'{"answers": {}}', to: str = path
        ) -> Any:
            return code_of(await client.post(to, content=content, headers=headers))

        assert await refused({}) == (401, "attempt_token_missing")
        assert await refused({"Authorization": "Basic x"}) == (401, "attempt_token_missing")
        assert await refused({"Authorization": "Bearer "}) == (401, "attempt_token_missing")
        assert await refused({"Authorization": "Bearer x"}) == (401, "attempt_token_invalid")
        assert await refused(as_resident("wang")) == (401, "attempt_token_invalid")
        assert await refused(token(mine, key="another-key" * 4)) == (401, "attempt_token_invalid")
        assert await refused(token(attempt(quiz_id, of, "li"))) == (403, "attempt_foreign")
        gone = attempt("no-such-quiz", of, "wang")
        to = f"/attempts/{gone.attempt_id}/submission"
        assert await refused(token(gone), to=to) == (404, "quiz_unknown")
        old = attempt(quiz_id, of, "wang", started_at=datetime.now(UTC) - timedelta(minutes=21))
        to = f"/attempts/{old.attempt_id}/submission"
        assert await refused(token(old), to=to) == (409, "attempt_late")
        twice = b'{"answers": {}, "answers": {}}'
        for bad in (
            b"",
            b"{",
            b"[]",
            b'{"answers": {"q1": "a"}}',
            b"\xff",
            b'{"answers": {}, "note": 1}',
            twice,
        ):
            assert await refused(token(mine), bad) == (422, "submission_malformed")
        assert await refused(token(mine), b'{"answers": {"q99": "A"}}') == (422, "question_unknown")
        assert await refused(token(mine), b" " * 4_194_305) == (413, "too_large")
        metrics = (await client.get("/metrics")).text.splitlines()
        problems = [line for line in metrics if line.startswith("kepu_http_problems_total")]
        # Each route that may refuse so has a counter, which begins at 0.
        of_code = [line for line in problems if 'code="attempt_late"' in line]
        refusals = [line for line in of_code if not line.endswith(" 0.0")]
        assert refusals
        assert all(f'route="{SUBMIT.path}"' in line for line in refusals)


async def test_an_attempt_ends_in_a_state_that_says_what_became_of_it(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        people = ("graded", "refused", "expired", "both")
        begun = {who: attempt(parts.quiz_id, parts.quiz, who) for who in people}
        await parts.stores.attempts.add([*begun.values()])
        late = [parts.submission(who, seconds=1300) for who in ("refused", "both")]
        await parts.grading.grade_submissions(batch(*(parts.submission(who) for who in ("graded", "both"))))
        refused_late = batch(*late)
        await parts.grading.grade_submissions(refused_late)
        await parts.grading.refuse.note(refused_late.rejected)
        database = parts.stores.database.name
        async with service(mongo, kafka=kafka, role="api", database=database) as ([client], _):

            async def state(who: str) -> tuple[str, str | None, float | None]:
                path = f"/attempts/{begun[who].attempt_id}/result"
                found = (await client.get(path, headers=as_resident(who))).json()
                return found["status"], found["code"], found["points"]

            async def states() -> list[tuple[str, str | None, float | None]]:
                return [await state(who) for who in people]

            refused = ("refused", "attempt_late", None)
            graded = ("graded", None, 5)
            assert await states() == [graded, refused, ("pending", None, None), graded]
            await parts.close()

            async def expired() -> bool:
                return await state("expired") == ("expired", None, None)

            await eventually(expired)
            assert (await states())[:2] == [graded, refused]
