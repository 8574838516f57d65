"""The audit notices each wrong value of a ceremony."""

from typing import Any

import pytest

from ops.audit.ceremonies import audit_ceremonies
from ops.audit.log import Log
from services.awards.ceremonies.arrivals import ArrivalStore
from services.awards.ceremonies.hand_over import HandingOver
from services.awards.ceremonies.handlers import ArrivalHandler
from services.awards.ceremonies.rules import Item
from services.awards.ceremonies.store import CeremonyStore
from shared.messaging.publisher import Record, to_record
from shared.storage.outbox import waiting
from tests.awards.builders import joined, scheme
from tests.awards.ceremonies.builders import ceremony, checked_in, fresh, not_checked_in
from tests.awards.parts import Parts, new_parts
from tests.support.logged import entries
from tests.support.service import batch_of

pytestmark = pytest.mark.stack

PUBLISHED = "awards handed over are published (award.handed_over)"
LAST = "what is noted as handed over is what was published last"
HELD = "awards handed over were held"
THERE = "who is there is whom registration let in"


async def held_ceremony(at: Parts) -> tuple[HandingOver, list[str], list[Record]]:
    """Two awards were handed over, one is undone and then revoked; one of two people was let in."""
    ceremonies, arrivals = CeremonyStore(at.database), ArrivalStore(at.database)
    await ceremonies.prepare()
    await arrivals.prepare()
    of = scheme()
    await at.put(of)
    await at.know(joined("one"), joined("two"))
    awards = [await at.confer(of, one) for one in ("one", "two")]
    await ceremonies.put(ceremony(Item(scheme_id=of.scheme_id)))
    handing = HandingOver(ceremonies, at.awards, at.known, arrivals)
    codes = [award.award_code for award in awards]
    await handing.mark("closing", codes, over=True)
    await handing.mark("closing", codes[1:], over=False)
    await at.revoke(awards[1].award_id, "a reason")
    came = [fresh(checked_in("one")), fresh(not_checked_in("two"))]
    await ArrivalHandler(arrivals, at.known).keep(batch_of(*came))
    return handing, [award.award_id for award in awards], [to_record(one) for one in came]


async def wrong(at: Parts, came: list[Record]) -> set[str]:
    found = await audit_ceremonies(Log(entries([*await waiting(at.database), *came])), at.database)
    return {one.name for one in found if not one.agrees}


async def test_each_wrong_value_is_noticed(mongo: str) -> None:
    async with new_parts(mongo) as [at]:
        _, (first, second), came = await held_ceremony(at)
        assert await wrong(at, came) == set()
        spoilt: list[tuple[str, dict[str, Any], dict[str, Any], set[str]]] = [
            ("handed_over", {"_id": first}, {"$set": {"by_proxy": True}}, {LAST}),
            ("handed_over", {"_id": second}, {"$set": {"handed_over": True}}, {LAST}),
            ("handed_over", {"_id": second}, {"$set": {"version": 3}}, {PUBLISHED, LAST}),
            ("arrivals", {"participant_id": "one"}, {"$set": {"here": False}}, {THERE}),
            ("arrivals", {"participant_id": "two"}, {"$set": {"session_id": "other"}}, {THERE}),
        ]
        for collection, which, change, noticed in spoilt:
            before = await at.database[collection].find_one(which)
            assert before is not None
            await at.database[collection].update_one(which, change)
            assert await wrong(at, came) == noticed, change
            await at.database[collection].replace_one({"_id": before["_id"]}, before)
        assert await wrong(at, came) == set()
        await at.database["arrivals"].delete_many({"participant_id": "one"})
        assert await wrong(at, came) == {THERE}


async def test_an_award_that_was_not_held_is_noticed(mongo: str) -> None:
    async with new_parts(mongo) as [at]:
        _, _, came = await held_ceremony(at)
        records = [one for one in await waiting(at.database) if one[0] != "award.issued"]
        found = await audit_ceremonies(Log(entries([*records, *came])), at.database)
        assert {one.name for one in found if not one.agrees} == {HELD}
