"""Mobile phone numbers as contacts: whoever reads the SMS is the participant."""

from typing import Any
from uuid import uuid4

import pytest
from pydantic import ValidationError

from shared.contracts.sealing import decrypt_contact
from tests.registration.builders import activity, ask, events, newcomer, own, put, service, settings
from tests.registration.sign_ins.builders import ask_for_code, code_for, confirm, join, me, signed_in
from tests.support.service import ORGANISER, bearer, code_of

pytestmark = pytest.mark.stack
LI = "li@example.org"
NUMBER = "+8613800138000"
SPELLINGS = (
    "13800138000",
    "138 0013 8000",
    "+86 138-0013-8000",
    "0086 13800138000",
    "１３８００１３８０００",
)


def by_phone(phone: str) -> dict[str, Any]:
    fields = newcomer(phone=phone)
    del fields["email"]
    return fields


async def test_five_spellings_of_a_number_are_one_participant_who_signs_in_with_a_sixth(mongo: str) -> None:
    async with service(mongo, phone_contacts=True, hold_minutes=30) as ([client], database):
        await put(client, "street", activity("one", 10))
        held = (await ask(client, "one", participant=by_phone(SPELLINGS[0]))).json()
        assert held["status"] == "held"
        for spelling in SPELLINGS[1:]:
            again = await ask(client, "one", participant=by_phone(spelling))
            assert code_of(again) == (409, "contact_known")
            joined = await client.post("/participants", json=by_phone(spelling))
            assert code_of(joined) == (409, "contact_known")
        assert await database["participants"].count_documents({}) == 1
        confirmed = await confirm(client, held["participant_id"], await code_for(database, NUMBER))
        assert (await own(client, held | {"token": confirmed.json()["token"]}))["status"] == "confirmed"
        sign_in = await ask_for_code(client, "＋８６ 138 0013 8000")
        signed = (await confirm(client, sign_in, await code_for(database, NUMBER))).json()
        assert signed["participant_id"] == held["participant_id"]
        mine = (await me(client, signed["token"])).json()
        assert (mine["email"], mine["phone"], mine["verified"]) == (None, NUMBER, True)


async def test_whether_numbers_are_taken_is_told_before_anybody_types_one(mongo: str) -> None:
    for taken, regions in ((False, []), (True, ["CN"])):
        async with service(mongo, phone_contacts=taken) as ([client], _):
            assert (await client.get("/contacts")).json() == {"phone_regions": regions}


async def test_no_event_and_no_document_has_the_number_in_clear(mongo: str) -> None:
    async with service(mongo, phone_contacts=True) as ([client], database):
        joined = (await client.post("/participants", json=by_phone("13800138000"))).json()
        await signed_in(client, database, NUMBER)
        known, *_ = await events(database, "participant.joined")
        assert known["by_phone"]
        asked = await events(database, "participant.code_requested")
        assert [one["by_phone"] for one in asked] == [True, True]
        key = ((await database["contact_keys"].find_one({"_id": joined["participant_id"]})) or {})["key"]
        assert decrypt_contact(known["contact_sealed"], key, "").phone == NUMBER
        for name in await database.list_collection_names():
            for document in await database[name].find({}).to_list(None):
                assert "13800138000" not in str(document), name


async def test_a_number_takes_the_place_of_an_address_and_the_other_way_round(mongo: str) -> None:
    async with service(mongo, phone_contacts=True) as ([client], database):
        joined = (await join(client, email=LI)).json()
        token = (await signed_in(client, database, LI)).json()["token"]
        for changes, address, email, phone in (
            ({"phone": "138 0013 8000"}, NUMBER, None, NUMBER),
            ({"email": "wang@example.org"}, "wang@example.org", "wang@example.org", None),
        ):
            changed = (await client.patch("/me", json=changes, headers=bearer(token))).json()
            *_, asked = await events(database, "participant.code_requested")
            assert (asked["by_phone"], bool(asked["contact_locked"])) == (phone is not None, True)
            confirmed = await confirm(client, changed["sign_in_id"], await code_for(database, address))
            token = confirmed.json()["token"]
            mine = (await me(client, token)).json()
            assert (mine["participant_id"], mine["email"], mine["phone"]) == (
                joined["participant_id"],
                email,
                phone,
            )
            *_, now = await events(database, "participant.joined")
            assert now["by_phone"] == (phone is not None)
        # The name alone changes nothing about the contact.
        renamed = await client.patch("/me", json={"name": "李小明"}, headers=bearer(token))
        assert (renamed.json()["email"], renamed.json()["sign_in_id"]) == ("wang@example.org", None)


async def test_without_a_gateway_numbers_are_refused_everywhere_and_nothing_is_kept(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", 10))
        token = (await join(client, email=LI)).json()["token"]
        phone = {"phone": "13800138000"}
        organiser = ORGANISER | {"Idempotency-Key": str(uuid4()), "Accept-Language": "zh-CN"}
        on_behalf = {"person": {"name": "李奶奶"} | phone}
        answers = [
            await ask(client, "one", participant=by_phone("13800138000")),
            await client.post("/participants", json=by_phone("13800138000")),
            await client.post("/sign-ins", json=phone),
            await client.patch("/me", json=phone, headers=bearer(token)),
            await client.post("/sessions/one/registrations", json=on_behalf, headers=organiser),
        ]
        assert {code_of(answer) for answer in answers} == {(422, "phone_unsupported")}
        assert answers[-1].json()["detail"] == "这里不能使用手机号码，请填写电子邮箱"
        assert await database["participants"].count_documents({}) == 1


async def test_a_wrong_contact_is_refused_in_both_languages(mongo: str) -> None:
    async with service(mongo, phone_contacts=True) as ([client], _):
        for fields, code, chinese in (
            ({"phone": "12345"}, "phone_invalid", "这不是有效的手机号码"),
            (
                {"phone": "+1 202 555 0123"},
                "phone_region",
                "这里不能使用该国家或地区的手机号码，请填写电子邮箱",
            ),
            ({}, "contact_missing", "请填写电子邮箱或手机号码"),
            (
                {"phone": "13800138000", "email": LI},
                "contact_ambiguous",
                "电子邮箱和手机号码只能填写一项",
            ),
        ):
            answer = await client.post("/sign-ins", json=fields)
            assert code_of(answer) == (422, code)
            zh = await client.post("/sign-ins", json=fields, headers={"Accept-Language": "zh-CN"})
            assert zh.json()["detail"] == chinese


async def test_an_organiser_registers_somebody_with_a_number(mongo: str) -> None:
    async with service(mongo, phone_contacts=True) as ([client], database):
        await put(client, "street", activity("one", 10))
        person = {"person": {"name": "李奶奶", "phone": "138 0013 8000"}}
        headers = ORGANISER | {"Idempotency-Key": str(uuid4())}
        registered = await client.post("/sessions/one/registrations", json=person, headers=headers)
        assert registered.json()["status"] == "confirmed"
        signed = (await signed_in(client, database, NUMBER)).json()
        assert signed["participant_id"] == registered.json()["participant_id"]


def test_a_region_that_does_not_exist_is_reported_at_the_start(mongo: str) -> None:
    assert settings(mongo=mongo, phone_regions="XX")
    with pytest.raises(ValidationError, match="XX"):
        settings(mongo=mongo, phone_regions="CN,XX", phone_contacts=True)
