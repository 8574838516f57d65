"""The audit computes draws again, and finds each that is wrong."""

import pytest
from msgspec.structs import replace

from ops.audit.awards import audit_awards
from ops.audit.chain.sources import links_of_draws
from ops.audit.draws import audit_draws
from ops.audit.log import Log
from services.awards.draws import events
from services.awards.draws.rules import SeedInput
from shared.contracts.origin import UNKNOWN_ORIGIN
from shared.messaging.publisher import Record, to_record
from shared.storage.mongo import Document
from shared.storage.outbox import waiting
from tests.awards.builders import envelope, erased
from tests.awards.draws.builders import SECRET, DrawParts, draw, ids, new_draws
from tests.support.chained import differing
from tests.support.logged import entries

pytestmark = pytest.mark.stack


async def wrong(at: DrawParts, records: list[Record]) -> set[str]:
    log, database = Log(entries(records)), at.parts.database
    found = [*await audit_awards(log, database, []), *await audit_draws(log, database)]
    return {one.name for one in found if not one.agrees}


async def played(at: DrawParts) -> list[Record]:
    """Two draws, of which one is held again, with moves and an erasure; and their whole log."""
    await at.announced(draw("lucky", "draw"), dict.fromkeys(ids(10), 1))
    held = await at.draws.hold("draw", [SeedInput(secret=SECRET)])
    await at.work()
    await at.draws.move("draw", held.drawn[0], "工作人员")
    await at.work()
    await at.erase(held.drawn[1])
    other = "0123456789abcdef" * 2
    witness = {"type": "commitment", "description": "公证员", "sha256": DIGEST_OF_OTHER}
    await at.announced(draw("other", "again", sources=[witness]), dict.fromkeys(ids(10), 2))
    await at.draws.hold("again", [SeedInput(secret=other)])
    await at.work()
    await at.draws.again("again", 1, "名单有误")
    await at.work()
    return [to_record(envelope(erased(held.drawn[1]))), *await waiting(at.parts.database)]


DIGEST_OF_OTHER = "3eb1bd439947eb762998e566ccc2e099c791118b2f40579cc4f7da2b5061b7f9"


async def test_the_audit_agrees_with_draws_that_are_right(mongo: str) -> None:
    async with new_draws(mongo) as [at]:
        assert await wrong(at, await played(at)) == set()


async def test_the_chain_of_a_drawn_award_names_what_is_wrong(mongo: str) -> None:
    async with new_draws(mongo) as [at]:
        records, database = await played(at), at.parts.database

        async def links(*without: str) -> set[str]:
            return await differing(database, records, links_of_draws, *without)

        assert await links() == set()
        assert await links("award.drawn") == {"list of entrants"}
        assert await links("draw.announced") == {"award.drawn"}
        for collection, change, named in (
            ("drawings", {"$set": {"list_sha256": "other"}}, "list of entrants"),
            ("awards", {"$set": {"cause": "other"}}, "drawing"),
            ("draw_lists", {"$set": {"text": "p000 1\n"}}, "award.drawn"),
        ):
            right = await database[collection].find_one({})
            assert right is not None
            await database[collection].update_one({"_id": right["_id"]}, change)
            assert await links() == {named}
            await database[collection].replace_one({"_id": right["_id"]}, right)


GIVEN, DRAWN, STORED = (
    "awards are given",
    "winners are those of the list and the seed",
    "draws are as published",
)


@pytest.mark.parametrize(
    ("collection", "which", "change", "noticed"),
    [
        ("awards", {"scheme_id": "lucky", "code": {"$exists": False}}, {"$set": {"tier": "特等"}}, GIVEN),
        (
            "awards",
            {"scheme_id": "lucky", "code": "not_entitled"},
            {"$unset": {"code": 1, "revoked_at": 1}},
            GIVEN,
        ),
        ("awards", {"scheme_id": "other"}, {"$unset": {"code": 1, "revoked_at": 1}}, GIVEN),
        ("drawings", {"draw_id": "draw"}, {"$inc": {"version": 1}}, STORED),
        ("drawings", {"draw_id": "draw"}, {"$pop": {"drawn": 1}}, STORED),
        ("draw_lists", {}, {"$set": {"text": "p000 1\n"}}, DRAWN),
    ],
)
async def test_the_audit_finds_what_is_stored_wrongly(
    mongo: str, collection: str, which: Document, change: Document, noticed: str
) -> None:
    async with new_draws(mongo) as [at]:
        records = await played(at)
        changed = await at.parts.database[collection].update_one(which, change)
        assert changed.modified_count == 1
        assert noticed in await wrong(at, records)


async def test_the_audit_finds_a_wrong_winner_though_everything_else_fits(mongo: str) -> None:
    async with new_draws(mongo) as [at]:
        await at.announced(draw("lucky", "draw"), dict.fromkeys(ids(10), 1))
        held = await at.draws.hold("draw", [SeedInput(secret=SECRET)])
        # The service gives the first place to somebody else, in its database, its awards and its events.
        friend = next(one for one in ids(10) if one not in held.drawn)
        wrongly = replace(held, drawn=(friend, *held.drawn[1:]))
        await at.parts.database["drawings"].update_one({}, {"$set": {"drawn": list(wrongly.drawn)}})
        await at.work()
        records = [one for one in await waiting(at.parts.database) if one[0] != "award.drawn"]
        records.append(to_record(events.held(wrongly, UNKNOWN_ORIGIN)))
        assert await wrong(at, records) == {DRAWN}
