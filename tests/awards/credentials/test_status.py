"""The places of credentials, and what the lists say when awards change."""

import asyncio
import json

import pytest

from services.awards.credentials.rules import PLACES_USED_MAX
from services.awards.credentials.store import PlaceStore
from services.awards.issued.rules import Award
from shared.credentials.proofs import Signer
from shared.credentials.status_list import LENGTH
from shared.credentials.verify import REVOCATION, SUPERSEDED
from shared.runtime.errors import KepuError, NotFound
from tests.awards.builders import (
    certificate,
    closed,
    completed,
    following,
    joined,
    prizes,
    published,
    regraded,
    scheme,
    standing,
)
from tests.awards.credentials.issuing import Issuing, bits_set, keys, places_in
from tests.awards.parts import Parts, new_parts
from tests.shared.credentials.published import new_signer
from tests.support.service import new_id

pytestmark = pytest.mark.stack


async def conferred(at: Parts, count: int = 1) -> list[Award]:
    flag = scheme()
    await at.put(flag)
    people = [new_id("p") for _ in range(count)]
    await at.know(*[joined(one) for one in people])
    return [await at.confer(flag, one) for one in people]


async def test_a_credential_keeps_its_place_and_no_two_have_the_same(mongo: str) -> None:
    async with new_parts(mongo, copies=2) as [at, other]:
        first, second = Issuing(at), Issuing(other)
        await first.places.prepare()
        awards = await conferred(at, 30)
        given = await asyncio.gather(*[one.give(award) for award in awards for one in (first, second)])
        places = places_in(*given)
        # The two copies were asked at the same moment.
        assert places[::2] == places[1::2]
        assert len(set(places)) == len(awards)
        assert places_in(*[await first.give(award) for award in awards]) == places[::2]
        # Random: not in the order of giving.
        assert places[::2] != sorted(places[::2])


async def test_issuing_gives_no_place(mongo: str) -> None:
    async with new_parts(mongo) as [at]:
        await Issuing(at).places.prepare()
        await conferred(at, 3)
        assert await at.database["awards"].count_documents({"credentials": {"$exists": True}}) == 0
        assert await at.database["status_lists"].find().to_list(None) == [{"_id": 0, "given": 0}]


async def test_a_place_that_is_taken_is_not_given_again_and_a_full_list_is_followed_by_another(
    mongo: str,
) -> None:
    async with new_parts(mongo) as [at]:
        issuing = Issuing(at)
        await issuing.places.prepare()
        awards = await conferred(at, 3)
        # All but a few places of the list are taken, by an award of somebody else.
        free = {5, 77, 1_000}
        taken = [{"version": 1, "place": place} for place in range(2_000) if place not in free]
        await at.database["awards"].insert_one({"_id": "other", "award_code": "x", "credentials": taken})
        [place] = places_in(await issuing.give(awards[0]))
        assert place not in {one["place"] for one in taken}
        await at.database["status_lists"].update_one({"_id": 0}, {"$set": {"given": PLACES_USED_MAX}})
        places = places_in(await issuing.give(awards[1]), await issuing.give(awards[2]))
        assert all(LENGTH <= place < 2 * LENGTH for place in places)
        assert [one["_id"] async for one in at.database["status_lists"].find().sort("_id", 1)] == [0, 1]
        await at.revoke(awards[1].award_id, "a reason")
        assert bits_set(json.loads(await issuing.lists.read(0, REVOCATION, issuing.keys))) == []
        later = json.loads(await issuing.lists.read(1, REVOCATION, issuing.keys))
        assert bits_set(later) == [places[0] - LENGTH]
        with pytest.raises(NotFound):
            await issuing.lists.read(2, REVOCATION, issuing.keys)


async def test_a_revoked_award_is_revoked_in_the_list_and_has_no_credential(mongo: str) -> None:
    async with new_parts(mongo) as [at]:
        issuing = Issuing(at)
        await issuing.places.prepare()
        stays, goes, unasked = await conferred(at, 3)
        kept, lost = await issuing.give(stays), await issuing.give(goes)
        assert [(await issuing.verdict(one)).code for one in (kept, lost)] == ["held", "held"]
        for one in (goes, unasked):
            await at.revoke(one.award_id, "a reason")
        assert [(await issuing.verdict(one)).code for one in (kept, lost)] == ["held", "revoked"]
        for one in (goes, unasked):
            with pytest.raises(KepuError) as refused:
                await issuing.give(one)
            assert refused.value.code == "credential_revoked"
        assert bits_set(json.loads(await issuing.lists.read(0, REVOCATION, issuing.keys))) == places_in(lost)


async def test_an_award_with_another_tier_has_another_credential_and_the_old_one_is_superseded(
    mongo: str,
) -> None:
    async with new_parts(mongo) as [at]:
        issuing = Issuing(at)
        await issuing.places.prepare()
        quiz, first, second = new_id("quiz"), new_id("p"), new_id("p")
        of = following(prizes(quiz, gold=1, silver=1))
        await at.know(published(quiz))
        await at.put(of)
        await at.handle(completed(quiz, first, 90), completed(quiz, second, 80))
        await at.handle(closed(quiz, [standing(1, first, 90), standing(2, second, 80)]))
        before = await at.issued(of)
        gold, silver = [await issuing.give(before[one]) for one in (first, second)]
        await at.handle(closed(quiz, [standing(1, second, 95), standing(2, first, 90)], version=2))
        await at.follow()
        assert [(await issuing.verdict(one)).code for one in (gold, silver)] == ["superseded"] * 2
        after = await at.issued(of)
        assert [after[one].tier for one in (first, second)] == ["silver", "gold"]
        new = [await issuing.give(after[one]) for one in (first, second)]
        assert [(await issuing.verdict(one)).code for one in new] == ["held", "held"]
        assert json.loads(new[0])["credentialSubject"]["result"][0]["value"] == "silver"
        assert len(set(places_in(gold, silver, *new))) == 4


async def test_an_award_that_comes_back_has_a_new_credential_and_the_old_one_stays_revoked(
    mongo: str,
) -> None:
    async with new_parts(mongo) as [at]:
        issuing = Issuing(at)
        await issuing.places.prepare()
        quiz, person = new_id("quiz"), new_id("p")
        of = following(certificate(quiz))
        await at.know(published(quiz))
        await at.put(of)
        result = completed(quiz, person, 80)
        await at.handle(result)
        old = await issuing.give((await at.issued(of))[person])
        await at.handle(regraded(result, 10))
        await at.follow()
        assert (await issuing.verdict(old)).code == "revoked"
        await at.handle(regraded(result, 90, before=10, version=3))
        await at.follow()
        assert (await issuing.verdict(old)).code == "superseded"
        new = await issuing.give((await at.issued(of))[person])
        assert (await issuing.verdict(new)).code == "held"
        # The organiser's word is the last one.
        await at.revoke((await at.issued(of))[person].award_id, "a reason")
        assert [(await issuing.verdict(one)).code for one in (old, new)] == ["revoked", "revoked"]


async def test_no_crash_comes_between_a_revocation_and_its_bit(mongo: str) -> None:
    """
    The list is computed from the awards alone. So whatever is written next cannot be missing: the one write
    that revokes an award sets the bit, also if the process ends directly behind it.
    """
    async with new_parts(mongo) as [at]:
        issuing = Issuing(at)
        await issuing.places.prepare()
        [award] = await conferred(at)
        given = await issuing.give(award)
        written = {"$set": {"revoked_at": award.issued_at, "reason": "a reason", "version": 2}}
        await at.database["awards"].update_one({"_id": award.award_id}, written)
        later = Issuing(at, issuing.keys)
        assert (await later.verdict(given)).code == "revoked"


async def test_a_place_is_never_given_to_an_award_that_was_revoked_meanwhile(mongo: str) -> None:
    async with new_parts(mongo) as [at]:
        places = PlaceStore(at.database)
        await places.prepare()
        [award] = await conferred(at)
        await at.revoke(award.award_id, "a reason")
        assert await places.place_of(award) is None
        assert await at.database["awards"].count_documents({"credentials": {"$exists": True}}) == 0


async def test_the_key_changes_and_credentials_of_before_still_verify(mongo: str) -> None:
    async with new_parts(mongo) as [at]:
        old_signer, new_signer_ = new_signer(), new_signer()
        before = Issuing(at, keys(old_signer))
        await before.places.prepare()
        [award] = await conferred(at)
        given = await before.give(award)
        rotated = Issuing(at, keys(new_signer_, old_signer))
        assert [(await rotated.verdict(one)).code for one in (given, await rotated.give(award))] == [
            "held"
        ] * 2
        # A key that is lost is named no longer. Whoever asks again gets the same credential with the new key.
        lost = Issuing(at, keys(new_signer_))
        assert (await lost.verdict(given)).code == "key_unknown"
        again = await lost.give(award)
        assert (await lost.verdict(again)).code == "held"
        assert json.loads(again)["id"] == json.loads(given)["id"]


async def test_a_list_is_remembered_for_some_seconds_only(mongo: str) -> None:
    async with new_parts(mongo) as [at]:
        issuing = Issuing(at, keys(Signer(b"1" * 32)))
        await issuing.places.prepare()
        [award] = await conferred(at)
        given = await issuing.give(award)
        kept = type(issuing.lists)(issuing.places)
        assert bits_set(json.loads(await kept.read(0, REVOCATION, issuing.keys))) == []
        await at.revoke(award.award_id, "a reason")
        assert bits_set(json.loads(await kept.read(0, REVOCATION, issuing.keys))) == []
        assert bits_set(json.loads(await issuing.lists.read(0, REVOCATION, issuing.keys))) == places_in(given)
        assert bits_set(json.loads(await issuing.lists.read(0, SUPERSEDED, issuing.keys))) == []
