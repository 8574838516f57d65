"""Who acts for a body: invited, checked at each request, ended at once; and bodies that apply."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from services.registration.managers.rules import APPLICATIONS_OPEN_MAX, MANAGERS_MAX
from services.registration.managers.store import ManagerStore
from tests.registration.builders import activity, ask, put, service
from tests.registration.rosters.builders import SCHOOL, manager_of, newcomer_with_token
from tests.support.service import ORGANISER, bearer, code_of, in_outbox

pytestmark = pytest.mark.stack

APPLICATION = {
    "name": "濮阳市第一中学",
    "kind": "school",
    "district": "华龙区",
    "contact": {"name": "王老师", "email": "wang@example.org"},
}


async def apply(client: httpx.AsyncClient, who: dict[str, str], **changes: Any) -> httpx.Response:
    return await client.post("/groups", json=APPLICATION | changes, headers=who)


async def decide(
    client: httpx.AsyncClient, application: dict[str, Any], how: str, **form: Any
) -> httpx.Response:
    path = f"/group-applications/{application['application_id']}/{how}"
    if how == "approval":
        form = {"version": application["version"]} | form
    return await client.post(path, json=form, headers=ORGANISER)


async def test_an_invitation_is_used_once_and_the_grant_ends_at_once(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        await client.put("/groups/school-1", json=SCHOOL, headers=ORGANISER)
        invited = (await client.post("/groups/school-1/managers", headers=ORGANISER)).json()
        code = {"invitation_code": invited["invitation_code"]}
        manager, other = await newcomer_with_token(client), await newcomer_with_token(client)
        answers = await asyncio.gather(
            *(client.post("/me/groups", json=code, headers=who) for who in (manager, other))
        )
        assert sorted(answer.status_code for answer in answers) == [201, 404]
        assert answers[1].status_code == 201 or code_of(answers[1]) == (404, "invitation_unknown")
        winner = manager if answers[0].status_code == 201 else other
        [grant] = (await client.get("/groups/school-1/managers", headers=ORGANISER)).json()["managers"]
        assert (await client.get("/me/groups", headers=winner)).json()["managers"] == [grant]
        assert (await client.get("/groups/school-1/members", headers=winner)).status_code == 200

        path = f"/groups/school-1/managers/{grant['participant_id']}"
        assert (await client.delete(path, headers=ORGANISER)).status_code == 204
        assert (await client.delete(path, headers=ORGANISER)).status_code == 204
        refused = await client.get("/groups/school-1/members", headers=winner)
        assert code_of(refused) == (403, "not_manager")


async def test_nobody_manages_whose_contact_is_not_verified(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await client.put("/groups/school-1", json=SCHOOL, headers=ORGANISER)
        await put(client, "talk", activity("talk", capacity=5))
        # With the address of a teacher, perhaps.
        stranger = bearer((await ask(client, "talk")).json()["token"])
        assert code_of(await apply(client, stranger)) == (403, "contact_unverified")
        invited = (await client.post("/groups/school-1/managers", headers=ORGANISER)).json()
        code = {"invitation_code": invited["invitation_code"]}
        answer = await client.post("/me/groups", json=code, headers=stranger)
        assert code_of(answer) == (403, "contact_unverified")
        # It stays for somebody else.
        teacher = await newcomer_with_token(client)
        assert (await client.post("/me/groups", json=code, headers=teacher)).status_code == 201
        application = (await apply(client, teacher)).json()
        await database["participants"].update_many({}, {"$set": {"verified_at": None}})
        decided = await decide(client, application, "approval", group_id="school-2")
        assert code_of(decided) == (403, "contact_unverified")


async def test_an_invitation_that_has_ended_is_worth_nothing(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await client.put("/groups/school-1", json=SCHOOL, headers=ORGANISER)
        invited = (await client.post("/groups/school-1/managers", headers=ORGANISER)).json()
        stored = await database["group_invitations"].find_one({})
        assert stored is not None
        assert invited["invitation_code"] not in str(stored)
        # The server deletes it within a minute; until then it is there, and has ended all the same.
        await database["group_invitations"].update_one({}, {"$set": {"expires_at": datetime.now(UTC)}})
        code = {"invitation_code": invited["invitation_code"]}
        answer = await client.post("/me/groups", json=code, headers=await newcomer_with_token(client))
        assert code_of(answer) == (404, "invitation_unknown")


async def test_a_group_has_only_so_many_managers(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await manager_of(client)
        grants = database["group_managers"]
        await grants.insert_many(
            [
                {
                    "_id": f"school-1/p{number}",
                    "group_id": "school-1",
                    "participant_id": f"p{number}",
                    "since": datetime.now(UTC),
                }
                for number in range(MANAGERS_MAX - 1)
            ]
        )
        invited = (await client.post("/groups/school-1/managers", headers=ORGANISER)).json()
        code = {"invitation_code": invited["invitation_code"]}
        somebody = await newcomer_with_token(client)
        answer = await client.post("/me/groups", json=code, headers=somebody)
        assert code_of(answer) == (409, "managers_too_many")
        await grants.delete_one({"_id": "school-1/p0"})
        assert (await client.post("/me/groups", json=code, headers=somebody)).status_code == 201


async def test_only_organisers_invite_and_only_to_a_group_that_exists(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        manager = await manager_of(client)
        assert code_of(await client.post("/groups/school-1/managers", headers=manager))[0] == 401
        answer = await client.post("/groups/nowhere/managers", headers=ORGANISER)
        assert code_of(answer) == (404, "group_unknown")


async def test_a_manager_changes_the_own_group_and_no_other(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        manager = await manager_of(client)
        await manager_of(client, "school-2")
        form = {"name": "第一中学", "district": "濮阳县", "contact": {"name": "王老师"}}
        changed = await client.put("/groups/school-1/details", json=form, headers=manager)
        assert changed.json()["name"] == "第一中学"
        assert (await client.get("/groups/school-1")).json()["kind"] == "school"
        joined = json.loads((await in_outbox(database, "participant.joined"))[-1])
        assert (joined["participant_id"], joined["district"]) == ("school-1", "濮阳县")
        refused = await client.put("/groups/school-2/details", json=form, headers=manager)
        assert code_of(refused) == (403, "not_manager")
        refused = await client.get("/groups/school-2/details", headers=manager)
        assert code_of(refused) == (403, "not_manager")


async def test_a_manager_and_an_organiser_change_the_same_group_and_neither_overwrites_the_other(
    mongo: str,
) -> None:
    async with service(mongo) as ([client], _):
        manager = await manager_of(client)
        path = "/groups/school-1"
        before = await client.get(f"{path}/details", headers=manager)
        tag = before.headers["etag"]
        assert (await client.get(path)).headers["etag"] == tag
        contact = {"kind": "unit", "contact": {"name": "王老师", "email": "wang@example.org"}}
        body = (await client.get(path)).json() | contact
        assert (await client.put(path, json=body, headers=ORGANISER | {"If-Match": tag})).status_code == 200
        form = before.json() | {"name": "第一中学"}
        late = await client.put(f"{path}/details", json=form, headers=manager | {"If-Match": tag})
        assert code_of(late) == (412, "version_differs")
        # What only organisers change stays, also of who does not ask for a version.
        assert (await client.put(f"{path}/details", json=form, headers=manager)).status_code == 200
        now = await client.get(path)
        assert (now.json()["name"], now.json()["kind"]) == ("第一中学", "unit")
        # Nobody can read the contact, and a change of it is a change all the same.
        again = await client.put(path, json=now.json() | {"contact": None}, headers=ORGANISER)
        assert again.headers["etag"] != now.headers["etag"]


async def test_an_approved_body_is_a_group_and_its_applicant_manages_it(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        applicant = await newcomer_with_token(client)
        application = (await apply(client, applicant)).json()
        assert application["status"] == "applied"
        waiting = (await client.get("/group-applications", headers=ORGANISER)).json()["applications"]
        assert waiting == [application]
        approved = await decide(client, application, "approval", group_id="school-9")
        assert (approved.json()["status"], approved.json()["group_id"]) == ("approved", "school-9")
        assert (await decide(client, application, "approval", group_id="school-9")).status_code == 200
        assert (await client.get("/groups/school-9")).json()["name"] == "濮阳市第一中学"
        assert (await client.get("/groups/school-9/members", headers=applicant)).status_code == 200
        [event] = [json.loads(one) for one in await in_outbox(database, "group.application_decided")]
        assert (event["approved"], event["group_id"]) == (True, "school-9")
        stored = await database["participants"].find_one({"_id": "school-9"})
        assert stored is not None
        assert stored["contact_locked"] is not None
        refused = await decide(client, application, "refusal", reason="晚了")
        assert code_of(refused) == (409, "application_decided")


async def test_a_refused_body_is_told_the_reason_once(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        applicant = await newcomer_with_token(client)
        application = (await apply(client, applicant)).json()
        for _ in range(2):
            assert (await decide(client, application, "refusal", reason="同名学校")).status_code == 200
        [event] = [json.loads(one) for one in await in_outbox(database, "group.application_decided")]
        assert (event["approved"], event["reason"]) == (False, "同名学校")
        own = await client.get(f"/group-applications/{application['application_id']}", headers=applicant)
        assert (own.json()["status"], own.json()["reason"]) == ("refused", "同名学校")
        # Another try is another application.
        again = (await apply(client, applicant)).json()
        assert again["application_id"] != application["application_id"]


async def test_the_same_name_again_changes_the_application_and_only_so_many_are_open(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        applicant = await newcomer_with_token(client)
        first = (await apply(client, applicant)).json()
        second = (await apply(client, applicant, district="濮阳县")).json()
        changed = {"district": "濮阳县", "version": 2, "changed_at": second["changed_at"]}
        assert second == first | changed
        assert (first["version"], first["changed_at"], first["contact_given"]) == (1, None, True)
        for number in range(1, APPLICATIONS_OPEN_MAX):
            assert (await apply(client, applicant, name=f"{number}中")).status_code == 201
        assert code_of(await apply(client, applicant, name="九中")) == (409, "applications_too_many")


async def test_what_the_applicant_changed_meanwhile_is_not_approved(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        applicant = await newcomer_with_token(client)
        looked_at = (await apply(client, applicant)).json()
        thief = {"name": "王老师", "email": "thief@example.org"}
        changed = (await apply(client, applicant, contact=thief)).json()
        refused = await decide(client, looked_at, "approval", group_id="school-9")
        assert code_of(refused) == (412, "application_changed")
        assert (await client.get("/groups/school-9")).status_code == 404
        assert await in_outbox(database, "group.application_decided") == []
        for _ in range(2):
            approved = await decide(client, changed, "approval", group_id="school-9")
            assert approved.json()["status"] == "approved"


async def test_what_the_applicant_changed_meanwhile_is_not_refused_by_who_names_a_version(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        applicant = await newcomer_with_token(client)
        looked_at = (await apply(client, applicant)).json()
        changed = (await apply(client, applicant, district="濮阳县")).json()
        late = await decide(client, looked_at, "refusal", reason="区县有误", version=1)
        assert code_of(late) == (412, "application_changed")
        assert await in_outbox(database, "group.application_decided") == []
        for _ in range(2):
            refused = await decide(client, changed, "refusal", reason="同名学校", version=2)
            assert refused.json()["status"] == "refused"


async def test_open_invitations_of_a_group_end_and_those_of_others_do_not(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        codes = []
        for group_id in ("school-1", "school-1", "school-2"):
            await client.put(f"/groups/{group_id}", json=SCHOOL, headers=ORGANISER)
            invited = await client.post(f"/groups/{group_id}/managers", headers=ORGANISER)
            codes.append({"invitation_code": invited.json()["invitation_code"]})
        somebody = await newcomer_with_token(client)
        assert code_of(await client.delete("/groups/school-1/invitations", headers=somebody))[0] == 401
        for _ in range(2):
            ended = await client.delete("/groups/school-1/invitations", headers=ORGANISER)
            assert ended.status_code == 204
        answers = [await client.post("/me/groups", json=code, headers=somebody) for code in codes]
        assert [one.status_code for one in answers] == [404, 404, 201]


async def test_an_approval_says_whether_it_means_a_group_that_is_there(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        await client.put("/groups/school-1", json=SCHOOL, headers=ORGANISER)
        applicant = await newcomer_with_token(client)
        application = (await apply(client, applicant)).json()
        taken = await decide(client, application, "approval", group_id="school-1")
        assert code_of(taken) == (409, "group_exists")
        missing = await decide(client, application, "approval", group_id="school-2", existing=True)
        assert code_of(missing) == (404, "group_unknown")
        approved = await decide(client, application, "approval", group_id="school-1", existing=True)
        assert approved.json()["status"] == "approved"
        assert (await client.get("/groups/school-1")).json()["name"] == SCHOOL["name"]


async def test_somebody_elses_application_looks_as_if_it_did_not_exist(mongo: str) -> None:
    async with service(mongo) as ([client], _):
        application = (await apply(client, await newcomer_with_token(client))).json()
        path = f"/group-applications/{application['application_id']}"
        other = await newcomer_with_token(client)
        assert code_of(await client.get(path, headers=other)) == (404, "application_unknown")
        assert (await client.get(path, headers=ORGANISER)).json() == application


async def test_an_erased_manager_leaves_no_grant_and_no_application(mongo: str) -> None:
    async with service(mongo) as ([client], database):
        await manager_of(client)
        who = await newcomer_with_token(client)
        application = (await apply(client, who)).json()
        await decide(client, application, "approval", group_id="school-1", existing=True)
        managers, id_ = ManagerStore(database), application["participant_id"]
        await client.delete("/participants/me", headers=who)
        assert [await managers.forget(id_, limit=1) for _ in range(3)] == [True, True, False]
        for collection in ("group_managers", "group_applications"):
            assert await database[collection].find_one({"participant_id": id_}) is None
        assert code_of(await apply(client, who)) == (401, "participant_erased")
