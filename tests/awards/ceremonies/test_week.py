"""Check-ins on a real Kafka, with two copies of awards, twice and in any order; markings by two at once."""

import asyncio
from collections.abc import Sequence

import httpx
import pytest
from aiokafka import AIOKafkaConsumer

from services.awards.ceremonies.arrivals import ArrivalStore
from services.awards.ceremonies.hand_over import HandingOver
from services.awards.ceremonies.handlers import ArrivalHandler
from services.awards.ceremonies.rules import Handed, Item
from services.awards.ceremonies.store import CeremonyStore
from services.awards.schemes.rules import Scheme
from shared.contracts.events import AwardHandedOver
from shared.messaging.publisher import publishing
from shared.storage.outbox import waiting
from shared.storage.unit_of_work import UnitOfWork
from tests.awards.builders import Week, confer, erased, joined, put, scheme, week
from tests.awards.ceremonies.builders import (
    attendance_in,
    ceremony,
    checked_in,
    fresh,
    mark,
    not_checked_in,
    put_ceremony,
    script_of,
)
from tests.awards.parts import new_parts
from tests.support.service import ORGANISER, batch_of, new_id
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack


async def code_of_conferred(at: Week, of: Scheme, recipient_id: str) -> str:
    """As soon as awards has heard of the recipient."""

    async def tried() -> httpx.Response:
        return await confer(at.client, of, recipient_id)

    answer = await eventually(tried, lambda found: found.is_success)
    code: str = answer.json()["award_code"]
    return code


async def test_two_copies_know_who_came_though_each_event_comes_twice(kafka: str, mongo: str) -> None:
    people = [new_id("person") for _ in range(4)]
    came, undone, back, gone = people
    async with publishing(kafka, "tests") as publisher, week(kafka, mongo, copies=2) as at:
        of, session = scheme(), new_id("hall")
        assert (await put(at.client, of)).is_success
        await at.publish(*map(joined, people))
        for one in people:
            await code_of_conferred(at, of, one)

        def checks(one: str, version: int) -> object:
            return fresh(checked_in(one, version, session_id=session))

        story = [
            checks(came, 2),
            checks(gone, 2),
            fresh(not_checked_in(undone, 3, session_id=session)),
            checks(undone, 2),
            checks(back, 4),
            fresh(not_checked_in(back, 3, session_id=session)),
        ]
        for _ in range(2):
            await publisher.publish(story)  # type: ignore[arg-type]
        id_ = new_id("ceremony")
        put_ = ceremony(Item(scheme_id=of.scheme_id), session_id=session, ceremony_id=id_)
        assert (await put_ceremony(at.clients[1], put_)).is_success

        async def there() -> dict[str, str]:
            return attendance_in(await script_of(at.client, id_))

        expected = {came: "present", undone: "absent", back: "present", gone: "present"}
        await eventually(there, lambda found: found == expected)
        await at.publish(erased(gone))
        del expected[gone]
        await eventually(there, lambda found: found == expected)


async def test_what_two_mark_at_once_is_published_once(kafka: str, mongo: str) -> None:
    heard = AIOKafkaConsumer(AwardHandedOver.topic, bootstrap_servers=kafka)
    async with week(kafka, mongo, copies=2) as at:
        await heard.start()
        try:
            await heard.seek_to_end()
            of, id_ = scheme(), new_id("ceremony")
            await put(at.client, of)
            people = [new_id("person") for _ in range(3)]
            await at.publish(*map(joined, people))
            codes = [await code_of_conferred(at, of, one) for one in people]
            put_ = ceremony(Item(scheme_id=of.scheme_id), ceremony_id=id_)
            assert (await put_ceremony(at.client, put_)).is_success
            answers = await asyncio.gather(*(mark(at.clients[nth % 2], *codes, of=id_) for nth in range(6)))
            assert sorted(len(one.json()["changed"]) for one in answers) == [0, 0, 0, 0, 0, 3]
            assert (await mark(at.client, codes[0], undo=True, of=id_)).is_success
            said: list[tuple[str, int, bool]] = []

            async def listen() -> list[tuple[str, int, bool]]:
                for records in (await heard.getmany(timeout_ms=200)).values():
                    events = [AwardHandedOver.model_validate_json(one.value) for one in records]
                    said.extend((one.award_code, one.version, one.handed_over) for one in events)
                return said

            await eventually(listen, lambda found: len(found) >= 4)
            assert sorted(said) == sorted([*[(one, 1, True) for one in codes], (codes[0], 2, False)])
            gone = await at.client.delete(f"/ceremonies/{id_}", headers=ORGANISER)
            assert gone.status_code == 409
        finally:
            await heard.stop()


class DiedError(Exception):
    """The process is dead."""


class DyingStore(CeremonyStore):
    """Dies when it has noted what was handed over, before the transaction commits."""

    async def note(self, unit: UnitOfWork, ceremony_id: str, handed: Sequence[Handed]) -> None:
        await super().note(unit, ceremony_id, handed)
        raise DiedError


async def test_a_process_that_dies_while_it_marks_has_marked_and_published_nothing(mongo: str) -> None:
    async with new_parts(mongo) as [at]:
        of = scheme()
        await at.put(of)
        await at.know(joined("one"))
        code = (await at.confer(of, "one")).award_code
        await CeremonyStore(at.database).prepare()
        await CeremonyStore(at.database).put(ceremony(Item(scheme_id=of.scheme_id)))

        async def marked_by(store: CeremonyStore) -> int:
            handing = HandingOver(store, at.awards, at.known, ArrivalStore(at.database))
            return len(await handing.mark("closing", [code], over=True))

        with pytest.raises(DiedError):
            await marked_by(DyingStore(at.database))
        assert await at.database["handed_over"].count_documents({}) == 0
        assert [one for one in await waiting(at.database) if one[0] == AwardHandedOver.topic] == []
        assert await marked_by(CeremonyStore(at.database)) == 1
        assert await marked_by(CeremonyStore(at.database)) == 0
        told = [one for one in await waiting(at.database) if one[0] == AwardHandedOver.topic]
        assert len(told) == 1


async def test_a_check_in_that_comes_after_the_erasure_is_not_kept(mongo: str) -> None:
    async with new_parts(mongo) as [at]:
        arrivals = ArrivalStore(at.database)
        await arrivals.prepare()
        await at.know(joined("one"), erased("one"))
        handler = ArrivalHandler(arrivals, at.known)
        await handler.keep(batch_of(fresh(checked_in("one")), fresh(checked_in("two"))))
        assert await arrivals.present("hall", ["one", "two"]) == {"two"}
        assert await at.database["arrivals"].count_documents({}) == 1
