"""A selection from its nominations to its awards, over HTTP."""

import json
from hashlib import sha256
from typing import Any

import httpx
import pytest

from services.awards.choosing.award import Awarder
from services.awards.choosing.store import ChoiceStore
from services.awards.known.store import KnownStore
from services.awards.selections.store import SelectionStore
from shared.storage.mongo import Database
from tests.awards.parts import Parts
from tests.awards.selections.builders import held
from tests.support.service import ORGANISER, as_participant, code_of, in_outbox

pytestmark = pytest.mark.stack


def awarder(database: Database) -> Awarder:
    parts = Parts(database)
    return Awarder(SelectionStore(database), ChoiceStore(database), parts.schemes, parts.issuer)


async def said(database: Database, topic: str) -> list[dict[str, Any]]:
    return [json.loads(body) for body in await in_outbox(database, topic)]


async def test_the_winners_of_the_committee_get_their_awards_and_nobody_else(
    client: httpx.AsyncClient, database: Database, known: KnownStore
) -> None:
    of = await held(client, known)
    first, second, third = await of.shortlisted()
    assert code_of(await of.decide({first: 7, second: 6, third: 5})) == (409, "selection_in_other_phase")
    await of.end_notice()
    answer = await of.decide({first: 3, second: 6, third: 5})
    assert answer.json()["winners"] == [second, third]
    assert (await of.decide({first: 3, second: 6, third: 5})).json() == answer.json()
    assert code_of(await of.decide({first: 7, second: 6, third: 5})) == (409, "selection_decided")
    [decided] = await said(database, "selection.decided")
    assert (decided["winners"], decided["left_out"]) == ([second, third], [])

    for one in (awarder(database), awarder(database)):
        assert await ChoiceStore(database).to_issue("", 10) in ([of.of.selection_id], [])
        await one.go_on(of.of.selection_id)
    assert await ChoiceStore(database).to_issue("", 10) == []
    issued = await said(database, "award.issued")
    assert {one["recipient_id"] for one in issued} == {second, third}
    assert {one["cause"] for one in issued} == {of.of.selection_id}
    assert len(issued) == 2
    confer = {"scheme_id": of.of.scheme_id, "recipient_id": first}
    assert code_of(await client.post("/awards", json=confer, headers=ORGANISER)) == (
        422,
        "scheme_not_conferred",
    )


async def test_scores_are_seen_by_nobody_else_until_the_end_and_then_match_their_commitments(
    client: httpx.AsyncClient, database: Database, known: KnownStore
) -> None:
    of = await held(client, known)
    [nominee] = await of.nominees(1)
    one, other, *_ = await of.experts(2)
    assert (await of.score(one, nominee, 80)).json()["version"] == 1
    assert (await of.score(one, nominee, 80)).json()["version"] == 1
    assert (await of.score(one, nominee, 81)).json()["version"] == 2
    assert (await of.ask("assignments", other))["assignments"] == [{"participant_id": nominee, "score": None}]
    for what in ("ranking", "scores/export"):
        refused = await client.get(f"{of.path}/{what}", headers=ORGANISER)
        assert code_of(refused) == (409, "selection_in_other_phase")
    told = await said(database, "selection.scored")
    assert [event["version"] for event in told] == [1, 2]
    assert all("points" not in event and "salt" not in event for event in told)
    await of.score(other, nominee, 40)
    await of.end_scoring()
    assert code_of(await of.score(one, nominee, 10)) == (409, "selection_in_other_phase")
    assert (await of.post("shortlist", allow_fewer=True)).is_success
    [shortlisted] = await said(database, "selection.shortlisted")
    told = await said(database, "selection.scored")
    commitments = {(event["expert_id"], event["version"]): event["commitment"] for event in told}
    for score in shortlisted["scores"]:
        text = "|".join(
            [
                score["salt"],
                of.of.selection_id,
                score["expert_id"],
                nominee,
                str(score["version"]),
                ",".join(map(str, score["points"])),
            ]
        )
        assert sha256(text.encode()).hexdigest() == commitments[score["expert_id"], score["version"]]
    assert {(score["expert_id"], score["points"][0]) for score in shortlisted["scores"]} == {
        (one, 81),
        (other, 40),
    }


async def test_who_declares_a_conflict_judges_no_more_and_somebody_else_does(
    client: httpx.AsyncClient, database: Database, known: KnownStore
) -> None:
    of = await held(client, known)
    [nominee] = await of.nominees(1)
    experts = await of.experts(3)
    panel = (await of.post("assignments")).json()
    one, other = panel["assigned"][nominee]
    [free] = set(experts) - {one, other}
    await of.score(one, nominee, 100)
    assert (await of.post("conflicts", one, participant_id=nominee, code="family")).status_code == 204
    assert (await of.post("conflicts", one, participant_id=nominee, code="family")).status_code == 204
    panel = (await of.post("assignments")).json()
    assert set(panel["assigned"][nominee]) == {other, free}
    assert code_of(await of.score(one, nominee, 100)) == (403, "not_an_expert")
    assert code_of(await client.get(f"{of.path}/nominees/{nominee}", headers=as_participant(one))) == (
        403,
        "not_an_expert",
    )
    await of.score(other, nominee, 50, 0)
    await of.score(free, nominee, 50, 0)
    await of.end_scoring()
    [ranked] = (await of.ask("ranking"))["ranking"]
    assert (ranked["score"], ranked["experts"]) == ("30.0000", 2)


async def test_an_objection_that_is_upheld_leaves_a_candidate_out_and_an_open_one_stops_the_decision(
    client: httpx.AsyncClient, database: Database, known: KnownStore
) -> None:
    of = await held(client, known, notice_seconds=2)
    first, second, third = await of.shortlisted()
    [citizen] = await of.people("citizen")
    mine = await of.post("objections", citizen, recipient_id=first, text="成果并非本人完成")
    theirs = await of.post("objections", recipient_id=second, text="来信反映")
    again = await of.post("objections", citizen, recipient_id=first, text="成果并非本人完成，附证明")
    assert [one.status_code for one in (mine, theirs, again)] == [201, 201, 200]
    assert again.json() == mine.json()
    assert code_of(await of.post("objections", citizen, recipient_id=citizen, text="…")) == (
        404,
        "not_in_notice",
    )
    shown = (await of.ask("objections"))["objections"]
    assert {(one["by"], one["text"], one["outcome"]) for one in shown} == {
        (citizen, "成果并非本人完成", None),
        (None, "来信反映", None),
    }
    await of.end_notice()
    late = await of.post("objections", citizen, recipient_id=third, text="太晚")
    assert code_of(late) == (409, "notice_ended")
    assert code_of(await of.decide({second: 7, third: 6})) == (409, "objections_undecided")
    for one, outcome in ((mine, "upheld"), (theirs, "dismissed")):
        path = f"objections/{one.json()['objection_id']}/decision"
        assert (await of.post(path, outcome=outcome, reason="经核实")).json()["outcome"] == outcome
    assert code_of(await of.post(path, outcome="upheld", reason="…")) == (409, "objection_decided")
    # By the same request again, also after the end, whoever objects sees the outcome.
    again = await of.post("objections", citizen, recipient_id=first, text="成果并非本人完成")
    assert (again.status_code, again.json()["outcome"]) == (200, "upheld")
    assert code_of(await of.decide({first: 7, second: 7, third: 6})) == (422, "votes_differ")
    assert (await of.decide({second: 7, third: 6})).json()["winners"] == [second, third]
    [decided] = await said(database, "selection.decided")
    assert decided["left_out"] == [first]
    objected = await said(database, "award.objected")
    assert {(one["selection_id"], one["scheme_id"]) for one in objected} == {
        (of.of.selection_id, of.of.scheme_id)
    }
    assert [(one["recipient_id"], one["version"], one["status"]) for one in objected] == [
        (first, 1, "made"),
        (second, 1, "made"),
        (first, 2, "upheld"),
        (second, 2, "dismissed"),
    ]
    told = str([*await all_said(database), *objected])
    for word in ("来信", "成果", "经核实", citizen):
        assert word not in told


async def all_said(database: Database) -> list[dict[str, Any]]:
    topics = ("opened", "nominated", "admitted", "scored", "shortlisted", "decided")
    return [event for topic in topics for event in await said(database, f"selection.{topic}")]


async def test_words_about_people_are_in_no_event_and_for_organisers_and_their_experts_alone(
    client: httpx.AsyncClient, database: Database, known: KnownStore
) -> None:
    of = await held(client, known)
    nominee, citizen = await of.people("n", "citizen")
    words = {"statement": "一生奉献的秘密故事", "evidence": ["https://example.org/proof"]}
    assert (await of.post("nominations", citizen, participant_id=nominee, **words)).is_success
    await of.post("admissions", participant_id=nominee, code="eligible")
    [expert] = await of.experts(1)
    for who in (None, expert):
        [seen] = (await of.ask(f"nominees/{nominee}", who))["nominations"]
        assert (seen["statement"], seen["evidence"]) == (words["statement"], words["evidence"])
        assert citizen not in str(seen)
    assert code_of(await client.get(f"{of.path}/nominees/{nominee}", headers=as_participant(citizen))) == (
        403,
        "not_an_expert",
    )
    told = str(await all_said(database))
    for word in ("秘密故事", "proof", citizen):
        assert word not in told
