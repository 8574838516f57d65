"""Whoever a group has entered finds one message in the inbox, whatever is repeated, copied or killed."""

import pytest

from shared.contracts.envelope import enclose
from shared.contracts.sources import REGISTRATION
from shared.messaging.create_topics import create_missing
from shared.runtime import clock
from tests.notifications.builders import entered, known
from tests.notifications.test_service import week
from tests.support.kafka import fresh_database
from tests.support.killing import Killable
from tests.support.service import CONTACT_PRIVATE_KEY, ORGANISER_KEY, TOKEN_PUBLIC_KEY, as_participant, new_id
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack

PEOPLE = 120


async def test_a_message_in_the_inbox_and_no_mail_though_all_is_replayed_and_a_copy_killed(
    kafka: str, mongo: str
) -> None:
    people = [new_id() for _ in range(PEOPLE)]
    happened = [
        enclose(entered(one), source=REGISTRATION, cause=f"school-1/{one}", now=clock.now()) for one in people
    ]
    await create_missing(kafka)
    async with fresh_database(mongo) as database:
        environment = {
            "KEPU_KAFKA": kafka,
            "KEPU_MONGO": mongo,
            "KEPU_DATABASE": database.name,
            "KEPU_INSTANCE": "to-be-killed",
            "KEPU_ROLE": "worker",
            "KEPU_PORT": "0",
            "KEPU_ORGANISER_KEY": ORGANISER_KEY,
            "KEPU_TOKEN_PUBLIC_KEY": TOKEN_PUBLIC_KEY,
            "KEPU_CONTACT_PRIVATE_KEY": CONTACT_PRIVATE_KEY,
            "KEPU_MAIL_FROM": "kepu@example.org",
        }
        async with week(kafka, mongo, copies=2, database=database.name) as at:
            killed = Killable.serving("notifications", environment)
            await killed.start()
            try:
                await at.publish(*known(*people))
                for start in range(0, PEOPLE, 20):
                    await at.publish(*happened[start : start + 20])

                async def some_are_told() -> bool:
                    return await database["messages"].count_documents({}) >= PEOPLE // 4

                await eventually(some_are_told)
                await killed.kill()
            finally:
                await killed.end()
            await at.publish(*happened)

            async def all_told() -> bool:
                return len({id_ for id_, _ in await at.delivered(*people)}) == PEOPLE

            await eventually(all_told)
            for copy in at.clients:
                page = (await copy.get("/inbox", headers=as_participant(people[0]))).json()
                [message] = page["messages"]
                assert "濮阳市第一中学" in message["subject"]
            # Other tests write to the same topics.
            theirs = {"participant_id": {"$in": people}}
            assert await database["messages"].count_documents(theirs) == PEOPLE
            assert await database["messages"].count_documents(theirs | {"channel": {"$ne": "inbox"}}) == 0
            assert at.office.mails == []
