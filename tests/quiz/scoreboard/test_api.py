"""The scoreboard over HTTP: its form, and who may read it when."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.quiz.builders import as_resident, batch, service
from tests.quiz.parts import new_parts
from tests.quiz.scoreboard.form import faults_of_contest, faults_of_scoreboard
from tests.support.service import ORGANISER, code_of
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack

PEOPLE = {"wang": 5, "li": 4, "zhao": 4, "sun": 1}


async def test_the_scoreboard_has_the_standings_in_the_form_of_the_contest_api(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo) as parts:
        sent = [parts.submission(who, right=right) for who, right in PEOPLE.items()]
        await parts.grading.grade_submissions(batch(*sent))
        path = f"/quizzes/{parts.quiz_id}/standings"
        async with service(mongo, kafka=kafka, role="api", database=parts.stores.database.name) as (
            [client],
            _,
        ):
            board = (await client.get(f"{path}/scoreboard")).json()
            assert faults_of_scoreboard(board) == []
            page = (await client.get(path)).json()["standings"]
            assert [(row["rank"], row["team_id"], row["score"]["score"]) for row in board["rows"]] == [
                (one["rank"], one["alias"], one["points"]) for one in page
            ]
            assert [row["rank"] for row in board["rows"]] == [1, 2, 2, 4]
            first = (await client.get(f"{path}/scoreboard?limit=1", headers=ORGANISER)).json()
            assert first["rows"] == board["rows"][:1]
            assert faults_of_contest((await client.get(f"{path}/contest")).json()) == []
            for bad in ("0", "1001"):
                assert (await client.get(f"{path}/scoreboard?limit={bad}")).status_code == 422
            for what in ("scoreboard", "contest"):
                unknown = await client.get(f"/quizzes/no-such-quiz/standings/{what}")
                assert code_of(unknown) == (404, "quiz_unknown")
            await parts.close()

            async def closed() -> dict[str, Any]:
                found: dict[str, Any] = (await client.get(f"{path}/scoreboard")).json()
                return found

            final = await eventually(closed, lambda found: found["state"]["finalized"])
            assert faults_of_scoreboard(final) == []


async def test_a_frozen_scoreboard_shows_nothing_of_what_comes_after(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        await parts.grading.grade_submissions(batch(parts.submission("wang", right=3)))
        path = f"/quizzes/{parts.quiz_id}/standings"
        await parts.freeze(datetime.now(UTC))
        after = datetime.now(UTC) + timedelta(seconds=3)
        await parts.grading.grade_submissions(batch(parts.submission("li", right=5, submitted_at=after)))
        async with service(mongo, kafka=kafka, role="api", database=parts.stores.database.name) as (
            [client],
            _,
        ):
            board = (await client.get(f"{path}/scoreboard")).json()
            assert (len(board["rows"]), board["rows"][0]["score"]["score"]) == (1, 3)
            assert board["state"]["frozen"] is not None
            assert faults_of_scoreboard(board) == []


async def test_a_scoreboard_of_withheld_scores_waits_for_the_close(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, shows_scores="at_close") as parts:
        await parts.grading.grade_submissions(batch(parts.submission("wang", right=3)))
        path = f"/quizzes/{parts.quiz_id}/standings/scoreboard"
        async with service(mongo, kafka=kafka, role="api", database=parts.stores.database.name) as (
            [client],
            _,
        ):
            for headers in ({}, as_resident("wang")):
                assert code_of(await client.get(path, headers=headers)) == (409, "quiz_not_closed")
            assert len((await client.get(path, headers=ORGANISER)).json()["rows"]) == 1
