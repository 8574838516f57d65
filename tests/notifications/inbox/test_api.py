"""Inboxes, preferences and deliveries over HTTP, and who may see what."""

from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from services.notifications.app import NotificationsSettings, assemble
from services.notifications.contacts.decryptor import Opener
from services.notifications.mail.courier import LEASE_SECONDS_MIN, Pace
from services.notifications.mail.send import SEND_SECONDS_MAX
from services.notifications.messages.rules import Patience
from shared.contracts.sealing import new_key_pair
from shared.runtime import clock
from shared.storage.mongo import TRANSACTION_SECONDS_MAX, connect
from shared.storage.outbox import prepare
from shared.web.forms import after_of
from tests.notifications.builders import (
    CONTACT_PRIVATE_KEY,
    CONTACT_PUBLIC_KEY,
    NAME,
    ORGANISER,
    TICKET,
    TOKEN_PUBLIC_KEY,
    Desk,
    address_of,
    as_participant,
    confirmed,
    erased,
    everything,
    fresh,
    issued,
    keyed,
    known,
    requested,
    running,
    settings,
)

pytestmark = pytest.mark.stack


@asynccontextmanager
async def api(
    kafka: str, mongo: str, contact_private_key: str | None = None
) -> AsyncIterator[tuple[httpx.AsyncClient, Desk]]:
    """The HTTP of the service in role api, and a desk over the same database."""
    of = settings(kafka, mongo, role="api", contact_private_key=contact_private_key)
    async with running(assemble(of)) as client, connect(mongo, of.database) as database:
        await prepare(database)
        yield client, Desk(database, Patience())


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def inbox(client: httpx.AsyncClient, who: str, **query: Any) -> dict[str, Any]:
    answer = await client.get("/inbox", params=query, headers=as_participant(who))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_an_inbox_is_read_page_by_page_newest_first_and_by_its_owner_alone(
    kafka: str, mongo: str
) -> None:
    person, other = fresh(), fresh()
    async with api(kafka, mongo) as (client, at):
        for n in range(7):
            await at.tell(requested(person, subject=f"第{n}号"))
        await at.tell(*[requested(person, subject="同时") for _ in range(5)], confirmed(other))
        subjects, ids, after = [], set(), None
        for _ in range(4):
            page = await inbox(client, person, limit=4, **({"after": after} if after else {}))
            subjects += [message["subject"] for message in page["messages"]]
            ids |= {message["message_id"] for message in page["messages"]}
            after = page["after"]
            if after is None:
                break
        assert subjects == ["同时"] * 5 + [f"第{n}号" for n in range(6, -1, -1)]
        assert len(ids) == 12
        assert len((await inbox(client, other))["messages"]) == 1
        assert code_of(await client.get("/inbox")) == (401, "token_missing")
        assert after is None
        for limit in (0, 201, 10**30, "x"):
            answer = await client.get("/inbox", params={"limit": limit}, headers=as_participant(person))
            assert code_of(answer)[0] == 422


ABSURD = [
    "x",
    "1.",
    "999999999999999.a",
    after_of(10**18, "a"),
    after_of(-1),
    after_of(datetime(2023, 5, 20), "a"),  # noqa: DTZ001 (without a zone, as nobody is given one)
    # A timestamp of the year 292277026596, as MessagePack writes it.
    urlsafe_b64encode(b"\x92\xc7\x0c\xff" + b"\x00" * 4 + b"\x7f" + b"\xff" * 7 + b"\xa1a")
    .decode()
    .rstrip("="),
    "A" * 513,
]


@pytest.mark.parametrize("after", ABSURD)
async def test_a_place_that_no_page_gave_is_refused(kafka: str, mongo: str, after: str) -> None:
    async with api(kafka, mongo) as (client, _):
        for path, headers in (("/inbox", as_participant(fresh())), ("/deliveries", ORGANISER)):
            answer = await client.get(path, params={"after": after}, headers=headers)
            assert code_of(answer) in {(422, "invalid"), (422, "after_invalid")}


async def test_the_ends_of_the_calendar_are_places_like_others(kafka: str, mongo: str) -> None:
    person = fresh()
    async with api(kafka, mongo) as (client, at):
        await at.tell(confirmed(person))
        for year, count in ((1, 0), (9999, 1)):
            after = after_of(datetime(year, 12, 31, 23, 59, tzinfo=UTC), "x")
            assert len((await inbox(client, person, after=after))["messages"]) == count


async def test_an_inbox_with_what_cannot_be_worded_shows_all_the_rest(kafka: str, mongo: str) -> None:
    person = fresh()
    async with api(kafka, mongo) as (client, at):
        await at.tell(confirmed(person), issued(person), requested(person))
        end = datetime(9999, 12, 31, 20, tzinfo=UTC)
        messages = at.database["messages"]
        await messages.update_many({"kind": "registration_confirmed"}, {"$set": {"facts.starts_at": end}})
        await messages.update_many({"kind": "award_issued"}, {"$set": {"kind": "unheard_of"}})
        bodies = [message["body"] for message in (await inbox(client, person))["messages"]]
        assert len(bodies) == 3
        assert any("另行通知" in body for body in bodies)
        assert any("暂时无法显示" in body for body in bodies)


async def test_a_ticket_is_shown_where_the_service_has_the_key_and_named_where_not(
    kafka: str, mongo: str
) -> None:
    person = fresh()
    for key, word in ((None, "我的报名"), (CONTACT_PRIVATE_KEY, TICKET)):
        async with api(kafka, mongo, contact_private_key=key) as (client, at):
            await at.tell(confirmed(person))
            assert "我的报名" in (await inbox(client, person))["messages"][0]["body"]
            await at.tell(*known(person))
            assert word in (await inbox(client, person))["messages"][0]["body"]
            await at.tell(keyed(person, version=2, key_sealed=None))
            assert "我的报名" in (await inbox(client, person))["messages"][0]["body"]


async def test_a_choice_that_is_misspelt_is_refused_and_what_is_given_can_be_put(
    kafka: str, mongo: str
) -> None:
    person = fresh()
    async with api(kafka, mongo) as (client, _):
        me = as_participant(person)
        answer = await client.put("/preferences", json={"emial": False}, headers=me)
        assert code_of(answer)[0] == 422
        given = (await client.get("/preferences", headers=me)).json()
        assert given == {"email": True, "language": None}
        assert (await client.put("/preferences", json=given, headers=me)).json() == given


async def test_what_was_delivered_to_inboxes_is_not_listed(kafka: str, mongo: str) -> None:
    async with api(kafka, mongo) as (client, at):
        await at.tell(confirmed(fresh()))
        path = "/deliveries?state=delivered"
        answer = await client.get(f"{path}&channel=inbox", headers=ORGANISER)
        assert code_of(answer) == (422, "inboxes_not_listed")
        assert (await client.get(path, headers=ORGANISER)).json() == {"deliveries": [], "after": None}


async def test_messages_read_in_the_language_asked_for_chosen_or_of_the_profile(
    kafka: str, mongo: str
) -> None:
    person = fresh()
    async with api(kafka, mongo) as (client, at):
        await at.tell(*known(person, language="en"), *everything(person))
        english = await inbox(client, person)
        assert english["language"] == "en"
        assert any("Registration confirmed" in message["subject"] for message in english["messages"])
        chinese = await inbox(client, person, language="zh-CN")
        assert any("报名成功通知" in message["subject"] for message in chinese["messages"])
        chosen = {"email": False, "language": "zh-CN"}
        answer = await client.put("/preferences", json=chosen, headers=as_participant(person))
        assert answer.json() == chosen
        assert (await client.get("/preferences", headers=as_participant(person))).json() == chosen
        assert (await inbox(client, person))["language"] == "zh-CN"
        assert NAME not in str(english) + str(chinese)
        assert code_of(await client.get("/inbox?language=fr", headers=as_participant(person)))[0] == 422


async def test_reading_counts_down_once_and_only_ones_own(kafka: str, mongo: str) -> None:
    person, other = fresh(), fresh()
    async with api(kafka, mongo) as (client, at):
        await at.tell(confirmed(person), issued(person))
        me = as_participant(person)
        assert (await client.get("/inbox/unread-count", headers=me)).json() == {"unread": 2}
        id_ = (await inbox(client, person))["messages"][0]["message_id"]
        first = await client.post(f"/inbox/{id_}/read", headers=me)
        assert first.status_code == 200
        assert (await client.post(f"/inbox/{id_}/read", headers=me)).json() == first.json()
        assert (await client.get("/inbox/unread-count", headers=me)).json() == {"unread": 1}
        assert (await inbox(client, person))["messages"][0]["read_at"] is not None
        foreign = await client.post(f"/inbox/{id_}/read", headers=as_participant(other))
        assert code_of(foreign) == (404, "message_unknown")


async def test_organisers_read_groups_inboxes_and_no_persons(kafka: str, mongo: str) -> None:
    group, person = fresh("group"), fresh()
    async with api(kafka, mongo) as (client, at):
        await at.tell(*known(group, kind="group"), *known(person), issued(group), issued(person))
        found = (await client.get(f"/recipients/{group}/inbox", headers=ORGANISER)).json()
        assert "贵单位" in found["messages"][0]["body"]
        path = f"/recipients/{person}/inbox"
        assert code_of(await client.get(path, headers=ORGANISER)) == (403, "not_a_group")
        assert code_of(await client.get("/recipients/nobody/inbox", headers=ORGANISER)) == (
            404,
            "participant_unknown",
        )
        assert code_of(await client.get(f"/recipients/{group}/inbox")) == (401, "organiser_key_missing")


async def test_organisers_see_what_failed_without_contacts_and_try_it_again(kafka: str, mongo: str) -> None:
    person, waiting = fresh(), fresh()
    async with api(kafka, mongo) as (client, at):
        await at.tell(*known(person), confirmed(person), issued(person), confirmed(waiting))
        await at.database["messages"].update_many(
            {"channel": "email"},
            {"$set": {"state": "failed", "code": "smtp_rejected", "reply": 550, "attempts": 3}},
        )
        answer = await client.get("/deliveries", params={"state": "failed", "limit": 2}, headers=ORGANISER)
        page = answer.json()
        rest = await client.get(
            "/deliveries", params={"state": "failed", "after": page["after"]}, headers=ORGANISER
        )
        found = page["deliveries"] + rest.json()["deliveries"]
        assert {one["participant_id"] for one in found} == {person, waiting}
        assert len({one["message_id"] for one in found}) == 3
        assert (found[0]["code"], found[0]["reply"], found[0]["attempts"]) == ("smtp_rejected", 550, 3)
        assert address_of(person) not in answer.text
        assert not {"subject", "body", "facts"} & found[0].keys()

        states = {}
        for one in found:
            again = await client.post(f"/deliveries/{one['message_id']}/retry", headers=ORGANISER)
            states[one["participant_id"]] = again.json()["state"]
        assert states == {person: "pending", waiting: "waiting_contact"}
        path = f"/deliveries/{found[0]['message_id']}/retry"
        assert code_of(await client.post(path, headers=ORGANISER)) == (409, "not_failed")
        assert code_of(await client.post("/deliveries/nothing/retry", headers=ORGANISER)) == (
            404,
            "message_unknown",
        )
        summary = (await client.get("/deliveries/summary", headers=ORGANISER)).json()["counts"]
        assert {(one["channel"], one["state"]): one["count"] for one in summary} == {
            ("inbox", "delivered"): 3,
            ("email", "pending"): 2,
            ("email", "waiting_contact"): 1,
        }
        for refused in ("/deliveries", "/deliveries/summary"):
            assert code_of(await client.get(refused, headers=as_participant(person)))[0] == 401


async def test_of_an_erased_participant_nothing_is_left_to_read_choose_or_try_again(
    kafka: str, mongo: str
) -> None:
    person = fresh()
    async with api(kafka, mongo) as (client, at):
        await at.tell(*known(person), *everything(person))
        await client.put("/preferences", json={"email": False}, headers=as_participant(person))
        await at.database["messages"].update_many({"channel": "email"}, {"$set": {"state": "failed"}})
        await at.tell(erased(person))
        assert (await inbox(client, person))["messages"] == []
        assert await at.database["preferences"].count_documents({}) == 0
        answer = await client.put("/preferences", json={"email": True}, headers=as_participant(person))
        assert code_of(answer) == (409, "participant_erased")
        id_ = (await at.messages(person))[0]["_id"]
        answer = await client.post(f"/deliveries/{id_}/retry", headers=ORGANISER)
        assert code_of(answer) == (409, "not_failed")


async def test_a_failed_mail_is_not_tried_again_while_the_erasure_of_its_recipient_is_under_way(
    kafka: str, mongo: str
) -> None:
    person = fresh()
    async with api(kafka, mongo) as (client, at):
        await at.tell(*known(person), confirmed(person))
        await at.database["messages"].update_many({"channel": "email"}, {"$set": {"state": "failed"}})
        # The contact is erased first; what the messages say is deleted afterwards.
        await at.contacts.erase([erased(person)], clock.now())
        id_ = (await at.messages(person))[0]["_id"]
        answer = await client.post(f"/deliveries/{id_}/retry", headers=ORGANISER)
        assert code_of(answer) == (409, "not_failed")
        assert await at.states(person) == ["failed"]


async def test_what_deliveries_can_come_to_is_counted_from_0_on(kafka: str, mongo: str) -> None:
    async with api(kafka, mongo) as (client, _):
        told = (await client.get("/metrics")).text
    for channel, outcome in (("email", "failed"), ("email", "skipped"), ("inbox", "delivered")):
        assert f'kepu_deliveries_total{{channel="{channel}",outcome="{outcome}"}}' in told


async def test_every_route_is_described_with_a_summary(kafka: str, mongo: str) -> None:
    document = assemble(settings(kafka, mongo)).openapi()
    routes = [route for path in document["paths"].values() for route in path.values()]
    assert len(routes) >= 9
    assert all(route["summary"] for route in routes)


def test_settings_that_cannot_work_are_refused_at_once() -> None:
    fine: dict[str, Any] = {"organiser_key": "k" * 16, "token_public_key": TOKEN_PUBLIC_KEY}
    with pytest.raises(ValueError, match="KEPU_CONTACT_PRIVATE_KEY"):
        NotificationsSettings(**fine, role="worker")
    with pytest.raises(ValueError, match="in clear"):
        NotificationsSettings(**fine, contact_private_key=CONTACT_PRIVATE_KEY, smtp_username="kepu")
    assert NotificationsSettings(**fine, role="api").contact_private_key is None
    for sender in ("nobody", "王小明@example.org", "a@b@c"):
        with pytest.raises(ValueError, match=r"mail_from|KEPU_MAIL_FROM"):
            NotificationsSettings(**fine, role="api", mail_from=sender)
    with pytest.raises(ValueError, match="signature_zh"):
        NotificationsSettings(**fine, role="api", signature_zh="a\nBcc: b")


def test_a_claim_is_never_shorter_than_the_sending_that_begins_within_it() -> None:
    fine: dict[str, Any] = {"organiser_key": "k" * 16, "token_public_key": TOKEN_PUBLIC_KEY, "role": "api"}
    with pytest.raises(ValueError, match="claim_lease_seconds"):
        NotificationsSettings(**fine, claim_lease_seconds=119)
    assert NotificationsSettings(**fine).claim_lease_seconds == LEASE_SECONDS_MIN == 120
    begun_last = Pace(lease_seconds=LEASE_SECONDS_MIN).sending_seconds_max
    assert begun_last + SEND_SECONDS_MAX + TRANSACTION_SECONDS_MAX <= LEASE_SECONDS_MIN


def test_contact_keys_that_do_not_fit_are_seen_at_the_start() -> None:
    fine: dict[str, Any] = {"organiser_key": "k" * 16, "token_public_key": TOKEN_PUBLIC_KEY, "role": "api"}
    other, _ = new_key_pair()
    pair: dict[str, Any] = {
        "contact_private_key": CONTACT_PRIVATE_KEY,
        "contact_public_key": CONTACT_PUBLIC_KEY,
    }
    assert NotificationsSettings(**fine, **pair)
    with pytest.raises(ValueError, match="not a pair") as refused:
        NotificationsSettings(**fine, **(pair | {"contact_private_key": other}))
    assert other not in str(refused.value)
    for wrong in ("AAAA", "no base64", ""):
        with pytest.raises(ValueError, match="KEPU_CONTACT_PRIVATE_KEY"):
            Opener(wrong)
