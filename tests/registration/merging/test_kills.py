"""A worker is killed while it moves the places of a double: each moves once, and no place is lost."""

import pytest

from tests.registration.builders import activity, events, put, service
from tests.registration.crashing import end_transactions, killed_in_the_middle
from tests.registration.merging import merging_process
from tests.registration.merging.builders import all_moved, counters_agree, merge, place, theirs

pytestmark = pytest.mark.stack


async def test_a_worker_killed_in_a_move_moves_each_place_once(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        for name in "abcd":
            await put(client, name, activity(name, 2, waiting_max=9))
        stays, goes = await place(client, "a"), await place(client, "a")
        for name in "bcd":
            await place(client, name, goes)
        await merge(client, goes["participant_id"], stays["participant_id"])
        for saves in (1, 2):
            await killed_in_the_middle(
                merging_process.move, mongo, database.name, goes["participant_id"], saves
            )
            await counters_agree(database)
            if saves == 1:
                await end_transactions(database)
        # The second one is still open. The next worker waits until the server ends it.
        await all_moved(database)
        assert {name: one["status"] for name, one in (await theirs(client, stays)).items()} == dict.fromkeys(
            "abcd", "confirmed"
        )
        await counters_agree(database)
        for topic, number in (("registration.cancelled", 4), ("registration.confirmed", 8)):
            told = [(one["registration_id"], one["version"]) for one in await events(database, topic)]
            # Five were booked, and three of them moved.
            assert len(told) == len(set(told)) == number
