"""
Whoever farms a quiz that shows scores at the close learns nothing before it: right answers and wrong answers
look the same everywhere.
"""

import re
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from ops.deployment.organisers import add
from services.quiz.attempts.submission import Submission
from shared.contracts.topics import DEAD, LIVE
from shared.runtime.acting import Role
from tests.quiz.builders import as_resident, batch, service
from tests.quiz.parts import Parts, new_parts
from tests.support.kafka import read_all
from tests.support.service import ORGANISER, code_of, in_outbox
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack

TRIES = 3
FARMERS = 8
NOT_COMPARED = re.compile(r"(?<=date: ).*|(?<=x-correlation-id: ).*")


def farmed(parts: Parts, who: str, right: int) -> list[Submission]:
    return [parts.submission(who, right=right, number=number) for number in range(1, TRIES + 1)]


async def seen(client: httpx.AsyncClient, quiz_id: str, sent: list[Submission]) -> list[str]:
    """All that a participant, and anybody without a token, can read after these submissions."""
    who = sent[0].participant_id
    quiz = f"/quizzes/{quiz_id}"
    open_to_some = ("standings", "standings/me", "standings/export", "statistics", "definition")
    paths = [quiz, "/quizzes", *(f"{quiz}/{one}" for one in open_to_some)]
    paths += [f"/attempts/{one.attempt_id}/{what}" for one in sent for what in ("result", "review")]
    answers = []
    for path in paths:
        for headers in ({}, as_resident(who)):
            answer = await client.get(path, headers=headers)
            told = "\n".join(f"{name}: {value}" for name, value in sorted(answer.headers.items()))
            text = f"{path} {answer.status_code}\n{told}\n{answer.text}"
            for nth, one in enumerate(sent):
                text = text.replace(one.attempt_id, f"attempt-{nth}")
            answers.append(NOT_COMPARED.sub("-", text.replace(who, "who")))
    return answers


async def test_right_and_wrong_answers_look_the_same_until_the_close(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo, shows_scores="at_close", attempts_per_day=TRIES) as parts:
        sheets = {f"farmer-{n}": farmed(parts, f"farmer-{n}", right=n % 6) for n in range(FARMERS)}
        sent = [one for sheet in sheets.values() for one in sheet]
        assert await parts.grading.grade_submissions(batch(*sent)) == []
        database = parts.stores.database
        async with service(mongo, kafka=kafka, role="api", database=database.name) as ([client], _):
            looks = [await seen(client, parts.quiz_id, sheet) for sheet in sheets.values()]
            for look in looks[1:]:
                assert look == looks[0]
            wrong, right = sheets["farmer-0"][0], sheets["farmer-5"][0]
            own = f"/attempts/{right.attempt_id}/result"
            found = (await client.get(own, headers=as_resident("farmer-5"))).json()
            assert found.pop("status") == "received"
            assert found.pop("attempt_id") == right.attempt_id
            assert found.pop("disqualified") is False
            assert set(found.values()) == {None}
            standings = f"/quizzes/{parts.quiz_id}/standings"
            for path in (standings, f"{standings}/me", f"{standings}/export"):
                refused = await client.get(path, headers=as_resident("farmer-5"))
                assert code_of(refused) == (409, "quiz_not_closed")
            # Organisers see them.
            listed = (await client.get(standings, headers=ORGANISER)).json()
            assert listed["standings"][0]["participant_id"] == "farmer-5"
            # Nothing left the service, and what it counts for operators is not by score.
            for topic in (*LIVE, *DEAD):
                if topic.name.startswith("quiz."):
                    records = await read_all(kafka, topic.name)
                    assert not [one for one in records if parts.quiz_id.encode() in (one.value or b"")], topic
            assert await in_outbox(database, "quiz.completed") == []
            told = (await client.get("/metrics")).text.splitlines()
            of_quiz = {line.split("{")[0] for line in told if parts.quiz_id in line}
            assert of_quiz <= {"kepu_submissions_graded_total"}

            await parts.close()

            async def graded() -> bool:
                answer = await client.get(own, headers=as_resident("farmer-5"))
                return bool(answer.json()["status"] == "graded")

            await eventually(graded)
            lost = await client.get(f"/attempts/{wrong.attempt_id}/result", headers=as_resident("farmer-0"))
            assert (lost.json()["points"], lost.json()["passed"]) == (0, False)
            best = (await client.get(f"{standings}/me", headers=as_resident("farmer-5"))).json()
            assert (best["rank"], best["points"]) == (1, 5)


async def test_a_viewers_key_and_that_of_the_door_tell_no_more(
    kafka: str, mongo: str, tmp_path: Path
) -> None:
    """Whoever has one may sit the quiz too."""
    file = tmp_path / "organisers.json"
    roles: tuple[Role, ...] = ("organiser", "door", "viewer")
    keys = {role: {"X-Organiser-Key": add(file, role, role, datetime.now(UTC))} for role in roles}
    async with new_parts(kafka, mongo, shows_scores="at_close") as parts:
        await parts.grading.grade_submissions(batch(parts.submission("wang")))
        name = parts.stores.database.name
        async with service(mongo, kafka=kafka, role="api", database=name, organiser_keys_file=file) as (
            [client],
            _,
        ):
            path = f"/quizzes/{parts.quiz_id}"

            async def asked(role: Role, what: str) -> tuple[int, str]:
                return code_of(await client.get(f"{path}/{what}", headers=keys[role]))

            refused = (409, "quiz_not_closed")
            assert await asked("door", "standings") == refused
            assert await asked("viewer", "standings") == refused
            assert await asked("viewer", "statistics") == refused
            for what in ("standings", "statistics"):
                assert (await client.get(f"{path}/{what}", headers=keys["organiser"])).is_success
            await parts.close()

            async def shown() -> bool:
                answers = [
                    await client.get(f"{path}/{what}", headers=keys["viewer"])
                    for what in ("standings", "statistics")
                ]
                return all(one.is_success for one in answers)

            await eventually(shown)
