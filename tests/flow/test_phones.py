"""Somebody without an e-mail address takes part by a mobile phone number: codes and tickets come by SMS."""

import re
from contextlib import AsyncExitStack
from uuid import uuid4

import pytest

from shared.contracts import topics
from shared.messaging.create_topics import create_missing
from tests.notifications import builders as of_notifications
from tests.notifications.sending.sms_gateway import KEY, SmsGateway, open_gateway
from tests.registration import builders as of_registration
from tests.registration.builders import activity, ask, newcomer, own, put
from tests.registration.sign_ins.builders import ask_for_code, confirm, me
from tests.support.kafka import skip_to_end
from tests.support.service import ORGANISER, bearer, new_id
from tests.support.waiting import eventually

pytestmark = pytest.mark.stack

CODE = re.compile(r"验证码([0-9A-Z]{4}-[0-9A-Z]{4})")


async def nth_code(gateway: SmsGateway, number: str, nth: int) -> str:
    """The code of the nth SMS with one, from 1."""

    async def codes() -> list[str]:
        return [found[1] for text in gateway.to(number) if (found := CODE.search(text))]

    found: list[str] = await eventually(codes, lambda codes: len(codes) == nth, seconds=60)
    return found[-1]


async def test_a_place_is_verified_kept_and_cancelled_by_sms_and_a_lost_token_comes_back(
    kafka: str, mongo: str
) -> None:
    await create_missing(kafka)
    await skip_to_end(kafka, topics.NOTIFICATIONS)
    session_id = new_id("phones")
    digits = f"138{uuid4().int % 10**8:08d}"
    number, spelling = f"+86{digits}", f"+86 {digits[:3]}-{digits[3:7]}-{digits[7:]}"
    async with AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(open_gateway())
        [notifications], _ = await stack.enter_async_context(
            of_notifications.service(mongo, kafka=kafka, role="all", sms_url=gateway.url, sms_key=KEY)
        )
        [client], _ = await stack.enter_async_context(
            of_registration.service(mongo, kafka=kafka, role="all", phone_contacts=True, hold_minutes=30)
        )
        await put(client, session_id, activity(session_id, capacity=3))
        who = {name: value for name, value in newcomer(phone=digits).items() if name != "email"}
        held = (await ask(client, session_id, participant=who)).json()
        assert held["status"] == "held"
        verified = await confirm(client, held["participant_id"], await nth_code(gateway, number, 1))
        mine = await own(client, held | {"token": verified.json()["token"]})
        assert mine["status"] == "confirmed"
        await eventually(lambda: any(mine["ticket_code"] in text for text in gateway.to(number)), seconds=60)
        # The token is lost, and the number is typed in another way.
        sign_in = await ask_for_code(client, spelling)
        token = (await confirm(client, sign_in, await nth_code(gateway, number, 2))).json()["token"]
        assert (await me(client, token)).json()["phone"] == number
        reason = {"reason": "weather", "text": "因大雨取消"}
        await client.post(f"/sessions/{session_id}/cancel", json=reason, headers=ORGANISER)
        await eventually(lambda: any("因大雨取消" in text for text in gateway.to(number)), seconds=60)
        inbox = (await notifications.get("/inbox", headers=bearer(token))).json()["messages"]
        assert len(inbox) == 3
    assert len(gateway.to(number)) == 4
    assert set(gateway.counts.values()) == {1}
    assert all(f"Authorization: Bearer {KEY}" in head for head in gateway.heads)
