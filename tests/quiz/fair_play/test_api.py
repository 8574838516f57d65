"""Flags over HTTP: pages, explanations and verdicts, for organisers alone."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ops.deployment.organisers import add
from services.quiz.fair_play.store import FlagStore, Found
from tests.quiz.builders import quiz, service
from tests.quiz.fair_play.test_flags import alike, crowd, too_fast
from tests.quiz.http import put
from tests.support.service import ORGANISER, as_participant, code_of
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack
PATH = "/quizzes/quiz-1/flags"


async def test_flags_come_in_pages_are_explained_and_are_judged(mongo: str) -> None:
    async with service(mongo, role="api") as ([client], database):
        store = FlagStore(database)
        assert code_of(await client.get(PATH, headers=ORGANISER)) == (404, "quiz_unknown")
        await put(client, "quiz-1", quiz())
        asked = await client.post(PATH, headers=ORGANISER)
        assert (asked.status_code, asked.json()["due"]) == (202, True)
        await store.begin("quiz-1", "examination", datetime.now(UTC))
        flags = [alike(4), alike(9), alike(7), crowd(25), too_fast(3)]
        assert await store.finish(
            "quiz-1", "examination", flags, Found(attempts=100), datetime.now(UTC), final=False
        )
        shown, after = [], None
        while True:
            query = {"limit": "2"} | ({"after": after} if after else {})
            page = (await client.get(PATH, params=query, headers=ORGANISER)).json()
            shown += page["flags"]
            assert page["examination"]["attempts"] == 100
            if (after := page["after"]) is None:
                break
        assert [(one["kind"], (one["alike"] or {}).get("identical")) for one in shown] == [
            ("answers_alike", 9),
            ("answers_alike", 7),
            ("answers_alike", 4),
            ("same_address", None),
            ("too_fast", None),
        ]
        only = (await client.get(PATH, params={"kind": "too_fast"}, headers=ORGANISER)).json()
        assert [one["kind"] for one in only["flags"]] == ["too_fast"]
        one = f"{PATH}/{shown[0]['flag_id']}"
        chinese = (await client.get(one, headers=ORGANISER | {"Accept-Language": "zh-CN"})).json()
        english = (await client.get(one, headers=ORGANISER | {"Accept-Language": "en"})).json()
        assert "错误答案完全相同" in chinese["explanation"]
        assert "same wrong answer" in english["explanation"]
        assert "proves nothing" in english["explanation"]
        judged = await client.post(
            f"{one}/verdict", json={"verdict": "fair", "note": "同桌，已谈话"}, headers=ORGANISER
        )
        judgement = judged.json()["judgement"]
        assert (judged.status_code, judgement["verdict"], judgement["note"]) == (200, "fair", "同桌，已谈话")
        assert judgement["by"]
        assert judgement["at"]
        is_open = (await client.get(PATH, params={"verdict": "open"}, headers=ORGANISER)).json()
        assert len(is_open["flags"]) == 4
        tag = (await client.get(one, headers=ORGANISER)).headers["etag"]
        assert judged.headers["etag"] == tag
        under, note = ORGANISER | {"If-Match": tag}, {"verdict": "unfair", "note": "再看"}
        both = await asyncio.gather(
            *(client.post(f"{one}/verdict", json=note, headers=under) for _ in range(2))
        )
        assert sorted(answer.status_code for answer in both) == [200, 412]
        assert code_of(max(both, key=lambda answer: answer.status_code)) == (412, "version_differs")
        kept = (await client.get(one, headers=ORGANISER)).json()["judgement"]
        assert (kept["verdict"], kept["note"]) == ("unfair", "再看")
        await client.post(f"{one}/verdict", json={"verdict": "fair"}, headers=ORGANISER)
        fair = (await client.get(PATH, params={"verdict": "fair"}, headers=ORGANISER)).json()
        assert len(fair["flags"]) == 1
        again = await client.post(f"{one}/verdict", json={"verdict": "open"}, headers=ORGANISER)
        assert again.json()["judgement"]["verdict"] == "open"
        assert (
            len((await client.get(PATH, params={"verdict": "open"}, headers=ORGANISER)).json()["flags"]) == 5
        )


async def test_nobody_but_organisers_sees_flags_and_what_is_not_there_is_unknown(
    mongo: str, tmp_path: Path
) -> None:
    file = tmp_path / "organisers.json"
    viewer = {"X-Organiser-Key": add(file, "viewer", "viewer", datetime.now(UTC))}
    async with service(mongo, role="api", organiser_keys_file=file) as ([client], _):
        await put(client, "quiz-1", quiz())
        for path in (PATH, f"{PATH}/some"):
            assert code_of(await client.get(path)) == (401, "organiser_key_missing")
            assert code_of(await client.get(path, headers=as_participant("wang")))[0] == 401
            assert code_of(await client.get(path, headers=viewer)) == (403, "organiser_role")
        assert code_of(await client.get(f"{PATH}/some", headers=ORGANISER)) == (404, "flag_unknown")
        verdict = {"verdict": "unfair"}
        to = f"{PATH}/some/verdict"
        assert code_of(await client.post(to, json=verdict, headers=ORGANISER)) == (404, "flag_unknown")
        bad = await client.post(to, json={"verdict": "guilty"}, headers=ORGANISER)
        assert bad.status_code == 422
        long = await client.post(to, json={"verdict": "fair", "note": "x" * 501}, headers=ORGANISER)
        assert long.status_code == 422


async def test_a_service_examines_by_itself(kafka: str, mongo: str) -> None:
    async with service(mongo, kafka=kafka) as ([client], _):
        await put(client, "quiz-1", quiz())
        await client.post(PATH, headers=ORGANISER)

        async def is_made() -> bool:
            made = (await client.get(PATH, headers=ORGANISER)).json()["examination"]
            return made["made_at"] is not None and made["percent"] is None and not made["due"]

        await eventually(is_made)
        metrics = (await client.get("/metrics")).text
        assert 'kepu_flags_open{kind="same_address"} 0.0' in metrics
