"""Disqualifications over HTTP: what organisers decide and read, and what the participant is told."""

from typing import Any

import pytest

from shared.messaging.create_topics import create_missing
from tests.quiz.builders import as_resident, quiz, service
from tests.quiz.http import put
from tests.support.service import ORGANISER, code_of

pytestmark = pytest.mark.stack

PATH, BACK = "/quizzes/one/disqualifications", "/quizzes/one/reinstatements"


def body(participant_id: str = "wang", **changes: Any) -> dict[str, Any]:
    return {"participant_id": participant_id, "reason": "两台设备同时作答"} | changes


@pytest.mark.parametrize("shows_scores", ["at_once", "at_close"])
async def test_an_organiser_disqualifies_and_the_participant_reads_why(
    kafka: str, mongo: str, shows_scores: str
) -> None:
    await create_missing(kafka)
    async with service(mongo, kafka=kafka, role="api") as ([client], database):
        assert (await put(client, "one", quiz(shows_scores=shows_scores, attempts_per_day=3))).is_success
        assert code_of(await client.post(PATH, json=body(), headers=ORGANISER)) == (
            404,
            "participant_unknown",
        )
        await database["participants"].insert_one(
            {"_id": "wang", "group_id": None, "district": "华龙区", "version": 1}
        )
        started = (await client.post("/quizzes/one/attempts", headers=as_resident("wang"))).json()
        attempt_id = started["attempt_id"]
        assert (await client.post(PATH, json=body())).status_code == 401
        assert (await client.get(PATH)).status_code == 401
        foreign = await client.post(PATH, json=body(attempt_ids=["another"]), headers=ORGANISER)
        assert code_of(foreign) == (422, "attempts_not_theirs")
        done = await client.post(PATH, json=body(attempt_ids=[attempt_id]), headers=ORGANISER)
        assert (done.status_code, done.json()["version"], done.json()["disqualified"]) == (200, 1, False)
        own = (await client.get(f"/attempts/{attempt_id}/result", headers=as_resident("wang"))).json()
        assert (own["status"], own["disqualified"], own["reason"]) == ("pending", True, "两台设备同时作答")
        assert own["points"] is None
        # With single attempts, they may start again; as a whole they may not.
        assert (await client.post("/quizzes/one/attempts", headers=as_resident("wang"))).status_code == 201
        whole = await client.post(PATH, json=body(), headers=ORGANISER)
        assert (whole.json()["version"], whole.json()["attempt_ids"]) == (2, [attempt_id])
        assert (await client.post(PATH, json=body(), headers=ORGANISER)).json() == whole.json()
        refused = await client.post("/quizzes/one/attempts", headers=as_resident("wang"))
        assert code_of(refused) == (403, "disqualified")
        assert "两台设备同时作答" in refused.text
        standing = await client.get("/quizzes/one/standings/me", headers=as_resident("wang"))
        assert code_of(standing) == (403, "disqualified")
        listed = (await client.get(PATH, headers=ORGANISER, params={"limit": 1})).json()
        [one] = listed["disqualifications"]
        assert (one["participant_id"], one["disqualified"], len(one["decisions"])) == ("wang", True, 2)
        assert listed["after"] is None
        back = await client.post(BACK, json=body(reason="已查清"), headers=ORGANISER)
        assert (back.json()["version"], back.json()["disqualified"], back.json()["attempt_ids"]) == (
            3,
            False,
            [],
        )
        assert (await client.post("/quizzes/one/attempts", headers=as_resident("wang"))).status_code == 201
        own = (await client.get(f"/attempts/{attempt_id}/result", headers=as_resident("wang"))).json()
        assert (own["disqualified"], own["reason"]) == (False, None)
        read = (await client.get("/quizzes/one")).json()
        assert read["revised_at"] is None


async def test_pages_of_decisions(kafka: str, mongo: str) -> None:
    await create_missing(kafka)
    async with service(mongo, kafka=kafka, role="api") as ([client], database):
        assert code_of(await client.get(PATH, headers=ORGANISER)) == (404, "quiz_unknown")
        assert (await put(client, "one", quiz())).is_success
        people = [f"p{n}" for n in range(5)]
        await database["participants"].insert_many(
            [{"_id": who, "group_id": None, "district": "范县", "version": 1} for who in people]
        )
        for who in people:
            assert (await client.post(PATH, json=body(who), headers=ORGANISER)).is_success
        found: list[str] = []
        page: dict[str, Any] = {"after": None}
        while not found or page["after"]:
            params = {"limit": 2} | ({"after": page["after"]} if page["after"] else {})
            page = (await client.get(PATH, headers=ORGANISER, params=params)).json()
            found += [one["participant_id"] for one in page["disqualifications"]]
        assert found == people
