"""Cancelling and moving up, on the real database."""

import json

import pytest

from services.registration.booking.ids import registration_id
from tests.registration.builders import activity, ask, cancel, put, seats, service
from tests.support.service import ORGANISER, bearer, code_of, in_outbox

pytestmark = pytest.mark.stack


async def test_cancelling_promotes_the_head_of_the_waiting_list(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=1, waiting_max=5))
        holder, head, second = [(await ask(client, "one")).json() for _ in range(3)]
        for _ in range(2):
            answer = await cancel(client, holder)
            assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
        promoted = await client.get(
            f"/registrations/{head['registration_id']}", headers=bearer(head["token"])
        )
        assert promoted.json()["status"] == "confirmed"
        assert promoted.json()["ticket_code"]
        waits = await client.get(
            f"/registrations/{second['registration_id']}", headers=bearer(second["token"])
        )
        assert (waits.json()["status"], waits.json()["position"]) == ("waitlisted", 1)
        assert await seats(client, "street") == (0, 1)
        assert len(await in_outbox(database, "registration.cancelled")) == 1
        confirmed = [json.loads(value) for value in await in_outbox(database, "registration.confirmed")]
        assert [(one["participant_id"], one["promoted"], one["version"]) for one in confirmed] == [
            (holder["participant_id"], False, 1),
            (head["participant_id"], True, 2),
        ]


async def test_a_waiting_head_that_cancels_lets_those_behind_it_move_up(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=4, waiting_max=5))
        await ask(client, "one", places=2)
        # The head wants more places than are free, so those behind it wait for it.
        head, second, third = [(await ask(client, "one", places=n)).json() for n in (3, 1, 1)]
        assert await seats(client, "street") == (2, 3)
        await cancel(client, head)
        assert await seats(client, "street") == (0, 0)
        for behind in (second, third):
            path = f"/registrations/{behind['registration_id']}"
            seen = (await client.get(path, headers=bearer(behind["token"]))).json()
            assert seen["status"] == "confirmed"
            assert (await client.get(path, headers=bearer(behind["token"]))).json()["ticket_code"]
        promoted = [json.loads(value) for value in await in_outbox(database, "registration.confirmed")]
        assert sum(one["promoted"] for one in promoted) == 2


async def test_who_cancelled_can_ask_again_and_is_told_again(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=1))
        first = (await ask(client, "one")).json()
        for _ in range(2):
            path = f"/registrations/{first['registration_id']}/cancel"
            await client.post(path, headers=bearer(first["token"]))
            again = await ask(client, "one", token=first["token"])
            assert (again.status_code, again.json()["status"]) == (201, "confirmed")
            assert again.json()["registration_id"] == first["registration_id"]
            assert again.json()["ticket_code"] != first["ticket_code"]
        assert await seats(client, "street") == (0, 0)
        confirmed = [json.loads(value) for value in await in_outbox(database, "registration.confirmed")]
        cancelled = [json.loads(value) for value in await in_outbox(database, "registration.cancelled")]
        assert [one["version"] for one in confirmed] == [1, 3, 5]
        assert [one["version"] for one in cancelled] == [2, 4]


async def test_nobody_sees_or_cancels_anothers_registration_but_an_organiser_may_cancel(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        await put(client, "street", activity("one", capacity=5))
        mine, yours = [(await ask(client, "one")).json() for _ in range(2)]
        path = f"/registrations/{mine['registration_id']}"
        missing = f"/registrations/{registration_id('nobody', 'one')}"
        for somewhere in (path, missing):
            seen = await client.get(somewhere, headers=bearer(yours["token"]))
            cancelled = await client.post(f"{somewhere}/cancel", headers=bearer(yours["token"]))
            for answer in (seen, cancelled):
                assert (answer.status_code, answer.json()["code"]) == (404, "registration_unknown")
        assert (await client.get(path)).status_code == 401
        assert (await client.post(f"{path}/cancel")).status_code == 401
        wrong = await client.post(f"{path}/cancel", headers={"X-Organiser-Key": "not-the-organisers-key"})
        assert wrong.status_code == 403
        assert (await client.post(f"{path}/cancel", headers=ORGANISER)).json()["status"] == "cancelled"


async def test_an_organiser_says_why_to_the_participant_and_to_the_log_and_others_do_not(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "street", activity("one", capacity=5))
        first, second = [(await ask(client, "one")).json() for _ in range(2)]
        paths = [f"/registrations/{one['registration_id']}/cancel" for one in (first, second)]
        why = {"code": "double_booking", "text": "名额重复，已保留另一场"}
        own = await client.post(paths[0], json=why, headers=bearer(first["token"]))
        assert code_of(own) == (422, "reason_of_organiser")
        linked = why | {"text": "see https://example.org"}
        assert code_of(await client.post(paths[0], json=linked, headers=ORGANISER)) == (422, "invalid")
        assert (await client.post(paths[0], json=why, headers=ORGANISER)).json()["status"] == "cancelled"
        assert (await client.post(paths[1], headers=ORGANISER)).json()["status"] == "cancelled"
        told_of = [json.loads(event) for event in await in_outbox(database, "registration.cancelled")]
        assert [(one["code"], one["reason"]) for one in told_of] == [
            ("cancelled_by_organiser", why["text"]),
            ("cancelled_by_organiser", None),
        ]
        acts = (await client.get("/acts", headers=ORGANISER)).json()["acts"]
        assert [act["details"] for act in acts[:2]] == [{}, {"reason": "double_booking"}]
        assert why["text"] not in str(acts)
