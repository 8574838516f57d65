"""The audit computes notices again, and finds each proposal and award that is wrong."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from ops.audit.awards import audit_awards
from ops.audit.chain.sources import links_of_notice
from ops.audit.log import Log
from services.awards.issued.codes import award_id
from services.awards.issued.events import issued
from services.awards.proposals.propose import Named
from services.awards.schemes.rules import Scheme
from shared.contracts.origin import Origin
from shared.messaging.publisher import Record, to_record
from shared.storage.mongo import Document
from shared.storage.outbox import waiting
from tests.awards.builders import (
    certificate,
    closed,
    completed,
    decided,
    envelope,
    erased,
    following,
    joined,
    next_in_rank,
    prizes,
    regraded,
    scheme,
    standing,
)
from tests.awards.parts import Happened, Parts, new_parts
from tests.awards.proposals.played import object_to, short, wait_and_issue
from tests.support.chained import differing
from tests.support.logged import entries
from tests.support.service import new_id

pytestmark = pytest.mark.stack
PLACES = ("first", "second", "third", "fourth")


async def wrong(at: Parts, records: Sequence[Record]) -> set[str]:
    found = await audit_awards(Log(entries(records)), at.database, [])
    return {one.name for one in found if not one.agrees}


async def played(at: Parts) -> tuple[dict[str, Scheme], list[Record]]:
    """Notices with objections and changed results, some confirmed, and the whole log."""
    quiz = new_id("quiz")
    schemes = {
        "marks": short(certificate(quiz)),
        "places": short(next_in_rank(prizes(quiz, gold=1, silver=1))),
        "follows": short(following(next_in_rank(prizes(quiz, gold=1, silver=1)))),
        "named": short(scheme()),
        "open": short(certificate(quiz, 50)),
    }
    for of in schemes.values():
        await at.schemes.put(of)
    results = {one: completed(quiz, one, 70) for one in PLACES}
    results["risen"] = completed(quiz, "risen", 50)
    ranks = [standing(rank, one) for rank, one in enumerate(PLACES, 1)]
    batches: list[list[Happened]] = [
        [*results.values()],
        [closed(quiz, ranks, participants=5)],
        [regraded(results["third"], 40), regraded(results["risen"], 65), decided(quiz, "fourth")],
    ]
    records: list[Record] = []
    for number, batch in enumerate(batches):
        records += [to_record(envelope(event)) for event in batch]
        records += await at.publish_all(*batch)
        await at.advance()
        if number == 1:
            await at.know(joined("a"))
            named = [Named("a")]
            await at.conferring.confer(schemes["named"].scheme_id, named, allow_unknown=False)
            for of in schemes.values():
                await at.publish(of)
                await at.advance()
    for name in ("places", "follows"):
        objection = await object_to(at, schemes[name], "first")
        await at.objecting.decide(schemes[name].scheme_id, objection.objection_id, "upheld", "属实")
    await at.advance()
    for name, of in schemes.items():
        if name != "open":
            await wait_and_issue(at, of)
    return schemes, records + await waiting(at.database)


PROPOSED = "what is proposed is what is earned, without what was objected to"
STOOD = "awards after a notice are those that stood in it"
TOLD = "proposals are published (award.proposed)"
SPOILT: list[tuple[str, str, Document, Document, str]] = [
    ("proposals", "places", {"recipient_id": "first"}, {"$unset": {"code": 1}}, PROPOSED),
    ("proposals", "open", {"recipient_id": "risen"}, {"$set": {"code": "not_earned"}}, PROPOSED),
    ("proposals", "open", {"recipient_id": "first"}, {"$set": {"tier": "gold"}}, PROPOSED),
    (
        "proposals",
        "marks",
        {"recipient_id": "risen"},
        {"$inc": {"told": 1}},
        TOLD,
    ),
    (
        "proposals",
        "open",
        {"recipient_id": "risen"},
        {"$set": {"told_as": ""}},
        "everybody proposed in public was told",
    ),
    ("notices", "marks", {}, {"$set": {"confirmed": 0}}, STOOD),
    ("notices", "open", {}, {"$set": {"confirmed": 9}}, STOOD),
    (
        "objections",
        "places",
        {},
        {"$set": {"outcome": "dismissed"}},
        "objections are published (award.objected)",
    ),
]


async def test_the_audit_agrees_with_notices_and_notices_what_is_wrong(mongo: str) -> None:
    async with new_parts(mongo) as [at]:
        schemes, records = await played(at)
        assert await wrong(at, records) == set()
        assert {one: award.tier for one, award in (await at.issued(schemes["places"])).items()} == {
            "second": "silver",
            "third": "silver",
        }
        assert await differing(at.database, records, links_of_notice) == set()
        assert await differing(at.database, records, links_of_notice, "award.proposed") == {"proposal"}
        for name, of, which, change, notices in SPOILT:
            spoilt, by = at.database[name], "_id" if name == "notices" else "scheme_id"
            right = await spoilt.find_one(which | {by: schemes[of].scheme_id})
            assert right is not None, notices
            assert (await spoilt.update_one({"_id": right["_id"]}, change)).modified_count == 1
            assert notices in await wrong(at, records)
            if notices in (STOOD, TOLD) and of != "open":
                assert await differing(at.database, records, links_of_notice) == {"proposal"}
            await spoilt.replace_one({"_id": right["_id"]}, right)
        assert await wrong(at, records) == set()
        # They have awards by these schemes, and one of them is proposed by the open one too.
        leavers = [erased("a"), erased("second")]
        await at.know(*leavers)
        assert await wrong(at, records + [to_record(envelope(one)) for one in leavers]) == set()


async def test_the_audit_notices_an_award_for_somebody_who_was_left_out(mongo: str) -> None:
    async with new_parts(mongo) as [at]:
        schemes, records = await played(at)
        given = (await at.issued(schemes["places"]))["second"]
        other = replace(given, award_id=award_id(given.scheme_id, "first"), recipient_id="first")
        found = await wrong(at, [*records, to_record(issued(other, Origin()))])
        assert {STOOD, "whoever was left out after an objection has no award"} <= found


async def test_the_audit_notices_an_award_before_the_end_of_its_notice(mongo: str) -> None:
    async with new_parts(mongo) as [at]:
        schemes, records = await played(at)
        told = [
            (topic, key, (value or b"").replace(b'"notice_until":"20', b'"notice_until":"21'), headers)
            for topic, key, value, headers in records
        ]
        assert "no award comes before the end of its notice" in await wrong(at, told)
        assert schemes
