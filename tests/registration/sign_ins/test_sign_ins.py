"""Sign-ins: one contact is one participant, and whoever proves that it is theirs gets the token."""

import asyncio
from typing import Any

import pytest

from services.registration.participants.store import ParticipantStore
from services.registration.sign_ins.rules import AGAIN_AFTER, CONTACT_AND_ADDRESS_MAX, TRIES_MAX
from shared.runtime import clock
from shared.web.tokens import TokenVerifier
from tests.registration.builders import activity, ask, erase, newcomer, own, put, service
from tests.registration.sign_ins.builders import (
    ask_for_code,
    code_for,
    confirm,
    join,
    me,
    signed_in,
)
from tests.support.service import TOKEN_PUBLIC_KEY, code_of
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack
LI = "li@example.org"


async def test_a_second_newcomer_with_a_known_contact_is_refused_and_leaves_nothing(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", 10))
        first = await ask(client, "one", participant=newcomer(email=LI))
        second = await ask(client, "one", participant=newcomer(email="Li+again@example.org"))
        assert (first.status_code, code_of(second)) == (201, (409, "contact_known"))
        assert code_of(await join(client, email=LI)) == (409, "contact_known")
        for collection in ("participants", "contacts", "registrations", "requests", "contact_keys"):
            assert await database[collection].count_documents({}) == 1, collection


async def test_of_a_crowd_with_the_same_contact_one_joins_at_two_copies(mongo: str) -> None:
    async with service(mongo, copies=2) as (clients, database):
        await put(clients[0], "street", activity("one", 100))
        asked = [
            ask(clients[number % 2], "one", participant=newcomer(email=f"p{number // 8}@example.org"))
            for number in range(80)
        ] + [join(clients[number % 2], email=f"p{number}@example.org") for number in range(10)]
        answers = [answer.status_code for answer in await asyncio.gather(*asked)]
        assert sorted(set(answers)) == [201, 409]
        assert answers.count(201) == 10
        assert await database["participants"].count_documents({}) == 10


async def test_the_code_confirms_a_newcomers_hold_and_ends_the_earlier_token(mongo: str) -> None:
    async with service(mongo, hold_minutes=30) as ([client], database):
        await put(client, "street", activity("one", 10))
        held = (await ask(client, "one", participant=newcomer(email=LI))).json()
        assert (held["status"], held["ticket_code"]) == ("held", None)
        answer = await confirm(client, held["participant_id"], (await code_for(database, LI)).lower())
        confirmed = answer.json()
        assert (answer.status_code, confirmed["verified"]) == (200, True)
        assert confirmed["participant_id"] == held["participant_id"]
        now = await own(client, held | {"token": confirmed["token"]})
        assert now["status"] == "confirmed"
        assert now["ticket_code"]

        async def ended() -> bool:
            return (await me(client, held["token"])).status_code == 401

        await eventually(ended)
        assert code_of(await me(client, held["token"])) == (401, "token_ended")
        assert (await me(client, confirmed["token"])).status_code == 200


async def test_whoever_reads_the_mailbox_takes_over_what_a_stranger_registered(mongo: str) -> None:
    async with service(mongo, hold_minutes=30) as ([client], database):
        await put(client, "street", activity("one", 10))
        key = "a-key-of-the-stranger"
        strange = (await ask(client, "one", key=key, participant=newcomer("甲", email=LI))).json()
        mine = (await signed_in(client, database, LI)).json()
        assert mine["participant_id"] == strange["participant_id"]
        # The stranger's request, sent again, gives neither a token nor the ticket.
        again = await ask(client, "one", key=key, participant=newcomer("甲", email=LI))
        assert code_of(again) == (409, "contact_known")


async def test_a_lost_token_is_recovered_and_a_code_is_good_once(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        joined = (await join(client, email=LI)).json()
        code = await code_for(database, LI)
        assert (await confirm(client, joined["participant_id"], code)).status_code == 200
        sign_in = await ask_for_code(client, "LI@example.org")
        assert code_of(await confirm(client, sign_in, code)) == (403, "code_wrong")
        recovered = await confirm(client, sign_in, await code_for(database, LI))
        assert recovered.json()["participant_id"] == joined["participant_id"]
        assert code_of(await confirm(client, sign_in, await code_for(database, LI))) == (
            404,
            "sign_in_unknown",
        )


async def test_an_unknown_contact_is_answered_like_a_known_one(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await join(client, email=LI)
        known = await client.post("/sign-ins", json={"email": LI})
        unknown = await client.post("/sign-ins", json={"email": "nobody@example.org"})
        assert known.status_code == unknown.status_code == 202
        assert known.json().keys() == unknown.json().keys()
        tried = await confirm(
            client, unknown.json()["sign_in_id"], await code_for(database, "nobody@example.org")
        )
        assert code_of(tried) == (403, "code_wrong")


async def test_after_five_wrong_codes_the_right_one_is_refused(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        joined = (await join(client, email=LI)).json()
        for id_ in (joined["participant_id"], await ask_for_code(client, LI)):
            for number in range(TRIES_MAX):
                wrong = await confirm(client, id_, "0000-0000")
                assert code_of(wrong) == (403, "code_wrong")
                assert wrong.json()["detail"]
                assert number < TRIES_MAX
            right = await confirm(client, id_, await code_for(database, LI))
            assert code_of(right) == (403, "code_tries_exhausted")
        assert not (await me(client, joined["token"])).json()["verified"]


async def test_sign_ins_are_bounded_for_a_contact_and_others_go_on(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        for _ in range(CONTACT_AND_ADDRESS_MAX):
            await ask_for_code(client, LI)
        refused = await client.post("/sign-ins", json={"email": "li+1@example.org"})
        assert code_of(refused) == (429, "sign_ins_too_many")
        assert int(refused.headers["retry-after"]) > 0
        await ask_for_code(client, "wang@example.org")


async def test_an_erased_contact_is_free_again(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        joined = (await join(client, email=LI)).json()
        headers = {"Authorization": f"Bearer {joined['token']}"}
        assert (await client.delete("/participants/me", headers=headers)).status_code == 200
        assert await database["contacts"].count_documents({}) == 0
        anew = await join(client, email=LI)
        assert anew.status_code == 201
        assert anew.json()["participant_id"] != joined["participant_id"]


async def test_nothing_that_is_stored_shows_a_contact_or_a_code(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await join(client, name="王无忌", email=LI)
        await ask_for_code(client, LI)
        code = await code_for(database, LI)
        for name in await database.list_collection_names():
            text = str(await database[name].find().to_list(None))
            assert "example.org" not in text, name
            assert "王无忌" not in text, name
            assert code not in text, name


async def test_who_leaves_and_joins_again_competes_a_day_later(mongo: str) -> None:
    tokens = TokenVerifier(TOKEN_PUBLIC_KEY)
    async with service(mongo, hold_minutes=30) as ([client], database):
        await put(client, "street", activity("one", 10))

        async def verified(*, with_a_place: bool) -> dict[str, Any]:
            if with_a_place:
                held = (await ask(client, "one", participant=newcomer(email=LI))).json()
            else:
                held = (await join(client, email=LI)).json()
            answer = await confirm(client, held["participant_id"], await code_for(database, LI))
            return dict(answer.json())

        first = await verified(with_a_place=False)
        assert tokens.verify(first["token"], clock.now()).verified
        await erase(client, first)
        for with_a_place in (True, False):
            again = await verified(with_a_place=with_a_place)
            assert again["verified"]
            assert not tokens.verify(again["token"], clock.now()).verified
            signed = (await signed_in(client, database, LI)).json()
            assert not tokens.verify(signed["token"], clock.now()).verified
            # Everything else is as before.
            assert (await me(client, again["token"])).json()["verified"]
            participant = await ParticipantStore(database).read(again["participant_id"])
            assert participant is not None
            assert participant.may_compete(clock.now() + AGAIN_AFTER)
            await erase(client, again)


async def test_a_stranger_who_joins_and_leaves_delays_nobody(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await erase(client, (await join(client, email=LI)).json())
        joined = (await join(client, email=LI)).json()
        answer = await confirm(client, joined["participant_id"], await code_for(database, LI))
        assert TokenVerifier(TOKEN_PUBLIC_KEY).verify(answer.json()["token"], clock.now()).verified
