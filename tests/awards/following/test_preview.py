"""A preview says what a change of results then does to awards, and changes nothing."""

from collections import Counter

import httpx
import pytest

from services.awards.following.preview import Outcome, Supposed
from services.awards.known.store import KnownStore
from services.awards.schemes.rules import Scheme
from shared.runtime.errors import Conflict
from tests.awards.builders import (
    certificate,
    closed,
    completed,
    confer,
    decided,
    following,
    prizes,
    published,
    put,
    regraded,
    scheme,
    standing,
)
from tests.awards.parts import Parts, new_parts
from tests.support.service import ORGANISER, code_of, new_id

pytestmark = pytest.mark.stack


async def changed(at: Parts, of: Scheme, before: dict[str, tuple[bool, str | None]]) -> Counter[str]:
    """What has become of a scheme's awards."""
    found: Counter[str] = Counter()
    for one, (valid, tier) in (await held(at, of)).items():
        was = before.get(one, (False, None))
        if valid and not was[0]:
            found["issued"] += 1
        elif was[0] and not valid:
            found["revoked"] += 1
        elif valid and tier != was[1]:
            found["upgraded" if tier == "gold" else "downgraded"] += 1
    found["not_earned"] = len(await at.awards.unearned(of.scheme_id, "", 100))
    return found


async def held(at: Parts, of: Scheme) -> dict[str, tuple[bool, str | None]]:
    return {one: (award.is_valid, award.tier) for one, award in (await at.issued(of)).items()}


async def test_a_preview_is_what_the_change_does(mongo: str) -> None:
    quiz = new_id("quiz")
    a, b, c, d = (new_id(name) for name in "abcd")
    schemes = [
        following(certificate(quiz)),
        certificate(quiz),
        following(prizes(quiz, gold=1, silver=1)),
        prizes(quiz, gold=1, silver=1),
    ]
    results = {
        one: completed(quiz, one, points) for one, points in zip((a, b, c, d), (90, 80, 62, 50), strict=True)
    }
    async with new_parts(mongo) as [at]:
        await at.know(published(quiz))
        for of in schemes:
            await at.schemes.put(of)
        await at.handle(*results.values())
        await at.handle(closed(quiz, [standing(1, a), standing(2, b), standing(3, c)]))
        before = {of.scheme_id: await held(at, of) for of in schemes}
        revised = [standing(1, b), standing(2, d), standing(3, c)]
        supposed = Supposed({results[c].result_id: 55, results[d].result_id: 85}, {c, d}, {a}, revised)
        previewed = {one.scheme.scheme_id: one for one in await at.previews.preview(quiz, supposed)}
        assert {of.scheme_id: await held(at, of) for of in schemes} == before
        await at.handle(
            regraded(results[c], 55),
            regraded(results[d], 85),
            decided(quiz, a),
            closed(quiz, revised, version=2),
        )
        await at.follow()
        for of in schemes:
            assert previewed[of.scheme_id] == Outcome(of, **await changed(at, of, before[of.scheme_id]))
        assert previewed[schemes[0].scheme_id] == Outcome(schemes[0], issued=1, revoked=2)
        assert previewed[schemes[2].scheme_id] == Outcome(schemes[2], issued=1, revoked=1, upgraded=1)


async def test_a_preview_leaves_out_who_is_disqualified_already(mongo: str) -> None:
    quiz = new_id("quiz")
    barred, single, other, kept = (new_id(name) for name in "abcd")
    schemes = [following(certificate(quiz)), following(prizes(quiz, gold=1, silver=1))]
    falls = {one: completed(quiz, one, 80) for one in (barred, other)}
    rises = {one: completed(quiz, one, 50) for one in (single, kept)}
    async with new_parts(mongo) as [at]:
        await at.know(published(quiz))
        for of in schemes:
            await at.schemes.put(of)
        await at.handle(*falls.values(), *rises.values(), decided(quiz, barred))
        await at.handle(decided(quiz, single, 1, rises[single].result_id, disqualified=False))
        await at.handle(closed(quiz, [standing(1, other), standing(2, kept)]))
        await at.follow()
        before = {of.scheme_id: await held(at, of) for of in schemes}
        revised = [standing(1, barred), standing(2, kept)]
        points = {one.result_id: 50 for one in falls.values()} | {one.result_id: 90 for one in rises.values()}
        supposed = Supposed(points, {*falls, *rises}, (), revised)
        previewed = {one.scheme.scheme_id: one for one in await at.previews.preview(quiz, supposed)}
        await at.handle(
            *(regraded(one, 50) for one in falls.values()),
            *(regraded(one, 90) for one in rises.values()),
            closed(quiz, revised, version=2),
        )
        await at.follow()
        for of in schemes:
            assert previewed[of.scheme_id] == Outcome(of, **await changed(at, of, before[of.scheme_id]))
        # Nobody counts who is disqualified, though the points change and the list names one of them.
        assert previewed[schemes[0].scheme_id] == Outcome(schemes[0], issued=1, revoked=1)
        assert previewed[schemes[1].scheme_id] == Outcome(schemes[1], revoked=1)


async def test_a_preview_and_the_list_over_http(client: httpx.AsyncClient, known: KnownStore) -> None:
    quiz = new_id("quiz")
    url = f"/quizzes/{quiz}/previews"
    assert code_of(await client.post(url, json={}, headers=ORGANISER)) == (404, "quiz_unknown")
    await known.add_quizzes([quiz])
    of = following(certificate(quiz))
    assert (await put(client, of)).json()["on_change"] == "follow"
    body = {"results": [{"result_id": "r", "participant_id": "p", "points": 12.5}], "disqualified": ["q"]}
    answer = await client.post(url, json=body, headers=ORGANISER)
    nothing = dict.fromkeys(("issued", "revoked", "upgraded", "downgraded", "not_earned"), 0)
    assert answer.json() == {"schemes": [{"scheme_id": of.scheme_id, "on_change": "follow"} | nothing]}
    listed = await client.get(f"/schemes/{of.scheme_id}/unearned", headers=ORGANISER)
    assert listed.json() == {"awards": [], "after": None}
    unknown = await client.get(f"/schemes/{new_id('scheme')}/unearned", headers=ORGANISER)
    assert code_of(unknown) == (404, "scheme_unknown")


async def test_a_preview_of_too_much_is_refused(client: httpx.AsyncClient, known: KnownStore) -> None:
    await known.add_quizzes([quiz := new_id("quiz")])
    for _ in range(21):
        await put(client, certificate(quiz))
    body = {"disqualified": [f"p{number}" for number in range(1_000)]}
    answer = await client.post(f"/quizzes/{quiz}/previews", json=body, headers=ORGANISER)
    assert code_of(answer) == (422, "preview_too_large")


async def test_a_conferred_scheme_cannot_follow_and_the_policy_of_a_scheme_in_use_stays(
    client: httpx.AsyncClient, known: KnownStore
) -> None:
    of = scheme()
    assert code_of(await put(client, following(of))) == (422, "conferred_follows_nothing")
    await put(client, of)
    await known.add_participants(["p"])
    assert (await confer(client, of, "p")).status_code == 201
    body = of.model_dump(mode="json")
    del body["on_change"]
    answer = await client.put(f"/schemes/{of.scheme_id}", json=body, headers=ORGANISER)
    assert answer.json()["on_change"] == "keep"


async def test_the_policy_is_final_with_the_rule(mongo: str) -> None:
    quiz = new_id("quiz")
    of = certificate(quiz)
    async with new_parts(mongo) as [at]:
        await at.know(published(quiz))
        await at.put(of)
        await at.put(following(of))
        await at.put(of)
        # An earlier release stored no policy.
        await at.database["schemes"].update_one({"_id": of.scheme_id}, {"$unset": {"on_change": 1}})
        await at.handle(completed(quiz, new_id("p")))
        await at.put(of.model_copy(update={"title": "另一个名称"}))
        with pytest.raises(Conflict) as refused:
            await at.put(following(of))
        assert refused.value.code == "scheme_in_use"
