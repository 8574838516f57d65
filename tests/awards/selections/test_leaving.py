"""Whoever is erased leaves nothing in a selection; it goes on without them, and after a killed process."""

import asyncio

import httpx
import pytest

from services.awards.choosing.award import Awarder
from services.awards.choosing.forget import SelectionLeavers
from services.awards.choosing.store import ChoiceStore
from services.awards.judging.panels import Panels
from services.awards.judging.store import JudgingStore
from services.awards.known.store import KnownStore
from services.awards.objections.store import ObjectionStore
from services.awards.selections.store import SelectionStore
from shared.storage.mongo import Database
from tests.awards.following.test_crashes import DiedError, Life, Mortal
from tests.awards.parts import Parts
from tests.awards.selections.builders import Held, held
from tests.support.service import code_of, in_outbox

pytestmark = pytest.mark.stack


async def erase(database: Database, known: KnownStore, *participant_ids: str) -> None:
    """As the handler of erasures does, twice: each event may come again."""
    selections, judging = SelectionStore(database), JudgingStore(database)
    panels = Panels(selections, judging, known)
    leavers = SelectionLeavers(selections, judging, panels)
    for _ in range(2):
        await known.erase(participant_ids)
        await leavers.forget(participant_ids)
        await ObjectionStore(database).forget(participant_ids)


async def everything(database: Database) -> str:
    """All that selections have stored, but the pseudonymous ids in what was published."""
    names = ("selection_nominees", "selection_nominations", "selection_panels", "selection_scores")
    found = [await database[name].find().to_list(None) for name in (*names, "objections")]
    return str(found)


async def test_an_erased_nominee_nominator_and_expert_leave_nothing_and_others_take_their_places(
    client: httpx.AsyncClient, database: Database, known: KnownStore
) -> None:
    of = await held(client, known)
    nominees = await of.nominees(4)
    [citizen] = await of.people("citizen")
    await of.post("nominations", citizen, participant_id=nominees[1], statement="市民的话", evidence=["证明"])
    experts = await of.experts(3)
    await of.score_all(experts, {one: 90 - place * 10 for place, one in enumerate(nominees)})
    await erase(database, known, nominees[0], citizen, experts[0])
    left = await everything(database)
    for gone in (nominees[0], citizen, experts[0], "市民的话", "证明"):
        assert gone not in left
    panel = (await of.post("assignments")).json()
    assert panel["assigned"].keys() == set(nominees[1:])
    assert all(len(by) == 2 for by in panel["assigned"].values())
    await of.end_scoring()
    assert code_of(await of.post("shortlist")) == (409, "scores_missing")
    answer = await of.post("shortlist", allow_missing=True)
    assert [one["participant_id"] for one in answer.json()["candidates"]] == nominees[1:]
    assert code_of(await of.post("nominations", participant_id=nominees[0], statement="再次")) == (
        409,
        "selection_in_other_phase",
    )


async def test_an_erased_candidate_is_not_voted_about_and_gets_no_award(
    client: httpx.AsyncClient, database: Database, known: KnownStore
) -> None:
    of = await held(client, known)
    first, second, third = await of.shortlisted()
    [citizen] = await of.people("citizen")
    await of.post("objections", citizen, recipient_id=second, text="市民的异议")
    await of.post("objections", recipient_id=first, text="关于被注销者")
    await erase(database, known, first, citizen)
    left = await everything(database)
    for gone in (first, citizen, "市民的异议", "关于被注销者"):
        assert gone not in left
    shown = await of.ask("candidates")
    assert [one["participant_id"] for one in shown["candidates"]] == [second, third]
    # What somebody had against the erased stops nobody. An objection by an erased person is decided.
    await of.end_notice()
    assert code_of(await of.decide({second: 7, third: 6})) == (409, "objections_undecided")
    left_ones = (await of.ask("objections"))["objections"]
    [objection] = [one for one in left_ones if one["recipient_id"] == second]
    path = f"objections/{objection['objection_id']}/decision"
    assert (await of.post(path, outcome="dismissed", reason="无从查证")).is_success
    assert (await of.decide({second: 7, third: 6})).json()["winners"] == [second, third]
    [told] = await in_outbox(database, "selection.decided")
    assert first not in told


async def test_a_winner_who_is_erased_before_the_award_gets_none(
    client: httpx.AsyncClient, database: Database, known: KnownStore
) -> None:
    of = await held(client, known)
    first, second, third = await of.shortlisted()
    await of.end_notice()
    await of.decide({first: 7, second: 6, third: 1})
    await erase(database, known, first)
    await awarder_of(database).go_on(of.of.selection_id)
    assert [second in body for body in await in_outbox(database, "award.issued")] == [True]
    assert (await of.ask("candidates"))["winners"] == [second]


def awarder_of(database: Database, life: Life | None = None) -> Awarder:
    parts = Parts(database)
    choices = ChoiceStore(database)
    if life is not None:
        choices = Mortal(choices, life)  # type: ignore[assignment]
        parts.issuer._awards = Mortal(parts.awards, life)  # type: ignore[assignment]
    return Awarder(SelectionStore(database), choices, parts.schemes, parts.issuer)


async def test_a_process_that_dies_between_any_two_steps_of_issuing_leaves_no_award_out_and_doubles_none(
    client: httpx.AsyncClient, database: Database, known: KnownStore
) -> None:
    for steps in range(1, 40):
        of = await held(client, known)
        first, second, third = await of.shortlisted(3)
        await of.end_notice()
        await of.decide({first: 7, second: 6, third: 1})
        before = len(await in_outbox(database, "award.issued"))
        try:
            await awarder_of(database, Life(steps)).go_on(of.of.selection_id)
        except DiedError:
            again = awarder_of(database)
            assert await ChoiceStore(database).to_issue("", 10) in ([of.of.selection_id], [])
            await asyncio.gather(
                again.go_on(of.of.selection_id), awarder_of(database).go_on(of.of.selection_id)
            )
        else:
            break
        issued = await in_outbox(database, "award.issued")
        assert len(issued) == before + 2
        assert await ChoiceStore(database).to_issue("", 10) == []
    assert steps > 5


async def test_of_requests_at_the_same_moment_each_counts_once(
    client: httpx.AsyncClient, database: Database, known: KnownStore
) -> None:
    of = await held(client, known)
    [nominee] = await of.people("n")
    # As many as persons may be of the five nominations of a nominee.
    citizens = await of.people(*["citizen"] * 3)
    answers = await asyncio.gather(
        *[of.post("nominations", one, participant_id=nominee, statement="推荐") for one in citizens * 2]
    )
    assert {one.status_code for one in answers} == {200}
    assert len(await in_outbox(database, "selection.nominated")) == 1
    assert (await SelectionStore(database).find(of.of.selection_id)).course.nominees == 1
    one_more = (await of.people("citizen"))[0]
    refused = await of.post("nominations", one_more, participant_id=nominee, statement="推荐")
    assert code_of(refused) == (409, "too_many_nominations")
    await of.post("admissions", participant_id=nominee, code="eligible")
    expert, _ = await of.experts(2)
    answers = await asyncio.gather(*[of.score(expert, nominee, 70) for _ in range(6)])
    assert [one.json()["version"] for one in answers] == [1] * 6
    assert len(await in_outbox(database, "selection.scored")) == 1


async def test_two_different_votes_at_the_same_moment_are_recorded_once(
    client: httpx.AsyncClient, database: Database, known: KnownStore
) -> None:
    of: Held = await held(client, known)
    first, second, third = await of.shortlisted()
    await of.end_notice()
    answers = await asyncio.gather(*[of.decide({first: 7, second: 6, third: votes}) for votes in (1, 2, 3)])
    assert sorted(one.status_code for one in answers) == [200, 409, 409]
    assert len(await in_outbox(database, "selection.decided")) == 1
