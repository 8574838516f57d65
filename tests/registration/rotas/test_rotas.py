"""The life of a rota over HTTP: shifts, volunteers, decisions, who sees what."""

import pytest

from tests.registration.builders import activity, ask, events, put, service
from tests.registration.claims.builders import claim, code_for, member
from tests.registration.consents.test_consents import link, sign
from tests.registration.rosters.builders import manager_of
from tests.registration.rotas.builders import (
    START,
    a_shift,
    assign,
    decide,
    numbers,
    own_shifts,
    people_of,
    person,
    put_shift,
    session,
    times,
    volunteer,
    withdraw,
)
from tests.registration.sign_ins.builders import join
from tests.support.service import ORGANISER, bearer, code_of

pytestmark = pytest.mark.stack
SHOWN = ("status", "code", "number", "asked_at", "overlaps_with")


async def test_somebody_volunteers_is_accepted_and_everybody_who_may_sees_it(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await session(client)
        for _ in range(2):
            made = await put_shift(client, needed=2, most=3)
            assert made.status_code == 200, made.text
        assert await numbers(client) == {"guide": (0, 0, 2)}
        li = await person(client, database)
        offered = await volunteer(client, li)
        assert offered.status_code == 201, offered.text
        assert (offered.json()["status"], offered.json()["duty"]) == ("volunteered", "讲解员")
        assert offered.json()["overlaps_with"] is None
        again = await volunteer(client, li)
        assert (again.status_code, again.json()) == (200, offered.json())
        assert await numbers(client) == {"guide": (0, 1, 2)}

        for _ in range(2):
            taken = await decide(client, offered.json(), "acceptance")
            assert (taken.status_code, taken.json()["status"]) == (200, "assigned"), taken.text
        assert await numbers(client) == {"guide": (1, 0, 1)}
        assert (await own_shifts(client, li))["guide"]["status"] == "assigned"
        [one] = await people_of(client)
        assert one["participant_id"] == li["participant_id"]
        # No name, no contact: ids and numbers only.
        assert set(one) == {*["assignment_id", "participant_id", "session_id", "shift_id"], *SHOWN}
        told = [*await events(database, "shift.volunteered"), *await events(database, "shift.assigned")]
        assert [(event["assignment_id"], event["version"]) for event in told] == [
            (one["assignment_id"], 1),
            (one["assignment_id"], 2),
        ]
        assert (told[1]["duty"], told[1]["venue"]) == ("讲解员", "市政府综合办公楼广场")


async def test_an_organiser_assigns_and_removes_and_says_why(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await session(client)
        await put_shift(client)
        li, wang = [await person(client, database) for _ in range(2)]
        assigned = await assign(client, li["participant_id"])
        assert (assigned.status_code, assigned.json()["status"]) == (201, "assigned"), assigned.text
        assert (await assign(client, li["participant_id"])).status_code == 200
        # Who has volunteered is accepted by it.
        await volunteer(client, wang)
        assert (await assign(client, wang["participant_id"])).status_code == 201
        assert await numbers(client) == {"guide": (2, 0, 0)}
        assert code_of(await assign(client, (await person(client, database))["participant_id"])) == (
            409,
            "shift_full",
        )
        why = {"code": "enough_people", "text": "人手已够，感谢报名"}
        for _ in range(2):
            gone = await decide(client, assigned.json(), "removal", why)
            assert (gone.json()["status"], gone.json()["code"]) == ("ended", "removed")
        assert await numbers(client) == {"guide": (1, 0, 0)}
        [ended] = await events(database, "shift.ended")
        assert (ended["code"], ended["reason"]) == ("removed", "人手已够，感谢报名")
        assert code_of(await volunteer(client, li)) == (409, "shift_decided")
        # An organiser may think better of it; the versions go on.
        back = await assign(client, li["participant_id"])
        assert (back.status_code, back.json()["assignment_id"]) == (201, assigned.json()["assignment_id"])
        assert [one["version"] for one in await events(database, "shift.assigned")] == [1, 2, 3]
        acts = (await client.get("/acts", headers=ORGANISER)).json()["acts"]
        assert "enough_people" in {act["details"].get("reason") for act in acts}


async def test_who_is_declined_or_withdraws_is_off_the_rota_once(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await session(client)
        await put_shift(client)
        li, wang = [await person(client, database) for _ in range(2)]
        first, second = [(await volunteer(client, one)).json() for one in (li, wang)]
        assert code_of(await decide(client, first, "removal")) == (409, "assignment_undecided")
        for _ in range(2):
            assert (await decide(client, first, "refusal")).json()["code"] == "declined"
        assert code_of(await decide(client, first, "acceptance")) == (409, "assignment_ended")
        await decide(client, second, "acceptance")
        assert code_of(await decide(client, second, "refusal")) == (409, "assignment_decided")
        assert code_of(await withdraw(client, li, second)) == (404, "assignment_unknown")
        for _ in range(2):
            assert (await withdraw(client, wang, second)).json()["status"] == "ended"
        assert await numbers(client) == {"guide": (0, 0, 1)}
        codes = [one["code"] for one in await events(database, "shift.ended")]
        assert codes == ["declined", "withdrawn"]
        # Who has withdrawn may come back.
        assert (await volunteer(client, wang)).status_code == 201
        assert [one["status"] for one in await people_of(client)] == ["volunteered"]
        assert [one["code"] for one in await people_of(client, status="ended")] == ["declined"]


async def test_who_may_not_be_on_a_rota_is_told_why(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await session(client)
        await put_shift(client)
        await client.put(
            "/groups/school-1",
            json={"name": "一中", "kind": "school", "district": "华龙区"},
            headers=ORGANISER,
        )
        stranger = (await join(client)).json()
        assert code_of(await volunteer(client, stranger)) == (403, "shift_for_verified")
        assert code_of(await assign(client, stranger["participant_id"])) == (403, "shift_for_verified")
        assert code_of(await assign(client, "school-1")) == (409, "shift_for_person")
        assert code_of(await assign(client, "nobody")) == (404, "person_unknown")
        li = await person(client, database)
        for shift_id, session_id, code in (
            ("none", "one", "shift_unknown"),
            ("guide", "none", "session_unknown"),
        ):
            assert code_of(await volunteer(client, li, shift_id, session_id)) == (404, code)
            assert code_of(await assign(client, li["participant_id"], shift_id, session_id)) == (404, code)
        unknown = {"assignment_id": "none"}
        for decision in ("acceptance", "refusal", "removal"):
            assert code_of(await decide(client, unknown, decision)) == (404, "assignment_unknown")
        gone = await person(client, database)
        await client.delete("/participants/me", headers=bearer(gone["token"]))
        assert code_of(await volunteer(client, gone)) == (401, "participant_erased")
        assert code_of(await assign(client, gone["participant_id"])) == (404, "person_unknown")
        assert code_of(await volunteer(client, {"token": "x"}))[0] == 401
        path = "/sessions/one/rota"
        assert code_of(await client.get(path, headers=bearer(li["token"]))) == (401, "organiser_key_missing")
        assert await people_of(client) == []


async def test_a_minor_on_a_roster_volunteers_with_the_consent_that_the_session_asks_for(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        manager = await manager_of(client)
        await session(client, minors_need_consent=True)
        await put_shift(client)
        id_ = await member(client, manager, is_minor=True)
        minor = (await claim(client, await code_for(client, manager, id_))).json()
        assert code_of(await volunteer(client, minor)) == (409, "consent_needed")
        assert (await sign(client, await link(client, manager, id_))).status_code == 200
        assert (await volunteer(client, minor)).status_code == 201


async def test_a_shift_is_possible_and_belongs_to_a_session_that_takes_place(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await put(client, "of-one", activity("one", 9, draft=True, **times()))
        assert (await put_shift(client)).status_code == 200
        assert code_of(await client.get("/sessions/one/shifts")) == (404, "session_unknown")
        assert (await client.get("/sessions/one/shifts", headers=ORGANISER)).status_code == 200
        li = await person(client, database)
        assert code_of(await volunteer(client, li)) == (404, "session_unknown")
        for wrong, code in (
            ({"most": 1, "needed": 2}, "needed_above_most"),
            (times(0, 0), "shift_order"),
            (times(0, 25), "shift_too_long"),
        ):
            refused = await put_shift(client, **wrong)
            assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, code), refused.text
        assert code_of(await put_shift(client, **times(-25))) == (422, "shift_out_of_reach")
        assert code_of(await put_shift(client, shift_id="guide", session_id="none")) == (
            404,
            "session_unknown",
        )
        other = await client.put(
            "/sessions/one/shifts/guide", json=a_shift() | {"shift_id": "door"}, headers=ORGANISER
        )
        assert code_of(other) == (422, "id_differs")
        await session(client)
        assert (await volunteer(client, li)).status_code == 201
        await client.post("/sessions/one/cancel", json={"reason": "rain"}, headers=ORGANISER)
        wang = await person(client, database)
        assert code_of(await volunteer(client, wang)) == (409, "session_cancelled")
        assert code_of(await assign(client, wang["participant_id"])) == (409, "session_cancelled")
        assert code_of(await put_shift(client, most=3)) == (409, "session_cancelled")


async def test_a_shift_that_is_removed_tells_its_people_and_its_id_is_free(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await session(client)
        await put_shift(client)
        await put_shift(client, "door")
        people = [await person(client, database) for _ in range(3)]
        for one in people:
            await volunteer(client, one)
        await assign(client, people[0]["participant_id"])
        await volunteer(client, people[1], "door")
        path = "/sessions/one/shifts/guide"
        assert (await client.delete(path, headers=ORGANISER)).status_code == 204
        assert code_of(await client.delete(path, headers=ORGANISER)) == (404, "shift_unknown")
        assert await numbers(client) == {"door": (0, 1, 1)}
        ended = await events(database, "shift.ended")
        assert sorted(one["participant_id"] for one in ended) == sorted(
            one["participant_id"] for one in people
        )
        assert {one["code"] for one in ended} == {"shift_cancelled"}
        own = (await own_shifts(client, people[0]))["guide"]
        assert (own["status"], own["duty"], own["code"]) == ("ended", None, "shift_cancelled")
        await put_shift(client)
        assert (await volunteer(client, people[0])).status_code == 201


async def test_a_shift_that_has_moved_with_its_session_is_not_put_back_by_who_read_it_before(
    mongo: str,
) -> None:
    async with service(mongo) as ([client], database):
        await session(client)
        await put_shift(client)
        path = "/sessions/one/shifts/guide"
        before = await client.get(path)
        await assign(client, (await person(client, database))["participant_id"])
        # The people are no part of the version.
        assert (await client.get(path)).headers["etag"] == before.headers["etag"]
        await session(client, **times(3))
        under = ORGANISER | {"If-Match": before.headers["etag"]}
        late = await client.put(path, json=before.json() | {"duty": "引导员"}, headers=under)
        assert code_of(late) == (412, "version_differs")
        assert code_of(await client.delete(path, headers=under)) == (412, "version_differs")
        now = await client.get(path)
        assert (now.json()["duty"], now.json()["starts_at"]) != ("引导员", before.json()["starts_at"])
        under = ORGANISER | {"If-Match": now.headers["etag"]}
        assert (await client.put(path, json=now.json() | {"duty": "引导员"}, headers=under)).is_success
        assert code_of(await client.get("/sessions/one/shifts/none")) == (404, "shift_unknown")
        assert code_of(await client.get("/sessions/none/shifts/guide")) == (404, "session_unknown")


async def test_nobody_is_on_two_rotas_at_the_same_time(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        for name in ("one", "two"):
            await session(client, name)
        await put_shift(client)
        await put_shift(client, "door", **times(1))
        await put_shift(client, "later", "two", **times(2))
        await put_shift(client, "clash", "two", **times(-1))
        li = await person(client, database)
        # One may volunteer for both, and an organiser takes one of them.
        both = [
            (await volunteer(client, li, *which)).json() for which in (("guide", "one"), ("clash", "two"))
        ]
        await decide(client, both[0], "acceptance")
        refused = await decide(client, both[1], "acceptance")
        assert code_of(refused) == (409, "shift_overlaps")
        assert both[0]["assignment_id"] in refused.json()["detail"]
        assert code_of(await volunteer(client, li, "door")) == (409, "shift_overlaps")
        assert code_of(await assign(client, li["participant_id"], "door")) == (409, "shift_overlaps")
        # They only touch.
        assert (await assign(client, li["participant_id"], "later", "two")).status_code == 201
        await withdraw(client, li, both[0])
        assert (await decide(client, both[1], "acceptance")).status_code == 200


async def test_a_place_at_the_time_of_a_shift_is_a_warning_whichever_came_first(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        for name in ("one", "two"):
            await session(client, name)
        await session(client, "evening", **times(9))
        await put_shift(client)
        li, wang = [await person(client, database) for _ in range(2)]
        place = (await ask(client, "two", token=li["token"])).json()["registration_id"]
        await ask(client, "evening", token=li["token"])
        assert (await volunteer(client, li)).json()["overlaps_with"] == place
        await assign(client, wang["participant_id"])
        later = (await ask(client, "one", token=wang["token"])).json()["registration_id"]
        assert (await own_shifts(client, wang))["guide"]["overlaps_with"] == later
        shown = {one["participant_id"]: one["overlaps_with"] for one in await people_of(client)}
        assert shown == {li["participant_id"]: place, wang["participant_id"]: later}
        path = f"/registrations/{place}/cancel"
        await client.post(path, headers=bearer(li["token"]))
        assert (await own_shifts(client, li))["guide"]["overlaps_with"] is None


async def test_what_lacks_people_is_listed_by_time_and_lists_come_in_pages(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        for name, hours in (("late", 48.0), ("early", 0.0), ("done", 1.0)):
            await session(client, name, **times(hours))
            await put_shift(client, "guide", name, **times(hours))
            await put_shift(client, "door", name, needed=0, **times(hours + 1))
        people = [await person(client, database) for _ in range(3)]
        enough = await person(client, database)
        await assign(client, enough["participant_id"], "guide", "done")
        page = (await client.get("/shifts/lacking", params={"limit": 1}, headers=ORGANISER)).json()
        rest = (
            await client.get("/shifts/lacking", params={"after": page["after"]}, headers=ORGANISER)
        ).json()
        found = [*page["sessions"], *rest["sessions"]]
        assert [one["session_id"] for one in found] == ["early", "late"]
        assert [shift["shift_id"] for shift in found[0]["shifts"]] == ["guide"]
        assert found[0]["shifts"][0]["lacking"] == 1
        assert rest["after"] is None

        for one in people:
            await volunteer(client, one, "guide", "early")
        await volunteer(client, people[1], "door", "early")
        first = (await client.get("/sessions/early/rota", params={"limit": 2}, headers=ORGANISER)).json()
        after = {"after": first["after"]}
        others = (await client.get("/sessions/early/rota", params=after, headers=ORGANISER)).json()
        listed = [*first["assignments"], *others["assignments"]]
        assert [one["number"] for one in listed] == [1, 2, 3, 4]
        door = await people_of(client, "early", shift_id="door", status="volunteered")
        assert [one["participant_id"] for one in door] == [people[1]["participant_id"]]
        own = {"limit": 1}
        mine = (await client.get("/me/shifts", params=own, headers=bearer(people[1]["token"]))).json()
        more = {"after": mine["after"]}
        earlier = (await client.get("/me/shifts", params=more, headers=bearer(people[1]["token"]))).json()
        assert [one["shift_id"] for one in [*mine["shifts"], *earlier["shifts"]]] == ["door", "guide"]
        assert mine["shifts"][0]["starts_at"] == times(1)["starts_at"].replace("+00:00", "Z")
        assert START.tzinfo is not None
