"""Standings over HTTP: frozen and thawed."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from services.quiz.standings.aliases import Aliases
from services.quiz.standings.ranks import FRESH_SECONDS
from tests.quiz.builders import as_resident, batch, service
from tests.quiz.parts import new_parts
from tests.support.service import ORGANISER, code_of

pytestmark = pytest.mark.stack


async def test_an_organiser_freezes_the_standings_that_everyone_sees_and_thaws_them(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo) as parts:
        await parts.grading.grade_submissions(batch(parts.submission("wang", right=3)))
        database, path = parts.stores.database.name, f"/quizzes/{parts.quiz_id}/standings"
        wang, li = as_resident("wang"), as_resident("li")
        async with service(mongo, kafka=kafka, role="api", database=database) as ([client], _):
            for act in ("freeze", "thaw"):
                assert code_of(await client.post(f"{path}/{act}")) == (401, "organiser_key_missing")
                unknown = await client.post(f"/quizzes/no-such-quiz/standings/{act}", headers=ORGANISER)
                assert code_of(unknown) == (404, "quiz_unknown")
            assert (await client.get(path)).json()["frozen_at"] is None
            begun = await client.post(f"{path}/freeze", headers=ORGANISER)
            frozen_at = begun.json()["frozen_at"]
            # Told ahead, so that every grader knows it.
            assert datetime.fromisoformat(frozen_at) > datetime.now(UTC) + timedelta(seconds=1)
            assert (await client.post(f"{path}/freeze", headers=ORGANISER)).json() == begun.json()
            after = datetime.now(UTC) + timedelta(seconds=3)
            await parts.grading.grade_submissions(batch(parts.submission("li", right=5, submitted_at=after)))
            await asyncio.sleep(FRESH_SECONDS)
            page = (await client.get(path, headers=ORGANISER)).json()
            assert (page["frozen_at"], page["participants"]) == (frozen_at, 1)
            assert [one["participant_id"] for one in page["standings"]] == ["wang"]
            own = (await client.get(f"{path}/me", headers=wang)).json()
            assert (own["frozen_at"], own["rank"]) == (frozen_at, 1)
            assert code_of(await client.get(f"{path}/me", headers=li)) == (404, "standing_unknown")
            for _ in range(2):
                thawed = await client.post(f"{path}/thaw", headers=ORGANISER)
                assert thawed.json() == {"quiz_id": parts.quiz_id, "frozen_at": None}
            await parts.upkeep.turn()
            await asyncio.sleep(FRESH_SECONDS)
            page = (await client.get(path, headers=ORGANISER)).json()
            assert (page["frozen_at"], page["participants"]) == (None, 2)
            assert [one["participant_id"] for one in page["standings"]] == ["li", "wang"]
            assert (await client.get(f"{path}/me", headers=wang)).json()["rank"] == 2
            await client.post(f"/quizzes/{parts.quiz_id}/close", headers=ORGANISER)
            closing = await client.post(f"{path}/freeze", headers=ORGANISER)
            assert code_of(closing) == (409, "quiz_closed")
            assert (await client.post(f"{path}/thaw", headers=ORGANISER)).status_code == 200


async def test_standings_of_a_quiz_that_is_not_open_yet_are_not_frozen(kafka: str, mongo: str) -> None:
    now = datetime.now(UTC)
    changes = {"opens_at": now + timedelta(hours=1), "closes_at": now + timedelta(hours=2)}
    async with new_parts(kafka, mongo, **changes) as parts:
        database, path = parts.stores.database.name, f"/quizzes/{parts.quiz_id}/standings"
        async with service(mongo, kafka=kafka, role="api", database=database) as ([client], _):
            frozen = await client.post(f"{path}/freeze", headers=ORGANISER)
            assert code_of(frozen) == (409, "quiz_not_open")
            assert (await client.get(path)).json()["frozen_at"] is None
            thawed = await client.post(f"{path}/thaw", headers=ORGANISER)
            assert (thawed.status_code, thawed.json()["frozen_at"]) == (200, None)


async def test_the_public_standings_lead_to_nobody_and_mark_whose_token_it_is(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        people = {"wang": 5, "li": 4, "zhao": 3}
        await parts.grading.grade_submissions(
            batch(*(parts.submission(who, right=right) for who, right in people.items()))
        )
        database, path = parts.stores.database.name, f"/quizzes/{parts.quiz_id}/standings"
        async with service(mongo, kafka=kafka, role="api", database=database) as ([client], _):
            public = await client.get(path)
            assert not any(f'"{who}"' in public.text for who in people)
            rows = public.json()["standings"]
            assert [(one["participant_id"], one["yours"]) for one in rows] == [(None, False)] * 3
            aliases = [one["alias"] for one in rows]
            assert len(set(aliases)) == 3
            seen = (await client.get(path, headers=as_resident("li"))).json()["standings"]
            assert [(one["participant_id"], one["yours"]) for one in seen] == [
                (None, False),
                ("li", True),
                (None, False),
            ]
            own = (await client.get(f"{path}/me", headers=as_resident("li"))).json()
            assert (own["alias"], own["rank"]) == (aliases[1], 2)
            organisers = (await client.get(path, headers=ORGANISER)).json()["standings"]
            assert [one["participant_id"] for one in organisers] == list(people)
            assert [one["alias"] for one in organisers] == aliases
            wrong = await client.get(path, headers={"X-Organiser-Key": "k" * 40})
            assert wrong.status_code in (401, 403)
            assert (await client.get(path, headers={"Authorization": "Bearer none"})).status_code == 401


def test_an_alias_says_nothing_without_the_secret_and_differs_from_quiz_to_quiz() -> None:
    one, other = Aliases("secret"), Aliases("another secret")
    assert one.of("quiz-1", "wang") == Aliases("secret").of("quiz-1", "wang")
    assert len({one.of("quiz-1", "wang"), one.of("quiz-2", "wang"), one.of("quiz-1", "li")}) == 3
    assert one.of("quiz-1", "wang") != other.of("quiz-1", "wang")
