"""One's own data: seen, corrected, and tokens that end."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.registration.participants.codes import address_of
from services.registration.sign_ins.rules import CHANGES_MAX
from shared.storage.ended_tokens import EndedTokens
from tests.registration.builders import events, service
from tests.registration.sign_ins.builders import code_for, confirm, join, me, signed_in
from tests.support.service import ORGANISER, bearer, code_of
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack
LI, WANG, CHEN = "li@example.org", "wang@example.org", "chen@example.org"


async def change(client: httpx.AsyncClient, token: str, **changes: Any) -> httpx.Response:
    return await client.patch("/me", json=changes, headers=bearer(token))


async def test_ones_own_data_are_corrected_field_by_field(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        group = {"name": "一中", "kind": "school", "district": "华龙区"}
        await client.put("/groups/school-1", json=group, headers=ORGANISER)
        token = (await join(client, name="李", email=LI)).json()["token"]
        changed = await change(client, token, name="李小明", group_id="school-1", language="en")
        assert changed.status_code == 200
        now = (await me(client, changed.json()["token"])).json()
        expected = {
            "name": "李小明",
            "email": LI,
            "group_id": "school-1",
            "language": "en",
            "audience": "youth",
            "verified": False,
        }
        assert {name: now[name] for name in expected} == expected
        assert (await change(client, token, group_id=None)).json()["group_id"] is None
        assert code_of(await change(client, token, group_id="school-2")) == (422, "group_unknown")


async def test_a_new_contact_takes_effect_with_its_code(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        joined = (await join(client, email=LI)).json()
        changed = (await change(client, joined["token"], email=WANG)).json()
        assert changed["email"] == LI
        assert code_of(await confirm(client, changed["sign_in_id"], "0000-0000")) == (403, "code_wrong")
        confirmed = await confirm(client, changed["sign_in_id"], await code_for(database, WANG))
        now = (await me(client, confirmed.json()["token"])).json()
        assert (now["email"], now["verified"]) == (WANG, True)
        # The old contact is free, and the new one signs in.
        assert (await join(client, email=LI)).status_code == 201
        assert (await signed_in(client, database, WANG)).json()["participant_id"] == joined["participant_id"]


async def test_the_reader_of_a_verified_contact_is_told_once_that_it_was_changed(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        token = (await join(client, email=LI)).json()["token"]
        changed = (await change(client, token, email=WANG)).json()
        verified = await confirm(client, changed["sign_in_id"], await code_for(database, WANG))
        # Nobody had verified the first one: it may be a stranger's.
        assert await events(database, "participant.contact_changed") == []
        again = (await change(client, verified.json()["token"], email=CHEN)).json()
        code = await code_for(database, CHEN)
        answers = [await confirm(client, again["sign_in_id"], code) for _ in range(2)]
        assert [one.status_code for one in answers] == [200, 404]
        [told] = await events(database, "participant.contact_changed")
        key = ((await database["contact_keys"].find_one({"_id": told["participant_id"]})) or {})["key"]
        assert address_of(told["contact_locked"], key) == WANG
        assert CHEN not in str(told)


async def test_who_changes_their_data_again_and_again_has_to_wait(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        token, other = [(await join(client, email=email)).json()["token"] for email in (LI, WANG)]
        for number in range(CHANGES_MAX):
            assert (await change(client, token, name=f"李{number}")).status_code == 200
        refused = await change(client, token, name="李")
        assert code_of(refused) == (429, "changes_too_many")
        assert int(refused.headers["retry-after"]) <= 3_600
        assert code_of(await client.delete("/me/tokens", headers=bearer(token))) == (429, "changes_too_many")
        assert (await change(client, other, name="王")).status_code == 200


async def test_a_known_contact_is_nobody_elses(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        token = (await join(client, email=LI)).json()["token"]
        sign_in = (await change(client, token, email=WANG)).json()["sign_in_id"]
        await join(client, email=WANG)
        assert code_of(await change(client, token, email=WANG)) == (409, "contact_known")
        late = await confirm(client, sign_in, await code_for(database, WANG))
        assert code_of(late) == (409, "contact_known")


async def test_all_tokens_end_at_every_copy(mongo: str) -> None:
    async with service(mongo, copies=2) as ([one, other], database):
        joined = (await join(one, email=LI)).json()
        verified = (await signed_in(one, database, LI)).json()["token"]
        assert (await one.delete("/me/tokens", headers=bearer(verified))).status_code == 204

        async def refused() -> bool:
            answers = [await me(client, verified) for client in (one, other)]
            return all(answer.status_code == 401 for answer in answers)

        await eventually(refused)
        recovered = (await signed_in(other, database, LI)).json()
        assert recovered["participant_id"] == joined["participant_id"]
        assert (await me(one, recovered["token"])).status_code == 200


async def test_a_repeat_and_an_older_end_change_nothing(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        del client
        ended = EndedTokens(database)
        then = datetime(2023, 5, 20, 12, tzinfo=UTC)
        await ended.end({"p-1": then})
        await ended.refresh()
        at = (await database["ended_tokens"].find_one({"_id": "p-1"}) or {})["at"]
        await ended.end({"p-1": then})
        await ended.end({"p-1": then - timedelta(days=1)})
        await ended.refresh()
        assert (await database["ended_tokens"].find_one({"_id": "p-1"}) or {})["at"] == at
        assert ended.is_ended("p-1", int(then.timestamp()) - 1)
        assert not ended.is_ended("p-1", int(then.timestamp()))
        assert not ended.is_ended("p-2", 0)
