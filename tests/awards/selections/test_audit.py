"""The audit computes rankings, candidates, winners and awards again, and finds each that is wrong."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import pytest

from ops.audit.awards import audit_awards
from ops.audit.log import Log
from services.awards.known.store import KnownStore
from shared.messaging.publisher import Record
from shared.storage.mongo import Database, Document
from shared.storage.outbox import waiting
from tests.awards.selections.builders import held
from tests.awards.selections.test_flow import awarder
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
    for about, upheld in ((first, True), (second, False)):
        one = (await of.post("objections", participant_id=about, text="来信反映")).json()["objection_id"]
        await of.post(decision.format(one), upheld=upheld, reason="经调查")
    await of.post("withdrawals", fifth, participant_id=fifth)
    await of.end_notice()
    assert (await of.decide({second: 7, third: 2, fourth: 5})).json()["winners"] == [second, fourth]
    await awarder(database).go_on(of.of.selection_id)
    return list(await waiting(database))


async def test_the_audit_agrees_with_a_selection(
    client: httpx.AsyncClient, database: Database, known: KnownStore
) -> None:
    assert await wrong(database, await played(client, database, known)) == set()


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
        "selection_objections",
        {"upheld": False},
        {"$set": {"upheld": True}},
        "winners follow from the votes, after the notice and without upheld objections",
    ),
    ("selection_choices", {}, None, "votes are published (selection.decided)"),
    ("awards", {}, None, "awards are given"),
]


@pytest.mark.parametrize(("collection", "which", "change", "notices"), SPOILT)
async def test_the_audit_notices_what_is_stored_otherwise(
    client: httpx.AsyncClient,
    database: Database,
    known: KnownStore,
    collection: str,
    which: Document,
    change: Document | None,
    notices: str,
) -> None:
    records = await played(client, database, known)
    spoilt = database[collection]
    if change is None:
        assert (await spoilt.delete_one(which)).deleted_count == 1
    else:
        assert (await spoilt.update_one(which, change)).modified_count == 1
    assert notices in await wrong(database, records)


def points_changed(event: dict[str, Any]) -> None:
    event["scores"][0]["points"][0] -= 1


def ranks_changed(event: dict[str, Any]) -> None:
    event["ranking"][0]["score"] = "99.0000"


def another_candidate(event: dict[str, Any]) -> None:
    event["candidates"] = event["candidates"][1:]


def another_winner(event: dict[str, Any]) -> None:
    event["winners"] = [event["votes"][1]["participant_id"]]


FORGED: list[tuple[str, Callable[[dict[str, Any]], None], str]] = [
    ("selection.shortlisted", points_changed, "published scores match their commitments"),
    ("selection.shortlisted", ranks_changed, "rankings follow from the published scores"),
    ("selection.shortlisted", another_candidate, "candidates are the best of the ranking"),
    (
        "selection.decided",
        another_winner,
        "winners follow from the votes, after the notice and without upheld objections",
    ),
    ("selection.decided", another_winner, "awards are given"),
]


@pytest.mark.parametrize(("topic", "forge", "notices"), FORGED)
async def test_the_audit_notices_what_is_published_otherwise(
    client: httpx.AsyncClient,
    database: Database,
    known: KnownStore,
    topic: str,
    forge: Callable[[dict[str, Any]], None],
    notices: str,
) -> None:
    records = await played(client, database, known)
    [place] = [place for place, one in enumerate(records) if one[0] == topic]
    name, key, value, headers = records[place]
    event = json.loads(value or b"")
    forge(event)
    records[place] = (name, key, json.dumps(event).encode(), headers)
    assert notices in await wrong(database, records)
