"""The standings as they change: what whom is shown, when, and how it ends."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from ops.deployment.organisers import add
from services.quiz.quizzes.publish import publish
from shared.runtime import clock
from shared.runtime.errors import Unavailable
from tests.quiz.builders import as_resident, batch, quiz
from tests.quiz.live.builders import hall
from tests.quiz.parts import Parts, new_parts
from tests.support.servers import own_stack
from tests.support.service import ORGANISER
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack

KEYED = {name.lower().replace("-", "_"): value for name, value in ORGANISER.items()}


async def test_listeners_see_what_the_page_shows_and_see_it_change(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        await parts.grading.grade_submissions(
            batch(*(parts.submission(who, right=right) for who, right in (("wang", 5), ("li", 4))))
        )
        path = f"/quizzes/{parts.quiz_id}/standings"
        async with hall(mongo, kafka, parts.stores.database.name) as at:
            everybody = await at.listen(parts.quiz_id)
            first = await at.listen(parts.quiz_id, "?limit=1")
            organiser = await at.listen(parts.quiz_id, **KEYED)
            li = await at.listen(parts.quiz_id, **as_resident("li"))
            page = (await at.client.get(path)).json()
            del page["after"]
            for row in page["standings"]:
                assert (row.pop("yours"), row.pop("participant_id")) == (False, None)
            assert everybody.shown() == page
            assert first.shown()["standings"] == page["standings"][:1]
            assert [one["participant_id"] for one in organiser.shown()["standings"]] == ["wang", "li"]
            own = {"quiz_id": parts.quiz_id, "alias": page["standings"][1]["alias"]}
            assert li.events[0] == ("yours", own)
            assert li.shown() == page
            await parts.grading.grade_submissions(batch(parts.submission("zhao", right=5, seconds=10)))
            for one in (everybody, li, organiser):
                await one.counts(3)
                assert [row["rank"] for row in one.shown()["standings"]] == [1, 2, 3]
                assert one.names().count("standings") == 2
            for one in (everybody, li):
                assert not any(f'"{who}"' in one.text for who in ("wang", "li", "zhao"))
            unknown = await at.listen("no-such-quiz")
            assert (unknown.status, unknown.problem) == (404, "quiz_unknown")
            for headers in ({"X_Organiser_Key": "k" * 40}, {"Authorization": "Bearer none"}):
                assert (await at.listen(parts.quiz_id, **headers)).status in (401, 403)


async def test_a_freeze_shows_nothing_of_what_comes_after_it_until_the_thaw(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        await parts.grading.grade_submissions(batch(parts.submission("wang", right=3)))
        path = f"/quizzes/{parts.quiz_id}/standings"
        async with hall(mongo, kafka, parts.stores.database.name) as at:
            heard = [await at.listen(parts.quiz_id), await at.listen(parts.quiz_id, **KEYED)]
            frozen = (await at.client.post(f"{path}/freeze", headers=ORGANISER)).json()
            for one in heard:
                assert await one.told("frozen") == frozen
            # Graded after the freeze: the one was submitted before it, the other after it.
            sent = [
                parts.submission("zhao", right=2, submitted_at=datetime.now(UTC)),
                parts.submission("li", right=5, submitted_at=datetime.now(UTC) + timedelta(seconds=5)),
            ]
            await parts.grading.grade_submissions(batch(*sent))
            for one in heard:
                await one.counts(2)
            late = await at.listen(parts.quiz_id)
            await late.told("frozen")
            assert late.names() == ["standings", "frozen"]
            # One that may be shown, and comes in a later reading.
            sent = [parts.submission("sun", right=1, submitted_at=sent[0].submitted_at)]
            await parts.grading.grade_submissions(batch(*sent))
            for one in (*heard, late):
                await one.counts(3)
                assert one.shown()["frozen_at"] == frozen["frozen_at"]
                assert [row["points"] for row in one.shown()["standings"]] == [3, 2, 1]
                assert '"points":5.0' not in one.text.replace('"points_max":5.0', "")
            await at.client.post(f"{path}/thaw", headers=ORGANISER)
            await parts.upkeep.turn()
            for one in (*heard, late):
                assert await one.told("thawed") == {"quiz_id": parts.quiz_id}
                await one.counts(4)
                assert [row["points"] for row in one.shown()["standings"]] == [5, 3, 2, 1]


async def test_the_close_is_told_with_the_final_standings_and_a_browser_does_not_come_back(
    kafka: str, mongo: str
) -> None:
    async with new_parts(kafka, mongo) as parts:
        await parts.grading.grade_submissions(batch(parts.submission("wang", right=3)))
        async with hall(mongo, kafka, parts.stores.database.name) as at:
            heard = await at.listen(parts.quiz_id)
            assert heard.shown()["final"] is False
            await parts.close()
            await heard.end()
            assert (heard.names()[-1], heard.shown()["final"]) == ("closed", True)
            assert heard.text.count("retry: ") == 2
            again = await at.listen(parts.quiz_id, Last_Event_ID=heard.last_id)
            assert (again.status, again.text) == (204, "")
            # Who saw other standings gets the final ones.
            missed = await at.listen(parts.quiz_id, Last_Event_ID="5f1d0c6c4bb6a5ad90")
            await missed.end()
            assert (missed.status, missed.names()) == (200, ["standings", "closed"])
            assert missed.last_id == heard.last_id


async def test_before_the_close_withheld_standings_are_streamed_to_organisers_alone(
    kafka: str, mongo: str, tmp_path: Path
) -> None:
    file = tmp_path / "organisers.json"
    viewer = add(file, "viewer", "viewer", datetime.now(UTC))
    async with new_parts(kafka, mongo, shows_scores="at_close") as parts:
        await parts.grading.grade_submissions(batch(parts.submission("wang", right=3)))
        async with hall(mongo, kafka, parts.stores.database.name, file) as at:
            for headers in ({}, as_resident("wang"), {"X_Organiser_Key": viewer}):
                refused = await at.listen(parts.quiz_id, **headers)
                assert (refused.status, refused.problem) == (409, "quiz_not_closed")
                assert "points" not in refused.text
            organiser = await at.listen(parts.quiz_id, **KEYED)
            assert organiser.shown()["standings"][0]["points"] == 3
            await parts.close()
            await organiser.end()
            public = await at.listen(parts.quiz_id)
            await public.end()
            assert (public.status, public.names()) == (200, ["standings", "closed"])


async def test_who_listens_to_a_quiz_that_begins_to_withhold_scores_sees_none(kafka: str, mongo: str) -> None:
    now = clock.now()
    times = {"opens_at": now + timedelta(hours=1), "closes_at": now + timedelta(hours=2)}
    async with (
        new_parts(kafka, mongo, **times) as parts,
        hall(mongo, kafka, parts.stores.database.name) as at,
    ):
        public, organiser = await at.listen(parts.quiz_id), await at.listen(parts.quiz_id, **KEYED)
        withholds = quiz(**times, shows_scores="at_close")
        await publish(parts.stores.quizzes, parts.quiz_id, withholds, now)
        await public.end()
        assert public.names() == ["standings", "withheld"]
        assert not organiser.ended


async def test_a_cancelled_and_a_removed_quiz_are_told_and_nothing_follows(kafka: str, mongo: str) -> None:
    async with new_parts(kafka, mongo) as parts:
        await parts.grading.grade_submissions(batch(parts.submission("wang", right=3)))
        async with hall(mongo, kafka, parts.stores.database.name) as at:
            heard = await at.listen(parts.quiz_id)
            path = f"/quizzes/{parts.quiz_id}"
            said = await at.client.post(f"{path}/cancel", json={"text": "停电"}, headers=ORGANISER)
            assert said.status_code == 202, said.text
            await heard.end()
            assert heard.names()[-1] == "cancelled"
            assert (await at.listen(parts.quiz_id, Last_Event_ID=heard.last_id)).status == 204
            other = f"{parts.quiz_id}-other"
            await publish(parts.stores.quizzes, other, quiz(), clock.now())
            listening = await at.listen(other)
            assert (await at.client.delete(f"/quizzes/{other}", headers=ORGANISER)).status_code == 204
            await listening.end()
            assert (listening.names()[-1], listening.last_id) == ("removed", "")
            assert (await at.listen(other)).problem == "quiz_unknown"


async def test_while_mongodb_is_killed_listeners_stay_and_see_what_comes_afterwards() -> None:
    with own_stack() as own:
        async with (
            new_parts(own.kafka, own.mongo) as parts,
            hall(own.mongo, own.kafka, parts.stores.database.name) as at,
        ):
            await parts.grading.grade_submissions(batch(parts.submission("wang", right=3)))
            heard = await at.listen(parts.quiz_id)
            own.kill("mongo")
            # Nothing is read any more, and the stream says that it lives.
            await eventually(lambda: "\n:\n" in heard.text)
            assert not heard.ended
            await asyncio.to_thread(own.up)
            await eventually(partial(_graded, parts, "li"))
            await heard.counts(2)
            assert not heard.ended


async def _graded(parts: Parts, who: str) -> bool:
    try:
        await parts.grading.grade_submissions(batch(parts.submission(who, right=5)))
    except Unavailable:
        return False
    return True
