"""Conferring and applying over HTTP."""

import asyncio

import httpx
import pytest

from services.awards.known.store import KnownStore
from services.awards.schemes.rules import Scheme
from shared.contracts.events import AwardIssued, AwardRevoked
from tests.awards.builders import Week, certificate, confer, joined, prizes, put, scheme, week
from tests.support.service import ORGANISER, code_of, new_id
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack


async def test_conferring_at_once_and_again_makes_one_award_told_once(kafka: str, mongo: str) -> None:
    of, team = scheme(), new_id("group")
    async with week(kafka, mongo) as awards:
        await awards.put(of)
        await awards.publish(joined(team, kind="group"))
        answers = await asyncio.gather(
            *[confer(awards.client, of, team, note="2023-05-20 授旗") for _ in range(10)]
        )
        assert sorted(answer.status_code for answer in answers) == [200] * 9 + [201]
        assert len({answer.text for answer in answers}) == 1
        award = answers[0].json()
        [(_, event)] = await eventually(lambda: said(awards, of), bool)
        again = await confer(awards.client, of, team)
        assert (again.status_code, again.json()) == (200, award)

        path = f"/awards/{award['award_id']}/revoke"
        revoked = await awards.client.post(path, json={"reason": "授予有误"}, headers=ORGANISER)
        assert revoked.json()["status"] == "revoked"
        assert code_of(await confer(awards.client, of, team)) == (409, "award_revoked")
        told = await eventually(lambda: said(awards, of), lambda told: len(told) > 1)
    assert isinstance(event, AwardIssued)
    assert (event.recipient_id, event.kind, event.award_code) == (team, "flag", award["award_code"])
    assert {type(event) for _, event in told} == {AwardIssued, AwardRevoked}
    assert len(told) == 2


async def said(awards: Week, of: Scheme) -> list[tuple[str, AwardIssued | AwardRevoked]]:
    return await awards.said(of.scheme_id)


async def test_what_does_not_exist_is_awarded_by_nothing_and_to_nobody(
    client: httpx.AsyncClient, known: KnownStore
) -> None:
    quiz, flag = new_id("quiz"), scheme()
    of, too_many = certificate(quiz), prizes(quiz, gold=10, silver=1_200)
    await put(client, flag)
    no_quiz, nobody = await asyncio.gather(put(client, of), confer(client, flag, "service-team-weat"))
    assert code_of(no_quiz) == (404, "quiz_unknown")
    assert code_of(nobody) == (404, "recipient_unknown")
    await known.add_quizzes([quiz])
    assert code_of(await put(client, too_many)) == (422, "places_above_standings")
    listed = (await client.get("/schemes")).json()["schemes"]
    assert [one["scheme_id"] for one in listed] == [flag.scheme_id]
    state = await client.get(f"/schemes/{flag.scheme_id}/state", headers=ORGANISER)
    assert state.json() == {
        "scheme_id": flag.scheme_id,
        "in_use": False,
        "quiz_closed": False,
        "undecided": None,
        "lots": [],
    }


async def test_what_is_known_a_moment_later_is_waited_for(
    client: httpx.AsyncClient, known: KnownStore
) -> None:
    quiz, flag, team = new_id("quiz"), scheme(), new_id("group")
    await put(client, flag)

    async def a_moment_later() -> None:
        await known.add_quizzes([quiz])
        await known.add_participants([team])

    answers = await asyncio.gather(
        put(client, certificate(quiz)), confer(client, flag, team), a_moment_later()
    )
    assert [answer.status_code for answer in answers[:2]] == [200, 201]


async def test_what_cannot_be_is_refused_with_a_stable_code(
    client: httpx.AsyncClient, known: KnownStore
) -> None:
    mark, flag = certificate(new_id("quiz")), scheme()
    tiers = scheme(
        rule={"type": "rank_tiers", "quiz_id": new_id("quiz"), "tiers": [{"tier": "金", "places": 1}]}
    )
    await known.add_quizzes([quiz_id for of in (mark, tiers) if (quiz_id := of.quiz_id)])
    for of in (mark, flag, tiers):
        await put(client, of)
    assert code_of(await confer(client, mark, "p")) == (422, "scheme_not_conferred")
    assert code_of(await confer(client, scheme(), "p")) == (404, "scheme_unknown")
    assert code_of(await confer(client, flag, "not an id")) == (422, "invalid")
    for of, expected in ((flag, (422, "scheme_conferred")), (tiers, (409, "quiz_not_closed"))):
        answer = await client.post(f"/schemes/{of.scheme_id}/apply", headers=ORGANISER)
        assert code_of(answer) == expected
    revoked = await client.post("/awards/unknown/revoke", json={"reason": "…"}, headers=ORGANISER)
    assert code_of(revoked) == (404, "award_unknown")
    body = flag.model_dump(mode="json") | {"rule": {"type": "pass_mark", "quiz_id": "q", "score": 60}}
    wrong = await client.put(f"/schemes/{flag.scheme_id}", json=body, headers=ORGANISER)
    assert code_of(wrong) == (422, "invalid")
    other = await client.put(
        f"/schemes/{flag.scheme_id}", json=mark.model_dump(mode="json"), headers=ORGANISER
    )
    assert code_of(other) == (422, "scheme_id_differs")
