"""A guardian agrees by a link, can prove it and take it back; without it a minor is not booked."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest

from services.registration.consents.receipts import ALGORITHM, ISSUER
from shared.runtime.errors import NotAuthenticated
from shared.runtime.settings import pem
from shared.web.tokens import TokenVerifier
from tests.registration.builders import activity, ask, put, service
from tests.registration.group_bookings.test_group_bookings import attend, book
from tests.registration.rosters.builders import manager_of
from tests.registration.sign_ins.builders import join, signed_in
from tests.support.service import ORGANISER, TOKEN_PUBLIC_KEY, code_of

pytestmark = pytest.mark.stack

Headers = dict[str, str]


async def pupil(
    client: httpx.AsyncClient, manager: Headers, name: str = "李明", *, is_minor: bool = True
) -> str:
    form = {"name": name, "is_minor": is_minor}
    added = await client.post("/groups/school-1/members", json=form, headers=manager)
    return str(added.json()["member_id"])


async def link(client: httpx.AsyncClient, manager: Headers, member_id: str) -> dict[str, Any]:
    path = f"/groups/school-1/members/{member_id}/consents"
    asked = await client.post(path, headers=manager)
    assert asked.status_code == 201, asked.text
    return {"consent_code": asked.json()["consent_code"]}


async def sign(client: httpx.AsyncClient, code: dict[str, Any], **changes: str) -> httpx.Response:
    version = (await client.post("/consents/view", json=code)).json().get("text_version", "none")
    form = code | {"guardian": "李大明", "text_version": version} | changes
    return await client.post("/consents/signature", json=form)


async def test_a_consent_is_signed_by_its_link_and_proved_by_its_receipt(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        manager = await manager_of(client)
        member_id = await pupil(client, manager)
        code = await link(client, manager, member_id)
        shown = (await client.post("/consents/view", json=code)).json()
        assert (shown["group_name"], shown["status"], set(shown["texts"])) == (
            "一中",
            "asked",
            {"zh-CN", "en"},
        )
        given = (await sign(client, code)).json()
        assert (await sign(client, code, guardian="别人")).json() == given
        path = f"/groups/school-1/members/{member_id}/consent"
        for who in (manager, ORGANISER):
            read = (await client.get(path, headers=who)).json()
            assert read == given | {"guardian": "李大明"}
        said = jwt.decode(given["receipt"], pem(TOKEN_PUBLIC_KEY), algorithms=[ALGORITHM], issuer=ISSUER)
        assert (said["sub"], said["text_sha256"]) == (member_id, shown["text_hash"])
        with pytest.raises(NotAuthenticated):
            TokenVerifier(TOKEN_PUBLIC_KEY).verify(given["receipt"], datetime.now(UTC))
        stored = str(await database["consents"].find_one({}))
        assert code["consent_code"] not in stored
        assert "李大明" not in stored


async def test_a_consent_for_one_child_is_none_for_another(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        manager = await manager_of(client)
        member_id = await pupil(client, manager)
        path = f"/groups/school-1/members/{member_id}"

        async def put_as(**details: Any) -> httpx.Response:
            return await client.put(path, json={"is_minor": True} | details, headers=manager)

        # Nobody has agreed yet.
        assert (await put_as(name="李小明")).status_code == 200
        await sign(client, await link(client, manager, member_id))
        assert code_of(await put_as(name="王小红")) == (409, "consent_for_name")
        # The same child in another class.
        assert (await put_as(name="李小明", department="三班")).status_code == 200


async def test_a_minor_is_booked_only_with_a_consent_and_not_after_it_was_taken_back(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        manager = await manager_of(client)
        for session_id, needs in (("one", True), ("two", False)):
            await put(client, session_id, activity(session_id, capacity=9, minors_need_consent=needs))
        minor, adult = await pupil(client, manager), await pupil(client, manager, "王老师", is_minor=False)
        assert code_of(await book(client, manager, [minor])) == (409, "consent_missing")
        assert (await book(client, manager, [minor], session_id="two")).status_code == 201
        booked = (await book(client, manager, [adult])).json()
        assert booked["status"] == "confirmed"
        assert code_of(await attend(client, manager, booked, [adult, minor])) == (409, "consent_missing")
        code = await link(client, manager, minor)
        assert code_of(await client.post("/consents/revocation", json=code)) == (409, "consent_not_given")
        await sign(client, code)
        assert (await attend(client, manager, booked, [adult, minor])).json()["places"] == 2
        await attend(client, manager, booked, [adult])
        for _ in range(2):
            assert (await client.post("/consents/revocation", json=code)).json()["status"] == "revoked"
        assert code_of(await sign(client, code)) == (409, "consent_revoked")
        assert code_of(await attend(client, manager, booked, [adult, minor])) == (409, "consent_missing")
        assert (await sign(client, await link(client, manager, minor))).status_code == 200
        assert (await attend(client, manager, booked, [adult, minor])).json()["places"] == 2


async def test_a_link_ends_by_time_by_a_new_one_and_with_its_member(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        manager = await manager_of(client)
        member_id = await pupil(client, manager)
        old, code = await link(client, manager, member_id), await link(client, manager, member_id)
        assert code_of(await client.post("/consents/view", json=old)) == (404, "consent_unknown")
        past = {"link_expires_at": datetime.now(UTC) - timedelta(seconds=1)}
        await database["consents"].update_one({}, {"$set": past})
        assert code_of(await sign(client, code)) == (404, "consent_unknown")
        code = await link(client, manager, member_id)
        assert code_of(await sign(client, code, text_version="old")) == (409, "consent_text_changed")
        await sign(client, code)
        path = f"/groups/school-1/members/{member_id}"
        assert code_of(await client.post(f"{path}/consents", headers=manager)) == (409, "consent_given")
        assert (await client.delete(path, headers=manager)).status_code == 204
        assert code_of(await client.post("/consents/view", json=code)) == (404, "consent_unknown")


async def test_only_the_bodys_managers_ask_and_only_for_minors(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        manager, other = await manager_of(client), await manager_of(client, "school-2")
        member_id, adult = await pupil(client, manager), await pupil(client, manager, "王", is_minor=False)
        path = f"/groups/school-1/members/{member_id}/consent"
        assert code_of(await client.post(f"{path}s", headers=other)) == (403, "not_manager")
        assert code_of(await client.get(path, headers=other)) == (403, "not_manager")
        assert code_of(await client.get(path, headers=manager)) == (404, "consent_unknown")
        elsewhere = f"/groups/school-2/members/{member_id}/consents"
        assert code_of(await client.post(elsewhere, headers=other)) == (404, "member_unknown")
        adults = f"/groups/school-1/members/{adult}/consents"
        assert code_of(await client.post(adults, headers=manager)) == (409, "member_no_minor")


async def test_what_a_group_says_of_somebody_who_was_there_before_binds_only_where_rosters_let_in(
    mongo: str,
) -> None:
    async with service(mongo) as ([client], database):
        manager = await manager_of(client)
        await put(client, "one", activity("one", capacity=9, minors_need_consent=True))
        await put(client, "two", activity("two", capacity=9, minors_need_consent=True, admits="roster"))
        await join(client, email="wang@example.org")
        stranger = (await signed_in(client, database, "wang@example.org")).json()
        for name, email in (("王", "wang@example.org"), ("李", "pupil@example.org")):
            form = {"name": name, "is_minor": True, "email": email}
            added = await client.post("/groups/school-1/members", json=form, headers=manager)
            assert added.status_code == 201
        child = (await signed_in(client, database, "pupil@example.org")).json()
        for who, session_id, expected in (
            (stranger, "one", (201, None)),
            (stranger, "two", (409, "consent_needed")),
            (child, "one", (409, "consent_needed")),
            (child, "two", (409, "consent_needed")),
        ):
            answer = await ask(client, session_id, token=who["token"])
            assert (answer.status_code, answer.json().get("code")) == expected
        # Another group calls the child an adult. This takes nothing from what the child's own group says.
        other = await manager_of(client, "school-2")
        form = {"name": "甲", "is_minor": False, "email": "pupil@example.org"}
        await client.post("/groups/school-2/members", json=form, headers=other)
        answer = await ask(client, "two", token=child["token"])
        assert code_of(answer) == (409, "consent_needed")
