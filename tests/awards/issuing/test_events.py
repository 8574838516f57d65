"""Results and closings on the real broker and database: each award once, whatever is repeated."""

import asyncio
from typing import Any

import pytest

from services.awards.issued.codes import award_code, award_id
from shared.contracts.events import AwardIssued, AwardRevoked
from shared.contracts.topics import AWARDS, dead_letters
from shared.storage.mongo import connect
from tests.awards.builders import (
    AWARD_KEY,
    certificate,
    closed,
    completed,
    erased,
    joined,
    prizes,
    scheme,
    standings,
    week,
)
from tests.awards.dead import dead_codes
from tests.support.service import ORGANISER, as_participant, new_id
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack


async def test_redelivered_results_and_several_passing_attempts_make_one_certificate(
    kafka: str, mongo: str
) -> None:
    quiz, people = new_id("quiz"), [new_id("p") for _ in range(30)]
    of = certificate(quiz)
    async with week(kafka, mongo) as awards:
        await awards.put(of)
        first = [completed(quiz, one) for one in people]
        failed = [completed(quiz, new_id("failed"), 59) for _ in range(5)]
        better = [completed(quiz, one, 100) for one in people]
        await awards.publish(*first, *failed)
        await awards.publish(*better, *first)
        await awards.all_handled(quiz)
        await awards.publish(*first)
        await awards.all_handled(quiz)
        issued = await awards.awards(of.scheme_id)
        said = await awards.said(of.scheme_id)
    assert {award["recipient_id"] for award in issued} == set(people)
    assert len(issued) == len(people)
    assert {award["cause"] for award in issued} == {result.result_id for result in first}
    events = dict(said)
    assert len(events) == len(people)
    # A repeat may say it again, but never differently.
    assert all(events[id_] == event for id_, event in said)
    assert {event.award_code for event in events.values()} == {award["award_code"] for award in issued}


async def test_what_was_stored_before_a_crash_and_not_told_is_told_on_the_repeat(
    kafka: str, mongo: str
) -> None:
    quiz, person = new_id("quiz"), new_id("p")
    of, result = certificate(quiz), completed(quiz, person)
    async with (
        week(kafka, mongo, database=(name := f"awards_{new_id('x')[2:]}")) as awards,
        connect(mongo, name) as database,
    ):
        await awards.put(of)
        stored: dict[str, Any] = {
            "_id": award_id(of.scheme_id, person),
            "award_code": "KW-00000-00000",
            "scheme_id": of.scheme_id,
            "scheme_title": "as it was then",
            "kind": "certificate",
            "recipient_id": person,
            "cause": result.result_id,
            "issued_at": result.completed_at.replace(microsecond=0),
            "relayed": False,
            "version": 1,
        }
        await database["awards"].insert_one(stored)
        await awards.publish(result)
        [(_, event)] = await eventually(lambda: awards.said(of.scheme_id), lambda said: len(said) == 1)
    assert isinstance(event, AwardIssued)
    assert (event.award_code, event.scheme_title, event.cause, event.issued_at) == (
        stored["award_code"],
        stored["scheme_title"],
        result.result_id,
        stored["issued_at"],
    )


async def test_two_copies_share_the_work_and_issue_each_award_once(kafka: str, mongo: str) -> None:
    quiz, people = new_id("quiz"), [new_id("p") for _ in range(300)]
    of = certificate(quiz)
    async with week(kafka, mongo, copies=2) as awards:
        await awards.put(of)
        results = [completed(quiz, one) for one in people]
        for start in range(0, 300, 50):
            await awards.publish(*results[start : start + 50])
        await awards.publish(*results)
        await awards.all_handled(quiz)
        issued = await awards.awards(of.scheme_id)
        said = await awards.said(of.scheme_id)
        for copy in awards.clients:
            health = (await copy.get("/health")).json()
            assert health["status"] == "ok", health
    assert {award["recipient_id"] for award in issued} == set(people)
    assert len(issued) == len({id_ for id_, _ in said}) == len(people)
    assert all(type(event) is AwardIssued for _, event in said)


async def test_a_closing_before_its_results_awards_by_its_own_standings_once(kafka: str, mongo: str) -> None:
    quiz = new_id("quiz")
    tiers, pass_mark = prizes(quiz, gold=2, silver=1, bronze=1), certificate(quiz)
    async with week(kafka, mongo) as awards:
        await awards.put(tiers, pass_mark)
        closing = closed(quiz, standings(1, 2, 2, 4, 5))
        await awards.publish(closing)
        await eventually(lambda: awards.awards(tiers.scheme_id), lambda found: len(found) == 4)
        await awards.publish(*[completed(quiz, f"p{n}", 90) for n in range(5)], closing)
        await awards.all_handled(quiz)
        issued = await awards.awards(tiers.scheme_id)
        certificates = await awards.awards(pass_mark.scheme_id)
        said = await awards.said(tiers.scheme_id)
    assert {award["recipient_id"]: award["tier"] for award in issued} == {
        "p0": "gold",
        "p1": "gold",
        "p2": "gold",
        "p3": "bronze",
    }
    assert len(certificates) == 5
    assert len({id_ for id_, _ in said}) == 4


async def test_a_closing_too_short_for_one_scheme_is_dead_lettered_and_decides_the_others(
    kafka: str, mongo: str
) -> None:
    quiz = new_id("quiz")
    few, many = prizes(quiz, gold=1), prizes(quiz, gold=500)
    async with week(kafka, mongo) as awards:
        await awards.put(few, many)
        await awards.publish(closed(quiz, standings(1, 2, 3), participants=2_000))
        [award] = await eventually(lambda: awards.awards(few.scheme_id), bool)
        assert (award["recipient_id"], award["tier"]) == ("p0", "gold")
        codes = await eventually(lambda: dead_codes(kafka, dead_letters("quiz.closed", AWARDS), quiz), bool)
        assert len(await awards.awards(many.scheme_id)) == 3
        for of, undecided in ((few, False), (many, True)):
            state = await awards.client.get(f"/schemes/{of.scheme_id}/state", headers=ORGANISER)
            assert (state.json()["undecided"] is not None) == undecided
        applied = await awards.client.post(f"/schemes/{many.scheme_id}/apply", headers=ORGANISER)
        assert applied.json() == {"issued": 0, "after": None, "undecided": True}
    assert codes == ["standings_too_short"]


async def test_a_revoked_award_stays_revoked_and_is_told_of_once(kafka: str, mongo: str) -> None:
    quiz, person = new_id("quiz"), new_id("p")
    of, result = certificate(quiz), completed(quiz, person)
    async with week(kafka, mongo) as awards:
        await awards.put(of)
        await awards.publish(result)
        [award] = await eventually(lambda: awards.awards(of.scheme_id), bool)
        path = f"/awards/{award['award_id']}/revoke"
        reasons = ["成绩复核后撤销", "another reason"]
        answers = await asyncio.gather(
            *[awards.client.post(path, json={"reason": reason}, headers=ORGANISER) for reason in reasons * 3]
        )
        # One of the two reasons comes first, and stays.
        assert sorted(answer.status_code for answer in answers) == [200] * 3 + [409] * 3
        done = [answer.json() for answer in answers if answer.is_success]
        assert len({(award["reason"], award["revoked_at"]) for award in done}) == 1
        refused = [answer.json()["code"] for answer in answers if not answer.is_success]
        assert refused == ["award_revoked"] * 3
        await eventually(
            lambda: awards.said(of.scheme_id),
            lambda said: any(type(event) is AwardRevoked for _, event in said),
        )
        # The result again, and a better one: the award does not come back.
        await awards.publish(result, completed(quiz, person, 100))
        await awards.all_handled(quiz)
        [still] = await awards.awards(of.scheme_id)
        said = await awards.said(of.scheme_id)
    assert still["status"] == "revoked"
    # They are two topics: their order is the reader's.
    assert len({id_ for id_, event in said if type(event) is AwardIssued}) == 1
    assert len([event for _, event in said if type(event) is AwardRevoked]) == 1


async def test_a_scheme_put_late_is_applied_to_earlier_results_once(kafka: str, mongo: str) -> None:
    quiz, people = new_id("quiz"), [new_id("p") for _ in range(40)]
    pass_mark, tiers = certificate(quiz, 80), prizes(quiz, gold=1)
    async with week(kafka, mongo) as awards:
        best = [completed(quiz, one, 80) for one in people]
        await awards.publish(*[completed(quiz, one, 30) for one in people], *best)
        await awards.publish(
            *[completed(quiz, one, 50) for one in people], completed(quiz, new_id("low"), 79)
        )
        await awards.publish(closed(quiz, standings(1, 2)))
        await awards.all_handled(quiz)
        await awards.put(pass_mark, tiers)
        assert await awards.awards(pass_mark.scheme_id) == []
        path = f"/schemes/{pass_mark.scheme_id}/apply"
        applied = [await awards.client.post(path, headers=ORGANISER) for _ in range(2)]
        assert [answer.json() for answer in applied] == [
            {"issued": 40, "after": None, "undecided": False},
            {"issued": 0, "after": None, "undecided": False},
        ]
        ranked = await awards.client.post(f"/schemes/{tiers.scheme_id}/apply", headers=ORGANISER)
        assert ranked.json() == {"issued": 1, "after": None, "undecided": False}
        said = await eventually(lambda: awards.said(pass_mark.scheme_id), lambda said: len(said) == 40)
        # The results once more: the awards are there, and the outbox has told of them.
        await awards.publish(*best)
        await awards.all_handled(quiz)
        assert len(await awards.said(pass_mark.scheme_id)) == 40
    causes = {event.cause for _, event in said if isinstance(event, AwardIssued)}
    assert causes == {result.result_id for result in best}


async def test_an_award_whose_code_is_taken_draws_the_next_one(kafka: str, mongo: str) -> None:
    quiz, person = new_id("quiz"), new_id("p")
    of, name = certificate(quiz), f"awards_{new_id('x')[2:]}"
    id_, key = award_id(of.scheme_id, person), AWARD_KEY.encode()
    async with week(kafka, mongo, database=name) as awards, connect(mongo, name) as database:
        await awards.put(of)
        await database["awards"].insert_one({"_id": "other", "award_code": award_code(id_, key)})
        await awards.publish(completed(quiz, person))
        [award] = await eventually(lambda: awards.awards(of.scheme_id), bool)
    assert award["award_code"] == award_code(id_, key, 1)


async def test_who_is_erased_gets_nothing_more_and_what_was_conferred_keeps_no_note(
    kafka: str, mongo: str
) -> None:
    quiz, gone, stays, flag = new_id("quiz"), new_id("p"), new_id("p"), scheme()
    of = certificate(quiz)
    async with week(kafka, mongo) as awards:
        await awards.put(of, flag)
        await awards.publish(joined(gone), joined(stays))
        for one in (gone, stays):
            body = {"scheme_id": flag.scheme_id, "recipient_id": one, "note": "张三领取"}
            answer = await awards.client.post("/awards", json=body, headers=ORGANISER)
            assert answer.status_code == 201, answer.text
        code = {award["recipient_id"]: award["award_code"] for award in await awards.awards(flag.scheme_id)}
        await awards.publish(erased(gone))

        async def own() -> int:
            return (await awards.client.get("/me/awards", headers=as_participant(gone))).status_code

        await eventually(own, lambda status: status == 401)
        await awards.publish(completed(quiz, gone), completed(quiz, stays))
        await awards.all_handled(quiz)
        assert [award["recipient_id"] for award in await awards.awards(of.scheme_id)] == [stays]
        assert {award["recipient_id"]: award["note"] for award in await awards.awards(flag.scheme_id)} == {
            gone: None,
            stays: "张三领取",
        }
        seen = (await awards.client.get(f"/awards/{code[gone]}")).json()
        said = await awards.said(of.scheme_id)
    assert (seen["status"], seen["recipient_id"], seen["scheme_title"]) == ("held", None, flag.title)
    assert {event.recipient_id for _, event in said} == {stays}
