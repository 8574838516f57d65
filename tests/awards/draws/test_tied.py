"""Lots decide a tie at the end of a tier: a draw among the tied, and nobody else."""

import hashlib
from typing import Any

import pytest

from ops.audit.awards import audit_awards
from ops.audit.draws import audit_draws
from ops.audit.log import Log
from services.awards.draws.rules import Draw, SeedInput
from services.awards.issuing.apply import apply_scheme
from services.awards.issuing.state import state_of
from services.awards.schemes.rules import Scheme, check_decidable
from shared.messaging.publisher import to_record
from shared.runtime.errors import Rejected
from shared.storage.outbox import waiting
from tests.awards.builders import closed, completed, decided, envelope, following, noticed, prizes, standing
from tests.awards.draws.builders import DrawParts, new_draws
from tests.support.logged import entries
from tests.support.service import new_id

pytestmark = pytest.mark.stack
AMONG, SHARED = "lots are drawn among the tied", "awards are shared by ties alone"


def by_lots(quiz_id: str, **places: int) -> Scheme:
    of = prizes(quiz_id, **places)
    return of.model_copy(update={"rule": of.rule.model_copy(update={"ties": "lots"})})


def among(of: Scheme, tier: str, **places: int) -> Draw:
    fields: dict[str, Any] = {
        "draw_id": new_id("draw"),
        "title": "并列名次抽签",
        "scheme_id": new_id("scheme"),
        "prizes": [{"tier": name, "places": count} for name, count in places.items()],
        "entrants": {"type": "tied", "scheme_id": of.scheme_id, "tier": tier},
        "sources": [
            {
                "type": "commitment",
                "description": "公证员",
                "sha256": hashlib.sha256(secret_of(of).encode()).hexdigest(),
            }
        ],
    }
    return Draw.model_validate(fields)


def secret_of(of: Scheme) -> str:
    """What the witness keeps; each draw has another one."""
    return hashlib.sha256(of.scheme_id.encode()).hexdigest()


async def failed(at: DrawParts, draw: Draw) -> str | None:
    await at.put(draw)
    await at.draws.freeze(draw.draw_id)
    await at.work()
    return (await at.store.get(draw.draw_id)).failed


async def test_a_draw_among_the_tied_gives_the_places_that_are_left(mongo: str) -> None:
    quiz = new_id("quiz")
    of = by_lots(quiz, gold=2, silver=1)
    async with new_draws(mongo) as [at]:
        parts = at.parts
        people = [new_id("p") for _ in range(6)]
        await parts.schemes.put(of)
        assert await failed(at, among(of, "gold", gold=1, silver=1)) == "tie_missing"
        final = [standing(rank, one) for rank, one in zip((1, 2, 2, 2, 2, 6), people, strict=True)]
        issued = await parts.publish_all(decided(quiz, people[4]), closed(quiz, final))
        # Whoever is in no tie has the prize at once, and nobody in the tie has one.
        assert {one.recipient_id: one.tier for one in await at.awards(of.scheme_id)} == {people[0]: "gold"}
        [lot] = (await state_of(of.scheme_id, parts.schemes, parts.results)).lots
        left = (("gold", 1), ("silver", 1))
        assert (lot.tier, lot.rank, len(lot.listed), lot.prizes) == ("gold", 2, 4, left)
        assert await failed(at, among(of, "gold", gold=2)) == "prizes_differ"
        draw = among(of, "gold", gold=1, silver=1)
        drawing = await at.announced(draw)
        # One of the four is disqualified, and takes no part.
        assert (await at.text(drawing)).split()[::2] == sorted(people[1:4])
        assert drawing.tied == (of.scheme_id, "gold")
        await at.draws.hold(draw.draw_id, [SeedInput(secret=secret_of(of))])
        await at.work()
        winners = await at.held(draw.scheme_id)
        assert set(winners) < set(people[1:4])
        assert sorted(tier or "" for tier in winners.values()) == ["gold", "silver"]
        # The audit agrees, and notices a list with somebody who is in no tie.
        known = [to_record(envelope(decided(quiz, people[4]))), to_record(envelope(closed(quiz, final)))]
        log = Log(entries([*known, *issued, *await waiting(parts.database)]))
        found = [*await audit_awards(log, parts.database, []), *await audit_draws(log, parts.database)]
        assert [one.name for one in found if not one.agrees] == []
        await parts.database["draw_lists"].update_one({}, {"$set": {"text": f"{people[0]} 1\n"}})
        assert AMONG in {one.name for one in await audit_draws(log, parts.database) if not one.agrees}


async def test_the_audit_knows_which_awards_are_shared(mongo: str) -> None:
    quiz = new_id("quiz")
    of = prizes(quiz, gold=2)
    of = of.model_copy(update={"rule": of.rule.model_copy(update={"ties": "share"})})
    async with new_draws(mongo) as [at]:
        parts = at.parts
        await parts.schemes.put(of)
        event = closed(quiz, [standing(1, "a"), standing(2, "b"), standing(2, "c")])
        issued = await parts.publish_all(event)
        awards = {one.recipient_id: one.shared for one in await at.awards(of.scheme_id)}
        assert awards == {"a": False, "b": True, "c": True}
        log = Log(entries([to_record(envelope(event)), *issued]))
        assert [one.name for one in await audit_awards(log, parts.database, []) if not one.agrees] == []
        for change in ({"$unset": {"shared": 1}}, {"$set": {"shared": True}}):
            await parts.database["awards"].update_one({"recipient_id": "b"}, change)
            wrong = {one.name for one in await audit_awards(log, parts.database, []) if not one.agrees}
            assert wrong == ({SHARED, "what is published is what is stored"} if "$unset" in change else set())
        await parts.database["awards"].update_one({"recipient_id": "a"}, {"$set": {"shared": True}})
        assert SHARED in {one.name for one in await audit_awards(log, parts.database, []) if not one.agrees}


async def test_a_tie_that_goes_on_after_the_list_has_all_of_it_in_the_draw(mongo: str) -> None:
    quiz, listed, unlisted = new_id("quiz"), [new_id("p") for _ in range(3)], [new_id("p") for _ in range(2)]
    of = by_lots(quiz, gold=2)
    async with new_draws(mongo) as [at]:
        parts = at.parts
        await parts.schemes.put(of)
        final = [standing(1, one) for one in listed]
        await parts.handle(closed(quiz, final, participants=6))
        assert await failed(at, among(of, "gold", gold=2)) == "results_missing"
        tied = [completed(quiz, one, 90, time_used_seconds=60) for one in [*listed, *unlisted]]
        await parts.handle(*tied, completed(quiz, new_id("p"), 89, time_used_seconds=60))
        drawing = await at.announced(among(of, "gold", gold=2))
        assert (await at.text(drawing)).split()[::2] == sorted([*listed, *unlisted])
        # To apply the scheme decides nothing that lots have to decide.
        await apply_scheme(
            of.scheme_id,
            None,
            schemes=parts.schemes,
            results=parts.results,
            issuer=parts.issuer,
            outdated=parts.outdated,
            known=parts.known,
            places=parts.places,
        )
        assert await at.awards(of.scheme_id) == []


async def test_a_draw_among_the_tied_needs_a_scheme_with_lots_that_keeps_its_awards(mongo: str) -> None:
    quiz = new_id("quiz")
    of = by_lots(quiz, gold=1)
    for other in (following(of), noticed(of)):
        with pytest.raises(Rejected) as refused:
            check_decidable(other)
        assert refused.value.code == "lots_are_final"
    async with new_draws(mongo) as [at]:
        plain = prizes(quiz, gold=1)
        await at.parts.schemes.put(plain)
        with pytest.raises(Rejected) as refused:
            await at.put(among(plain, "gold", gold=1))
        assert refused.value.code == "scheme_without_lots"
