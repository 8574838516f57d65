"""A process that gives credentials and revokes awards is killed: the list says what the awards say."""

import asyncio
import json

import pytest

from services.awards.credentials.store import PlaceStore
from services.awards.issued.revoke import revoke_award
from services.awards.issued.store import AwardStore
from services.awards.known.store import KnownStore
from services.awards.results.changes import ChangeStore
from services.awards.schemes.store import SchemeStore
from shared.credentials.verify import REVOCATION
from shared.storage import mongo as storage
from shared.storage.mongo import Document
from tests.awards.credentials.issuing import Issuing, bits_set
from tests.awards.credentials.test_status import conferred
from tests.awards.parts import Parts, new_parts
from tests.support.killing import Killable, say

pytestmark = pytest.mark.stack

AWARDS, KILLS, AT_ONCE = 60, 3, 8


async def give_and_revoke(url: str, name: str, award_ids: list[str]) -> None:
    """Give each award its place, and revoke it; several at the same time."""
    async with storage.connect(url, name) as database:
        places, awards, known = PlaceStore(database), AwardStore(database), KnownStore(database)
        schemes, changes = SchemeStore(database), ChangeStore(database)
        turns = asyncio.Semaphore(AT_ONCE)

        async def both(award_id: str) -> None:
            async with turns:
                award = (await awards.find([award_id]))[award_id]
                if award.is_valid:
                    await places.place_of(award)
                    say("given")
                    await revoke_award(award_id, "a reason", awards, known, schemes, changes)

        await asyncio.gather(*map(both, award_ids))
        say("all")


async def revoked_places(at: Parts) -> set[int]:
    these: Document = {"credentials": {"$exists": True}, "revoked_at": {"$exists": True}}
    return {one["credentials"][0]["place"] async for one in at.database["awards"].find(these)}


async def test_after_a_kill_the_list_says_what_the_awards_say(mongo: str) -> None:
    async with new_parts(mongo) as [at]:
        issuing = Issuing(at)
        await issuing.places.prepare()
        awards = await conferred(at, AWARDS)
        work = Killable.working(give_and_revoke, mongo, at.database.name, [one.award_id for one in awards])
        for _ in range(KILLS):
            await work.start()
            for _ in range(AT_ONCE):
                assert await work.line() == "given"
            await work.kill()
            # What the killed process has sent last, the server may carry out a moment later.
            before = await revoked_places(at)
            published = json.loads(await issuing.lists.read(0, REVOCATION, issuing.keys))
            after = await revoked_places(at)
            assert before <= set(bits_set(published)) <= after
            with_place = await at.database["awards"].find({"credentials": {"$exists": True}}).to_list(None)
            places = [entry["place"] for one in with_place for entry in one["credentials"]]
            assert len(set(places)) == len(places)
            assert 0 < len(with_place) < AWARDS
        await work.start()
        while await work.line() != "all":
            pass
        await work.end()
        published = json.loads(await issuing.lists.read(0, REVOCATION, issuing.keys))
        assert len(bits_set(published)) == AWARDS
        counted = await at.database["status_lists"].find_one({"_id": 0})
        # A kill may leave a place counted that nobody has.
        assert counted is not None
        assert AWARDS <= counted["given"] <= AWARDS + KILLS * AT_ONCE
