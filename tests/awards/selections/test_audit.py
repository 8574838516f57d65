"""The audit computes rankings, candidates, winners and awards again, and finds each that is wrong."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import pytest

from ops.audit.awards import audit_awards
from ops.audit.chain.sources import links_of_conferral
from ops.audit.log import Log
from services.awards.known.store import KnownStore
from shared.messaging.publisher import Record
from shared.storage.mongo import Database, Document
from shared.storage.outbox import waiting
from tests.awards.selections.builders import held
from tests.awards.selections.test_flow import awarder
from tests.support.chained import differing
from tests.support.logged import entries

pytestmark = pytest.mark.stack


async def wrong(database: Database, records: Sequence[Record]) -> set[str]:
    found = await audit_awards(Log(entries(records)), database, [])
    return {one.name for one in found if not one.agrees}


async def played(client: httpx.AsyncClient, database: Database, known: KnownStore) -> list[Record]:
    """A whole selection, with an objection of each kind and somebody who withdrew; its log."""
    of = await held(client, known, candidates_at_most=5, places=2, experts_per_nominee=5, drop_extremes=True)
    nominees = await of.nominees(6)
    experts = await of.experts(5)
    await of.score_all(experts, {one: 95 - place * 7 for place, one in enumerate(nominees)})
    await of.score(experts[0], nominees[0], 96, 3)
    await of.end_scoring()
    assert (await of.post("shortlist")).is_success
    first, second, third, fourth, fifth = nominees[:5]
    decision = "objections/{}/decision"
    for about, outcome in ((first, "upheld"), (second, "dismissed")):
        one = (await of.post("objections", recipient_id=about, text="来信反映")).json()["objection_id"]
        await of.post(decision.format(one), outcome=outcome, reason="经调查")
    await of.post("withdrawals", fifth, participant_id=fifth)
    await of.end_notice()
    assert (await of.decide({second: 7, third: 2, fourth: 5})).json()["winners"] == [second, fourth]
    await awarder(database).go_on(of.of.selection_id)
    return list(await waiting(database))


SPOILT: list[tuple[str, Document, Document | None, str]] = [
    ("selections", {}, {"$set": {"terms.places": 3}}, "selections are as published"),
    ("selections", {}, {"$inc": {"version": 1}}, "selections are published (selection.opened)"),
    (
        "selection_nominees",
        {"withdrawn_at": None},
        {"$set": {"admitted": False}},
        "nominees are as published",
    ),
    ("selection_nominees", {}, {"$inc": {"version": 1}}, "nominees are as published"),
    (
        "selection_scores",
        {"given.1": {"$exists": True}},
        {"$inc": {"given.1.points.0": -1}},
        "all scores that count are published, as stored",
    ),
    (
        "objections",
        {"outcome": "dismissed"},
        {"$set": {"outcome": "upheld"}},
        "objections are published (award.objected)",
    ),
    ("selection_choices", {}, None, "votes are published (selection.decided)"),
    ("awards", {}, None, "awards are given"),
]


async def _the_chain_names_what_is_wrong(database: Database, records: Sequence[Record]) -> None:
    assert await differing(database, records, links_of_conferral) == set()
    for lost, named in (
        ("selection.opened", {"selection.opened"}),
        ("selection.nominated", {"selection.nominated"}),
        ("selection.scored", {"selection.shortlisted"}),
        ("selection.shortlisted", {"selection.shortlisted", "selection.decided"}),
        ("selection.decided", {"selection.decided"}),
    ):
        assert await differing(database, records, links_of_conferral, lost) == named


async def test_the_audit_agrees_with_a_selection_and_notices_what_is_stored_otherwise(
    client: httpx.AsyncClient, database: Database, known: KnownStore
) -> None:
    records = await played(client, database, known)
    assert await wrong(database, records) == set()
    await _the_chain_names_what_is_wrong(database, records)
    for collection, which, change, notices in SPOILT:
        spoilt = database[collection]
        right = await spoilt.find_one(which)
        assert right is not None, notices
        await spoilt.delete_one({"_id": right["_id"]})
        if change is not None:
            await spoilt.insert_one(right)
            assert (await spoilt.update_one({"_id": right["_id"]}, change)).modified_count == 1
        assert notices in await wrong(database, records)
        await spoilt.replace_one({"_id": right["_id"]}, right, upsert=True)
    assert await wrong(database, records) == set()


def points_changed(event: dict[str, Any]) -> None:
    event["scores"][0]["points"][0] -= 1


def ranks_changed(event: dict[str, Any]) -> None:
    event["ranking"][0]["score"] = "99.0000"


def another_candidate(event: dict[str, Any]) -> None:
    event["candidates"] = event["candidates"][1:]


def another_winner(event: dict[str, Any]) -> None:
    event["winners"] = [event["votes"][1]["participant_id"]]


def nobody_left_out(event: dict[str, Any]) -> None:
    event["left_out"] = event["left_out"][1:]


def somebody_else_left_out(event: dict[str, Any]) -> None:
    event["left_out"] = [*event["left_out"], event["votes"][-1]["participant_id"]]


def somebody_not_voted_about(event: dict[str, Any]) -> None:
    event["votes"] = [one for one in event["votes"] if one["participant_id"] in event["winners"]]


def objection_dismissed(event: dict[str, Any]) -> None:
    event["status"] = "dismissed"


def objection_open(event: dict[str, Any]) -> None:
    event["status"] = "made"


DECIDED = "winners follow from the votes, after the notice and all objections"
LEFT_OUT = "an upheld objection left the candidate out of the vote, and nobody else was"
# The topic, which of its events in order, what is changed in it, and the statement that is wrong then.
FORGED: list[tuple[str, int, Callable[[dict[str, Any]], None], str]] = [
    ("selection.shortlisted", 0, points_changed, "published scores match their commitments"),
    ("selection.shortlisted", 0, ranks_changed, "rankings follow from the published scores"),
    ("selection.shortlisted", 0, another_candidate, "candidates are the best of the ranking"),
    ("selection.decided", 0, another_winner, DECIDED),
    ("selection.decided", 0, another_winner, "awards are given"),
    ("selection.decided", 0, nobody_left_out, LEFT_OUT),
    ("selection.decided", 0, somebody_else_left_out, LEFT_OUT),
    ("selection.decided", 0, somebody_not_voted_about, LEFT_OUT),
    # The first objection is upheld by the second event, and the other one dismissed by the fourth.
    ("award.objected", 1, objection_dismissed, LEFT_OUT),
    ("award.objected", 3, objection_open, DECIDED),
]


async def test_the_audit_notices_what_is_published_otherwise(
    client: httpx.AsyncClient, database: Database, known: KnownStore
) -> None:
    records = await played(client, database, known)
    for topic, number, forge, notices in FORGED:
        place = [place for place, one in enumerate(records) if one[0] == topic][number]
        name, key, value, headers = records[place]
        event = json.loads(value or b"")
        forge(event)
        forged = [*records[:place], (name, key, json.dumps(event).encode(), headers), *records[place + 1 :]]
        assert notices in await wrong(database, forged), forge
