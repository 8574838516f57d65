"""The audit computes the awards again by the policy of each scheme, and finds each that is wrong."""

from collections.abc import Sequence

import pytest

from ops.audit.awards import audit_awards
from ops.audit.log import Log
from ops.deployment.ledger import Promise
from services.awards.schemes.rules import Scheme
from shared.messaging.publisher import Record, to_record
from shared.storage.mongo import Document
from shared.storage.outbox import waiting
from tests.awards.builders import (
    certificate,
    closed,
    completed,
    decided,
    envelope,
    following,
    joined,
    prizes,
    regraded,
    scheme,
    standing,
)
from tests.awards.parts import Happened, Parts, new_parts
from tests.support.logged import entries
from tests.support.service import new_id

pytestmark = pytest.mark.stack
PEOPLE = ("steady", "fallen", "risen", "barred", "back")


async def wrong(at: Parts, records: Sequence[Record]) -> set[str]:
    found = await audit_awards(Log(entries(records)), at.database, [])
    return {one.name for one in found if not one.agrees}


async def played(at: Parts) -> tuple[dict[str, Scheme], list[Record]]:
    """A week with corrections, decisions and revised standings, and its whole log."""
    quiz = new_id("quiz")
    schemes = {
        "keeps": certificate(quiz),
        "follows": following(certificate(quiz)),
        "keeps places": prizes(quiz, gold=1, silver=1),
        "follows places": following(prizes(quiz, gold=1, silver=1)),
    }
    for of in schemes.values():
        await at.schemes.put(of)
    results = {one: completed(quiz, one, 50 if one == "risen" else 70) for one in PEOPLE}
    batches: list[list[Happened]] = [
        [*results.values()],
        [regraded(results["fallen"], 50), regraded(results["risen"], 65)],
        [decided(quiz, "barred"), decided(quiz, "back")],
        [closed(quiz, [standing(1, "steady"), standing(2, "fallen"), standing(3, "back")])],
        [decided(quiz, "back", 2, disqualified=False)],
        [closed(quiz, [standing(1, "fallen"), standing(2, "back"), standing(3, "steady")], version=2)],
    ]
    records: list[Record] = []
    for batch in batches:
        records += [to_record(envelope(event)) for event in batch]
        records += await at.publish_all(*batch)
        await at.follow()
    records += await waiting(at.database)
    return schemes, records


async def test_the_audit_agrees_with_both_policies(mongo: str) -> None:
    async with new_parts(mongo) as [at]:
        _, records = await played(at)
        assert await wrong(at, records) == set()


SPOILT: list[tuple[str, Document, Document, str]] = [
    ("follows", {"recipient_id": "fallen"}, {"$unset": {"code": 1, "revoked_at": 1}}, "awards are given"),
    ("follows", {"recipient_id": "back"}, {"$set": {"code": "not_earned"}}, "awards are given"),
    ("follows places", {"recipient_id": "fallen"}, {"$set": {"tier": "silver"}}, "awards are given"),
    ("keeps places", {"recipient_id": "back"}, {"$set": {"tier": "gold"}}, "awards are given"),
    (
        "follows",
        {"recipient_id": "back"},
        {"$inc": {"version": 1}},
        "the versions published count the changes stored",
    ),
    (
        "keeps",
        {"recipient_id": "fallen"},
        {"$set": {"code": "not_earned"}},
        "the rule takes back only what follows",
    ),
    (
        "keeps",
        {"recipient_id": "steady"},
        {"$set": {"unearned": {"code": "not_earned"}}},
        "what is noted as not earned is not earned",
    ),
]


@pytest.mark.parametrize(("of", "which", "change", "notices"), SPOILT)
async def test_the_audit_notices_a_wrong_award(
    mongo: str, of: str, which: Document, change: Document, notices: str
) -> None:
    async with new_parts(mongo) as [at]:
        schemes, records = await played(at)
        done = await at.database["awards"].update_one(which | {"scheme_id": schemes[of].scheme_id}, change)
        assert done.modified_count == 1
        assert notices in await wrong(at, records)


async def test_the_audit_notices_a_change_that_is_not_published(mongo: str) -> None:
    async with new_parts(mongo) as [at]:
        _, records = await played(at)
        [*_, last] = [
            place
            for place, (topic, _, value, _) in enumerate(records)
            if topic == "award.issued" and b'"version":1,' not in (value or b"")
        ]
        del records[last]
        assert "the versions published count the changes stored" in await wrong(at, records)
        [*_, last] = [place for place, one in enumerate(records) if one[0] == "award.revoked"]
        del records[last]
        assert "revocations are published (award.revoked)" in await wrong(at, records)


async def test_a_revocation_that_was_undone_needs_not_hold(mongo: str) -> None:
    async with new_parts(mongo) as [at]:
        of = scheme()
        await at.schemes.put(of)
        await at.know(joined("a"), joined("b"))
        [undone, held] = [(await at.confer(of, one)).award_id for one in ("a", "b")]
        for id_ in (undone, held):
            await at.revoke(id_, "颁发有误")
        await at.reinstate(undone)
        log = Log(entries(await waiting(at.database)))
        promises = [Promise("revoked", id_) for id_ in (undone, held)]
        found = await audit_awards(log, at.database, promises)
        assert [one.name for one in found if not one.agrees] == []
        await at.database["awards"].update_one({"_id": held}, {"$unset": {"revoked_at": 1, "reason": 1}})
        found = await audit_awards(log, at.database, promises)
        assert "revocations acknowledged hold" in {one.name for one in found if not one.agrees}
