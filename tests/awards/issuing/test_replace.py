"""An organiser replaces an award: both awards say so, both change or none, and it happens once."""

import asyncio
from typing import Any

import httpx
import pytest

from ops.audit.awards import audit_awards
from ops.audit.log import Log
from services.awards.credentials.store import PlaceStore
from services.awards.issued.rules import Award
from services.awards.issuing.issue import Issuer
from services.awards.issuing.replace import Replacement, Replacing
from services.awards.known.store import KnownStore
from services.awards.schemes.rules import Scheme
from shared.contracts.events import AwardIssued, AwardRevoked
from shared.runtime.errors import Conflict
from shared.storage.mongo import Database, Document
from shared.storage.outbox import waiting
from tests.awards.builders import AWARD_KEY, NOW, certificate, confer, joined, noticed, put, scheme
from tests.awards.following.test_crashes import DiedError, Life, Mortal
from tests.awards.parts import Parts, new_parts
from tests.support.kafka import read_back
from tests.support.logged import entries
from tests.support.service import ORGANISER, code_of, new_id

pytestmark = pytest.mark.stack
REASON = "授予对象登记有误"
BROWSER = {"Accept": "text/html", "Accept-Language": "en"}


async def replaced(client: httpx.AsyncClient, award_id: str, **by: str) -> httpx.Response:
    body = {"reason": REASON} | by
    return await client.post(f"/awards/{award_id}/replace", json=body, headers=ORGANISER)


async def two_teams(client: httpx.AsyncClient, known: KnownStore) -> tuple[Scheme, dict[str, Any], str]:
    """A scheme, the award of one team by it, and another team."""
    of, team, other = scheme(), new_id("group"), new_id("group")
    await put(client, of)
    await known.add_participants([team, other])
    return of, (await confer(client, of, team)).json(), other


async def test_a_replaced_award_leads_to_the_one_in_its_place(
    client: httpx.AsyncClient, known: KnownStore, database: Database
) -> None:
    of, old, other = await two_teams(client, known)
    answer = await replaced(client, old["award_id"], recipient_id=other, note="更正")
    assert answer.status_code == 201, answer.text
    new = answer.json()
    assert (new["recipient_id"], new["scheme_id"], new["status"]) == (other, of.scheme_id, "held")
    assert (new["replaces"], new["superseded_by"], new["note"]) == (old["award_id"], None, "更正")
    seen = (await client.get(f"/awards/{old['award_code']}")).json()
    assert (seen["status"], seen["superseded_by_code"]) == ("superseded", new["award_code"])
    assert (seen["reason"], seen["revoked_at"]) == (REASON, new["issued_at"])
    page = await client.get(f"/verify/{old['award_code']}", params={"version": "1"}, headers=BROWSER)
    assert "Replaced: not valid any more" in page.text
    assert f'href="{new["award_code"]}"' in page.text
    said = (await client.get(f"/verify/{old['award_code']}")).json()
    assert (said["verdict"], said["superseded_by_code"]) == ("replaced", new["award_code"])
    records = await waiting(database)
    [revoked] = read_back(records, AwardRevoked)
    assert (revoked.event.award_id, revoked.event.superseded_by) == (old["award_id"], new["award_id"])
    told = {one.event.award_id: one.event.replaces for one in read_back(records, AwardIssued)}
    assert told == {old["award_id"]: None, new["award_id"]: old["award_id"]}
    counted = await client.get("/awards/statistics", params={"by": "kind"}, headers=ORGANISER)
    count = counted.json()["cells"][0]["count"]
    assert (count["held"], count["revoked"], count["superseded"]) == (1, 0, 1)


async def test_a_repeat_changes_nothing_and_another_replacement_or_a_reinstatement_is_refused(
    client: httpx.AsyncClient, known: KnownStore, database: Database
) -> None:
    _, old, other = await two_teams(client, known)
    first = await replaced(client, old["award_id"], recipient_id=other)
    said = len(await waiting(database))
    again = await replaced(client, old["award_id"], recipient_id=other)
    assert (again.status_code, again.json()) == (200, first.json())
    for different in ({"recipient_id": other, "reason": "另一原因"}, {"scheme_id": "another"}):
        assert code_of(await replaced(client, old["award_id"], **different)) == (409, "award_replaced")
    back = await client.post(f"/awards/{old['award_id']}/reinstate", headers=ORGANISER)
    assert code_of(back) == (409, "award_replaced")
    assert len(await waiting(database)) == said
    # The one in its place is an award like any other. A team whose award was replaced does not get it again.
    second = first.json()["award_id"]
    to_first = await replaced(client, second, recipient_id=old["recipient_id"])
    assert code_of(to_first) == (409, "award_revoked")
    later = scheme()
    await put(client, later)
    assert (await replaced(client, second, scheme_id=later.scheme_id)).status_code == 201


async def test_only_conferred_awards_are_replaced_and_only_by_such(
    client: httpx.AsyncClient, known: KnownStore, database: Database
) -> None:
    of, old, other = await two_teams(client, known)
    quiz, erased, holder = new_id("quiz"), new_id("p"), new_id("p")
    await known.add_quizzes([quiz])
    by_result, waits, draft = certificate(quiz), noticed(scheme()), scheme(draft=True)
    for one in (by_result, waits, draft):
        assert (await put(client, one)).status_code == 200
    await known.add_participants([erased, holder])
    await known.erase([erased])
    await confer(client, of, holder)
    id_ = old["award_id"]
    for by, refusal in (
        ({}, (422, "replacement_not_different")),
        ({"recipient_id": old["recipient_id"]}, (422, "replacement_not_different")),
        ({"scheme_id": by_result.scheme_id}, (422, "scheme_not_conferred")),
        ({"scheme_id": waits.scheme_id}, (409, "scheme_after_notice")),
        ({"scheme_id": draft.scheme_id}, (409, "scheme_draft")),
        ({"scheme_id": "nothing"}, (404, "scheme_unknown")),
        ({"recipient_id": "nobody"}, (404, "recipient_unknown")),
        ({"recipient_id": erased}, (409, "participant_erased")),
        ({"recipient_id": holder}, (409, "recipient_has_award")),
    ):
        assert code_of(await replaced(client, id_, **by)) == refusal, by
    assert code_of(await replaced(client, "nothing", recipient_id=other)) == (404, "award_unknown")
    # As if a rule had given it.
    await database["awards"].update_one({"_id": id_}, {"$set": {"scheme_id": by_result.scheme_id}})
    by_other = {"recipient_id": other, "scheme_id": of.scheme_id}
    assert code_of(await replaced(client, id_, **by_other)) == (422, "scheme_not_conferred")
    await database["awards"].update_one({"_id": id_}, {"$set": {"scheme_id": of.scheme_id}})
    assert (await client.get(f"/awards/{old['award_code']}")).json()["status"] == "held"
    await client.post(f"/awards/{id_}/revoke", json={"reason": "授予有误"}, headers=ORGANISER)
    assert code_of(await replaced(client, id_, recipient_id=other)) == (409, "award_revoked")


async def given(at: Parts, of: Scheme) -> tuple[Award, str]:
    """An award by this scheme, and somebody else."""
    person, other = new_id("p"), new_id("p")
    await at.know(joined(person), joined(other))
    return await at.confer(of, person), other


async def wrong(at: Parts) -> set[str]:
    checks = await audit_awards(Log(entries(await waiting(at.database))), at.database, [])
    return {one.name for one in checks if not one.agrees}


async def test_of_replacements_at_the_same_moment_one_is_made(mongo: str) -> None:
    async with new_parts(mongo, copies=2) as [at, copy]:
        of = scheme()
        await at.put(of)
        old, other = await given(at, of)
        third = new_id("p")
        await at.know(joined(third))
        both = await asyncio.gather(
            at.replacing.replace(old.award_id, Replacement(REASON, recipient_id=other)),
            copy.replacing.replace(old.award_id, Replacement(REASON, recipient_id=third)),
            return_exceptions=True,
        )
        assert sorted(one.code for one in both if isinstance(one, Conflict)) == ["award_replaced"]
        held = {one.recipient_id for one in (await at.issued(of)).values() if one.is_valid}
        assert len(held) == 1
        assert held < {other, third}
        assert await wrong(at) == set()


async def test_the_credential_of_a_replaced_award_is_revoked_and_no_word_about_the_erased_is_stored(
    mongo: str,
) -> None:
    async with new_parts(mongo) as [at]:
        of, places = scheme(), PlaceStore(at.database)
        await at.put(of)
        await places.prepare()
        old, other = await given(at, of)
        place = await places.place_of(old)
        await at.known.erase([old.recipient_id])
        new, _ = await at.replacing.replace(old.award_id, Replacement(REASON, recipient_id=other))
        assert [(one.place, one.is_superseded) for one in await places.changed(0)] == [(place, False)]
        assert await places.place_of(new) not in (None, place)
        assert (await at.awards.find([old.award_id]))[old.award_id].reason == "revoked"
        # The reason is not stored, so a repeat may give any.
        again = Replacement("重复", recipient_id=other)
        assert await at.replacing.replace(old.award_id, again) == (new, False)


async def test_a_process_that_dies_at_any_step_leaves_no_half_of_a_replacement(mongo: str) -> None:
    async with new_parts(mongo) as [at]:
        of = scheme()
        await at.put(of)
        for steps in range(1, 60):
            old, other = await given(at, of)
            by, life = Replacement(REASON, recipient_id=other), Life(steps)
            awards, known, schemes = Mortal(at.awards, life), Mortal(at.known, life), Mortal(at.schemes, life)
            issuer = Issuer(awards, schemes, known, at.changes, key=AWARD_KEY.encode())  # type: ignore[arg-type]
            dying = Replacing(awards, schemes, known, issuer, wait_seconds=0)  # type: ignore[arg-type]
            try:
                await dying.replace(old.award_id, by)
            except DiedError:
                found = await at.issued(of)
                assert (found[old.recipient_id].is_valid, other in found) == (True, False), steps
                await at.replacing.replace(old.award_id, by)
            else:
                assert steps > 10
                assert await wrong(at) == set()
                return
        raise AssertionError("every process has died")


async def test_the_audit_finds_two_awards_that_do_not_name_each_other(mongo: str) -> None:
    async with new_parts(mongo) as [at]:
        of = scheme()
        await at.put(of)
        old, other = await given(at, of)
        new, _ = await at.replacing.replace(old.award_id, Replacement(REASON, recipient_id=other))
        assert await wrong(at) == set()
        agree = "replaced awards and those in their place agree"
        awards = at.database["awards"]
        changes: tuple[tuple[str, Document, Document], ...] = (
            (old.award_id, {"$set": {"superseded_by": "x"}}, {"$set": {"superseded_by": new.award_id}}),
            (old.award_id, {"$unset": {"superseded_by": 1}}, {"$set": {"superseded_by": new.award_id}}),
            (new.award_id, {"$unset": {"replaces": 1}}, {"$set": {"replaces": old.award_id}}),
            (old.award_id, {"$unset": {"revoked_at": 1}}, {"$set": {"revoked_at": NOW}}),
        )
        for id_, change, back in changes:
            await awards.update_one({"_id": id_}, change)
            assert agree in await wrong(at), change
            await awards.update_one({"_id": id_}, back)
        assert await wrong(at) == set()
        records = [one for one in await waiting(at.database) if one[0] != "award.revoked"]
        checks = await audit_awards(Log(entries(records)), at.database, [])
        assert agree in {one.name for one in checks if not one.agrees}
