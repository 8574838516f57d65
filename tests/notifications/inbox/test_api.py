"""Inboxes over HTTP, and who may read which."""

from base64 import urlsafe_b64encode
from datetime import UTC, datetime

import pytest

from shared.web.forms import after_of
from tests.notifications.api import api, inbox
from tests.notifications.builders import NAME, TICKET, confirmed, everything, issued, keyed, known, requested
from tests.support.service import CONTACT_PRIVATE_KEY, ORGANISER, as_participant, code_of, new_id

pytestmark = pytest.mark.stack


async def test_an_inbox_is_read_page_by_page_newest_first_and_by_its_owner_alone(
    kafka: str, mongo: str
) -> None:
    person, other = new_id(), new_id()
    async with api(kafka, mongo) as (client, at):
        for n in range(7):
            await at.handle(requested(person, subject=f"第{n}号"))
        await at.handle(*[requested(person, subject="同时") for _ in range(5)], confirmed(other))
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
        for path, headers in (("/inbox", as_participant(new_id())), ("/deliveries", ORGANISER)):
            answer = await client.get(path, params={"after": after}, headers=headers)
            assert code_of(answer) in {(422, "invalid"), (422, "after_invalid")}


async def test_the_ends_of_the_calendar_are_places_like_others(kafka: str, mongo: str) -> None:
    person = new_id()
    async with api(kafka, mongo) as (client, at):
        await at.handle(confirmed(person))
        for year, count in ((2000, 0), (2099, 1)):
            after = after_of(datetime(year, 12, 31, 23, 59, tzinfo=UTC), "x")
            assert len((await inbox(client, person, after=after))["messages"]) == count


async def test_an_inbox_with_what_cannot_be_worded_shows_all_the_rest(kafka: str, mongo: str) -> None:
    person = new_id()
    async with api(kafka, mongo) as (client, at):
        await at.handle(confirmed(person), issued(person), requested(person))
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
    person = new_id()
    for key, word in ((None, "我的报名"), (CONTACT_PRIVATE_KEY, TICKET)):
        async with api(kafka, mongo, contact_private_key=key) as (client, at):
            await at.handle(confirmed(person))
            assert "我的报名" in (await inbox(client, person))["messages"][0]["body"]
            await at.handle(*known(person))
            assert word in (await inbox(client, person))["messages"][0]["body"]
            await at.handle(keyed(person, version=2, key_sealed=None))
            assert "我的报名" in (await inbox(client, person))["messages"][0]["body"]


async def test_messages_read_in_the_language_asked_for_chosen_or_of_the_profile(
    kafka: str, mongo: str
) -> None:
    person = new_id()
    async with api(kafka, mongo) as (client, at):
        await at.handle(*known(person, language="en"), *everything(person))
        english = await inbox(client, person)
        assert english["language"] == "en"
        assert any("Registration confirmed" in message["subject"] for message in english["messages"])
        chinese = await inbox(client, person, language="zh-CN")
        assert any("报名成功通知" in message["subject"] for message in chinese["messages"])
        chosen = {"email": False, "sms": True, "language": "zh-CN"}
        answer = await client.put("/preferences", json=chosen, headers=as_participant(person))
        assert answer.json() == chosen
        assert (await client.get("/preferences", headers=as_participant(person))).json() == chosen
        assert (await inbox(client, person))["language"] == "zh-CN"
        assert NAME not in str(english) + str(chinese)
        assert code_of(await client.get("/inbox?language=fr", headers=as_participant(person)))[0] == 422


async def test_reading_counts_down_once_and_only_ones_own(kafka: str, mongo: str) -> None:
    person, other = new_id(), new_id()
    async with api(kafka, mongo) as (client, at):
        await at.handle(confirmed(person), issued(person))
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
    group, person = new_id("group"), new_id()
    async with api(kafka, mongo) as (client, at):
        await at.handle(*known(group, kind="group"), *known(person), issued(group), issued(person))
        found = (await client.get(f"/recipients/{group}/inbox", headers=ORGANISER)).json()
        assert "贵单位" in found["messages"][0]["body"]
        path = f"/recipients/{person}/inbox"
        assert code_of(await client.get(path, headers=ORGANISER)) == (403, "not_a_group")
        assert code_of(await client.get("/recipients/nobody/inbox", headers=ORGANISER)) == (
            404,
            "participant_unknown",
        )
        assert code_of(await client.get(f"/recipients/{group}/inbox")) == (401, "organiser_key_missing")
