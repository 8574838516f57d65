"""The audit reads the published lists, and finds each bit and place that is wrong."""

import json
from typing import Any

import pytest

from ops.audit.credentials import audit_credentials
from ops.audit.log import Log
from services.awards.issued.rules import Award
from shared.credentials.status_list import LENGTH, encoded
from shared.credentials.verify import REVOCATION
from shared.messaging.publisher import Record
from shared.storage.outbox import waiting
from tests.awards.credentials.issuing import Issuing, places_in
from tests.awards.credentials.test_status import conferred
from tests.awards.parts import Parts, new_parts
from tests.support.logged import entries

pytestmark = pytest.mark.stack


async def given(at: Parts) -> tuple[Issuing, list[Award], list[int], list[Record]]:
    """Three credentials, of which the last one is revoked, and the log."""
    issuing = Issuing(at)
    await issuing.places.prepare()
    awards = await conferred(at, 3)
    places = places_in(*[await issuing.give(award) for award in awards])
    await at.revoke(awards[2].award_id, "a reason")
    return issuing, awards, places, await waiting(at.database)


async def wrong(at: Parts, records: list[Record], status_list: Any) -> dict[str, list[str]]:
    async def read(number: int) -> Any:
        assert number == 0
        return status_list

    found = await audit_credentials(Log(entries(records)), at.database, read, look_again_seconds=0)
    return {one.name: [*one.wrong, *one.duplicated] for one in found if not one.agrees}


async def test_the_audit_finds_each_bit_and_place_that_is_wrong(mongo: str) -> None:
    async with new_parts(mongo) as [at]:
        issuing, awards, places, records = await given(at)
        published = json.loads(await issuing.lists.read(0, REVOCATION, issuing.keys))
        assert await wrong(at, records, published) == {}
        # Nobody publishes lists: then only places are compared.
        assert await wrong(at, records, None) == {}

        def listed(*set_: int) -> Any:
            return {"credentialSubject": {"encodedList": encoded(set_)}}

        statement = "status lists say what is revoked"
        assert await wrong(at, records, listed()) == {statement: [str(places[2])]}
        assert await wrong(at, records, listed(*places[1:])) == {statement: [str(places[1])]}
        changes = ({"version": 2, "place": places[0]}, {"version": 1, "place": places[1]})
        for change, noticed in zip(
            changes,
            ("credentials are of versions that were issued", "credentials have places of their own"),
            strict=True,
        ):
            await at.database["awards"].drop_indexes()
            before = await at.database["awards"].find_one({"_id": awards[0].award_id})
            await at.database["awards"].update_one(
                {"_id": awards[0].award_id}, {"$set": {"credentials": [change]}}
            )
            assert set(await wrong(at, records, listed(places[2]))) == {noticed}
            assert before is not None
            await at.database["awards"].replace_one({"_id": awards[0].award_id}, before)
        assert max(places) < LENGTH
