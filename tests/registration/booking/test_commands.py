"""Commands over the real broker: outcomes come back as events, and repeats change nothing."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
import pytest

from services.registration.app import assemble
from shared.contracts.envelope import Envelope, enclose
from shared.contracts.events import RegistrationRequested
from shared.contracts.sealing import Contact, decrypt_contact, decrypt_words, seal, unseal_key
from shared.contracts.sources import REGISTRATION
from shared.messaging.create_topics import create_missing
from shared.messaging.publisher import Publisher, publishing
from tests.registration.builders import activity, ask, put, reading, seats, settings
from tests.support.service import (
    CONTACT_PRIVATE_KEY,
    CONTACT_PUBLIC_KEY,
    ORGANISER,
    bearer,
    new_id,
    running,
    token_of,
)

pytestmark = pytest.mark.stack

OUTCOMES = ("registration.confirmed", "registration.waitlisted", "registration.rejected")
JOINED = "participant.joined"


@asynccontextmanager
async def running_service(kafka: str, mongo: str, **changes: object) -> AsyncIterator[httpx.AsyncClient]:
    async with running(assemble(settings(mongo=mongo, kafka=kafka, role="all", **changes))) as client:
        yield client


def command(session_id: str, participant_id: str | None = None, **changes: object) -> RegistrationRequested:
    fields: dict[str, object] = {
        "request_id": new_id("request"),
        "participant_id": participant_id or new_id("person"),
        "session_id": session_id,
    }
    return RegistrationRequested.model_validate(fields | changes)


def sent(command: RegistrationRequested, source: str = "another-system") -> Envelope[RegistrationRequested]:
    return enclose(command, source=source, cause=command.request_id, now=datetime.now(UTC))


async def send(publisher: Publisher, commands: Sequence[RegistrationRequested]) -> None:
    await publisher.publish([sent(one) for one in commands])


async def test_commands_are_decided_in_order_and_told_under_their_correlation_id(
    kafka: str, mongo: str
) -> None:
    await create_missing(kafka)
    only, street = new_id("session"), new_id("street")
    who = new_id("person")
    asked = [command(only, who), *(command(only, new_id("person")) for _ in range(3)), command("none-at-all")]
    async with (
        publishing(kafka, "test") as publisher,
        reading(kafka, *OUTCOMES, JOINED) as log,
        # Newcomers' places are held. But another system vouches for its participants.
        running_service(kafka, mongo, hold_minutes=30) as client,
    ):
        await put(client, street, activity(only, capacity=1, waiting_max=2))
        await send(publisher, asked)
        keys = [one.participant_id for one in asked]
        records = await log.of(keys, 10)
        outcomes = {json.loads(one.value)["request_id"]: one for one in records if one.topic != JOINED}
        assert Counter(one.topic for one in records) == {
            JOINED: 5,
            "registration.confirmed": 1,
            "registration.waitlisted": 2,
            "registration.rejected": 2,
        }
        assert json.loads(outcomes[asked[-1].request_id].value)["code"] == "session_unknown"
        for one in asked:
            headers = dict(outcomes[one.request_id].headers)
            assert headers["ce_correlationid"].decode() == sent(one).context.correlation_id
            assert headers["ce_causationid"].decode() == sent(one).context.id
        assert await seats(client, street) == (0, 2)


async def test_redelivered_commands_change_nothing_and_say_nothing_again(kafka: str, mongo: str) -> None:
    await create_missing(kafka)
    only, street = new_id("session"), new_id("street")
    asked = [command(only) for _ in range(6)]
    last = command(only)
    async with (
        publishing(kafka, "test") as publisher,
        reading(kafka, *OUTCOMES, JOINED) as log,
        running_service(kafka, mongo) as client,
    ):
        await put(client, street, activity(only, capacity=4, waiting_max=2))
        await send(publisher, asked)
        keys = [one.participant_id for one in asked]
        assert len(await log.of(keys, 12)) == 12
        await send(publisher, [*asked, *asked])
        # One partition a participant: what this asks behind the repeats is decided after them.
        fresh = [command(only, one.participant_id) for one in asked]
        await send(publisher, [*fresh, last])
        records = await log.of([*keys, last.participant_id], 20)
        told = Counter(json.loads(one.value).get("code", one.topic) for one in records)
        assert told[JOINED] == 7
        assert told["registration.confirmed"] == 4, told
        assert told["registration.waitlisted"] == 2
        assert told["already_registered"] == 6
        assert told["session_full"] == 1
        assert await seats(client, street) == (0, 2)


async def test_a_request_id_with_another_content_is_dead_lettered(kafka: str, mongo: str) -> None:
    await create_missing(kafka)
    only, street = new_id("session"), new_id("street")
    first = command(only)
    changed = command(only, first.participant_id, request_id=first.request_id, places=2)
    neighbour = command(only, first.participant_id)
    dead = "registration.requested.registration-requests.dead"
    async with (
        publishing(kafka, "test") as publisher,
        reading(kafka, *OUTCOMES, dead) as log,
        running_service(kafka, mongo) as client,
    ):
        await put(client, street, activity(only, capacity=9))
        await send(publisher, [first, changed, neighbour])
        records = await log.of([first.participant_id], 3)
        assert {one.topic for one in records} == {"registration.confirmed", "registration.rejected", dead}
        [letter] = [one for one in records if one.topic == dead]
        assert dict(letter.headers)["dead_code"] == b"idempotency_key_reused"


async def test_a_request_id_belongs_to_its_sender_and_nobody_sends_in_our_name(
    kafka: str, mongo: str
) -> None:
    await create_missing(kafka)
    one, two = new_id("session"), new_id("session")
    first = command(one)
    other = command(two, first.participant_id, request_id=first.request_id)
    forged = command(one, first.participant_id)
    dead = "registration.requested.registration-requests.dead"
    async with (
        publishing(kafka, "test") as publisher,
        reading(kafka, *OUTCOMES, dead) as log,
        running_service(kafka, mongo) as client,
    ):
        await put(client, new_id("street"), activity(one, capacity=2))
        await put(client, new_id("street"), activity(two, capacity=2))
        await publisher.publish([sent(forged, REGISTRATION), sent(first, "hall"), sent(other, "school")])
        records = await log.of([first.participant_id], 3)
        confirmed = [json.loads(record.value) for record in records if record.topic != dead]
        assert {told["session_id"] for told in confirmed} == {one, two}
        assert {told["request_id"] for told in confirmed} == {first.request_id}
        [letter] = [record for record in records if record.topic == dead]
        assert dict(letter.headers)["dead_code"] == b"source_ours"


async def test_people_and_commands_share_the_places_and_what_http_changes_is_told(
    kafka: str, mongo: str
) -> None:
    await create_missing(kafka)
    only, street = new_id("session"), new_id("street")
    commands = [command(only) for _ in range(40)]
    async with (
        publishing(kafka, "test") as publisher,
        reading(kafka, *OUTCOMES, "registration.cancelled", "participant.erased") as log,
        running_service(kafka, mongo) as client,
    ):
        await put(client, street, activity(only, capacity=30, waiting_max=20))
        answers, _ = await asyncio.gather(
            asyncio.gather(*(ask(client, only) for _ in range(40))), send(publisher, commands)
        )
        people = [answer.json() for answer in answers if answer.status_code == 201]
        keys = [one["participant_id"] for one in people] + [one.participant_id for one in commands]
        records = await log.of(keys, len(keys))
        # People who are refused are told so at once, and by nothing else.
        told = Counter(one.topic for one in records)
        assert told.pop("registration.rejected", 0) == 40 - (50 - len(people))
        assert told == {"registration.confirmed": 30, "registration.waitlisted": 20}
        assert await seats(client, street) == (0, 20)
        one = people[0]
        erased = await client.delete("/participants/me", headers=bearer(one["token"]))
        assert erased.status_code == 200
        assert any(
            record.topic == "participant.erased" for record in await log.of([one["participant_id"]], 3)
        )
        health = await client.get("/health")
        assert health.status_code == 200, health.text


async def test_a_contact_sealed_by_another_system_is_locked_as_it_came(kafka: str, mongo: str) -> None:
    await create_missing(kafka)
    only, street = new_id("session"), new_id("street")
    sealed = seal(Contact(name="王老师", email="wang@example.org"), CONTACT_PUBLIC_KEY)
    asked, unreadable = command(only, contact_sealed=sealed), command(only, contact_sealed="AAAAA")
    dead = "registration.requested.registration-requests.dead"
    async with (
        publishing(kafka, "test") as publisher,
        reading(kafka, "registration.confirmed", JOINED, "participant.keyed", dead) as log,
        running_service(kafka, mongo) as client,
    ):
        await put(client, street, activity(only, capacity=9))
        await send(publisher, [unreadable, asked])
        told = {one.topic: json.loads(one.value) for one in await log.of([asked.participant_id], 3)}
        key = unseal_key(told["participant.keyed"]["key_sealed"], CONTACT_PRIVATE_KEY)
        contact = decrypt_contact(told[JOINED]["contact_sealed"], key, CONTACT_PRIVATE_KEY)
        assert (contact.name, contact.email) == ("王老师", "wang@example.org")
        assert decrypt_words(told["registration.confirmed"]["ticket_sealed"], key)
        [letter] = await log.of([unreadable.participant_id], 1)
        assert dict(letter.headers)["dead_code"] == b"contact_unreadable"


async def test_commands_of_erased_participants_that_come_again_stop_nobody(kafka: str, mongo: str) -> None:
    await create_missing(kafka)
    only, street = new_id("session"), new_id("street")
    asked = [command(only, district="华龙区") for _ in range(30)]
    dead = "registration.requested.registration-requests.dead"
    async with (
        publishing(kafka, "test") as publisher,
        reading(kafka, *OUTCOMES, "participant.erased", dead) as log,
        running_service(kafka, mongo) as client,
    ):
        await put(client, street, activity(only, capacity=40))
        await send(publisher, asked)
        keys = [one.participant_id for one in asked]
        assert len(await log.of(keys, 30)) == 30
        for key in keys:
            answer = await client.delete("/participants/me", headers=bearer(token_of(key)))
            assert answer.status_code == 200
        await log.of(keys, 60)
        # All again; behind them something new of the same people, and somebody else's.
        await send(publisher, asked)
        fresh = [command(only, key, district="华龙区") for key in keys]
        others = [command(only) for _ in range(4)]
        await send(publisher, [*fresh, *fresh, *others])
        told = await log.of(keys, 90)
        assert Counter(one.topic for one in told) == {
            "registration.confirmed": 30,
            "participant.erased": 30,
            "registration.rejected": 30,
        }
        rejections = [json.loads(one.value) for one in told if one.topic == "registration.rejected"]
        assert {one["code"] for one in rejections} == {"participant_erased"}
        assert {one["request_id"] for one in rejections} == {one.request_id for one in fresh}
        assert not any("华龙区" in (one.value or b"").decode() for one in told)
        confirmed = await log.of([one.participant_id for one in others], 4)
        assert {one.topic for one in confirmed} == {"registration.confirmed"}
        assert (await client.get("/health")).status_code == 200


async def test_a_command_that_names_an_unknown_group_is_rejected_and_nobody_joins(
    kafka: str, mongo: str
) -> None:
    await create_missing(kafka)
    only, street, school = new_id("session"), new_id("street"), new_id("school")
    stranger = command(only, group_id=school)
    async with (
        publishing(kafka, "test") as publisher,
        reading(kafka, *OUTCOMES, JOINED) as log,
        running_service(kafka, mongo) as client,
    ):
        await put(client, street, activity(only, capacity=9))
        await send(publisher, [stranger])
        [rejected] = await log.of([stranger.participant_id], 1)
        assert json.loads(rejected.value)["code"] == "group_unknown"
        body = {"name": "一中", "kind": "school", "district": "华龙区"}
        await client.put(f"/groups/{school}", json=body, headers=ORGANISER)
        pupil = command(only, group_id=school)
        await send(publisher, [pupil])
        told = {one.topic: json.loads(one.value) for one in await log.of([pupil.participant_id], 2)}
        assert told[JOINED]["group_id"] == school
        assert "registration.confirmed" in told
