"""One thing for each route that people put or patch: where it is read, and how it is changed."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from services.awards.known.store import KnownStore
from shared.storage.mongo import Database
from tests.awards import builders as awards
from tests.awards.documents.builders import template as document_template
from tests.awards.draws.builders import definition as definition_of_draw
from tests.awards.selections.builders import selection as selection_of
from tests.notifications import builders as notifications
from tests.overview import builders as overview
from tests.quiz import builders as quiz
from tests.quiz.bank.builders import bank_question
from tests.quiz.http import definition
from tests.quiz.http import put as put_quiz
from tests.registration import builders as registration
from tests.registration.group_bookings.test_group_bookings import book, members
from tests.registration.rosters.builders import SCHOOL, manager_of
from tests.registration.rotas.builders import a_shift, put_shift, session
from tests.registration.sign_ins.builders import join
from tests.support.service import ORGANISER, as_participant, bearer
from tests.webhooks import builders as webhooks

Json = dict[str, Any]
Running = AbstractAsyncContextManager[tuple[list[httpx.AsyncClient], Database]]


@dataclass(frozen=True, slots=True)
class Thing:
    """
    Something that is there, as a route changes it.

    Attributes:
        path: where it is put.
        headers: of somebody who may do that.
        field: a text in what is read, which may be any text.
        part: under which name what is read has what is put; None: all of it is put.
        missing: where there is no such thing, and what to put there; None: there is always one.
        values: texts for the field, if not any text is one.
        takes: the fields that are sent; None: all that are read.
    """

    path: str
    headers: dict[str, str]
    field: str
    missing: tuple[str, Json] | None
    part: str | None = None
    values: Callable[[int], Any] = "第{}版".format
    takes: tuple[str, ...] | None = None

    def body(self, read: Json) -> Json:
        """What is read, as it is put."""
        found: Json = read[self.part] if self.part else read
        return found if self.takes is None else {name: found[name] for name in self.takes}

    def changed(self, read: Json, nth: int) -> Json:
        """The same with another text, of which there are many."""
        return self.body(read) | {self.field: self.values(nth)}


Prepare = Callable[[httpx.AsyncClient], Awaitable[Thing]]


async def activity(client: httpx.AsyncClient) -> Thing:
    assert (await registration.put(client, "street", registration.activity("one", 5))).is_success
    missing = ("/activities/new", registration.activity("another", 5))
    return Thing("/activities/street", ORGANISER, "title", missing)


async def group(client: httpx.AsyncClient) -> Thing:
    await client.put("/groups/school-1", json=SCHOOL, headers=ORGANISER)
    return Thing("/groups/school-1", ORGANISER, "name", ("/groups/new", SCHOOL))


async def details_of_group(client: httpx.AsyncClient) -> Thing:
    manager = await manager_of(client)
    body = {"name": "二中", "district": "华龙区"}
    return Thing("/groups/school-1/details", manager, "name", ("/groups/new/details", body))


async def member(client: httpx.AsyncClient) -> Thing:
    manager = await manager_of(client)
    [one] = await members(client, manager, 1)
    path = "/groups/school-1/members"
    return Thing(f"{path}/{one}", manager, "name", (f"{path}/new", {"name": "李小明"}))


async def attendees(client: httpx.AsyncClient) -> Thing:
    manager = await manager_of(client)
    await registration.put(client, "street", registration.activity("one", 20))
    ids = await members(client, manager, 9)
    booked = (await book(client, manager, ids[:1])).json()
    path = "/groups/school-1/bookings"
    return Thing(
        f"{path}/{booked['registration_id']}/attendees",
        manager,
        "member_ids",
        (f"{path}/new/attendees", {"member_ids": ids}),
        values=lambda nth: ids[nth : nth + 2],
    )


async def shift(client: httpx.AsyncClient) -> Thing:
    await session(client)
    await put_shift(client)
    path = "/sessions/one/shifts"
    return Thing(f"{path}/guide", ORGANISER, "duty", (f"{path}/new", a_shift()))


async def own_data(client: httpx.AsyncClient) -> Thing:
    token = (await join(client)).json()["token"]
    return Thing("/me", bearer(token), "district", None, takes=("district",))


def shown(nth: int) -> str:
    """What is chosen for a name that is masked at first."""
    return ("full", "none")[nth % 2]


async def own_award_name(client: httpx.AsyncClient) -> Thing:
    return Thing("/me/award-name", await manager_of(client), "spelling", None, values="李{}明".format)


async def award_name(client: httpx.AsyncClient) -> Thing:
    await registration.put(client, "street", registration.activity("one", 20))
    headers = ORGANISER | {"Idempotency-Key": "somebody-without-a-contact"}
    body = {"person": {"name": "李奶奶"}}
    somebody = (await client.post("/sessions/one/registrations", json=body, headers=headers)).json()
    return Thing(
        f"/participants/{somebody['participant_id']}/award-name",
        ORGANISER,
        "shown",
        ("/participants/new/award-name", {}),
        values=shown,
        takes=("shown",),
    )


async def award_name_of_member(client: httpx.AsyncClient) -> Thing:
    manager = await manager_of(client)
    [one] = await members(client, manager, 1)
    path = "/groups/school-1/members"
    missing: tuple[str, Json] = (f"{path}/new/award-name", {})
    return Thing(f"{path}/{one}/award-name", manager, "shown", missing, values=shown, takes=("shown",))


async def quiz_of_definition(client: httpx.AsyncClient) -> Thing:
    of = quiz.quiz()
    assert (await put_quiz(client, "one", of)).is_success
    path = "/quizzes/one"
    missing = ("/quizzes/new", definition(of))
    return Thing(path, ORGANISER, "title", missing)


async def draft(client: httpx.AsyncClient) -> Thing:
    body = definition(quiz.quiz())
    await client.put("/quizzes/one/draft", json=body, headers=ORGANISER)
    return Thing("/quizzes/one/draft", ORGANISER, "title", ("/quizzes/new/draft", body))


async def measure(client: httpx.AsyncClient) -> Thing:
    await put_quiz(client, "one", quiz.quiz())
    body = {"cell_min": 40}
    return Thing(
        "/quizzes/one/literacy/measure",
        ORGANISER,
        "cell_min",
        ("/quizzes/new/literacy/measure", body),
        values=lambda nth: 40 + nth,
    )


async def sizes(client: httpx.AsyncClient) -> Thing:
    await put_quiz(client, "one", quiz.quiz())
    path = "/quizzes/one/divisions/district/sizes"
    await client.put(path, json={"sizes": {"范县": 10}}, headers=ORGANISER)
    missing: tuple[str, dict[str, Any]] = ("/quizzes/new/divisions/district/sizes", {"sizes": {}})
    return Thing(path, ORGANISER, "sizes", missing, values=lambda nth: {"范县": 10 + nth})


async def question(client: httpx.AsyncClient) -> Thing:
    path = "/bank/questions"
    body = bank_question().model_dump(mode="json")
    assert (await client.put(f"{path}/q1", json=body, headers=ORGANISER)).is_success
    other = bank_question("q2", text="另一道题？").model_dump(mode="json")
    return Thing(f"{path}/q1", ORGANISER, "explanation", (f"{path}/q2", other), part="question")


async def scheme(client: httpx.AsyncClient) -> Thing:
    assert (await awards.put(client, awards.scheme("one"))).is_success
    body = awards.scheme("new").model_dump(mode="json")
    return Thing("/schemes/one", ORGANISER, "title", ("/schemes/new", body))


async def draw(client: httpx.AsyncClient) -> Thing:
    for name in ("one", "new"):
        await awards.put(client, awards.scheme(f"lucky-{name}", kind="prize", rule={"type": "drawn"}))
    body = definition_of_draw("lucky-one")
    assert (await client.put("/draws/one", json=body, headers=ORGANISER)).is_success
    return Thing("/draws/one", ORGANISER, "title", ("/draws/new", definition_of_draw("lucky-new")))


async def selection(client: httpx.AsyncClient) -> Thing:
    bodies = {}
    for name in ("one", "new"):
        of = awards.scheme(name, rule={"type": "selected"})
        assert (await awards.put(client, of)).is_success
        bodies[name] = selection_of(name, scheme_id=name).model_dump(mode="json")
    assert (await client.put("/selections/one", json=bodies["one"], headers=ORGANISER)).is_success
    return Thing("/selections/one", ORGANISER, "title", ("/selections/new", bodies["new"]), part="selection")


async def template(client: httpx.AsyncClient) -> Thing:
    body = document_template().model_dump(mode="json", exclude={"template_id"})
    assert (await client.put("/templates/one", json=body, headers=ORGANISER)).is_success
    return Thing("/templates/one", ORGANISER, "title", ("/templates/new", body))


async def ceremony_of_scheme(client: httpx.AsyncClient) -> Thing:
    assert (await awards.put(client, awards.scheme("one"))).is_success
    body: Json = {"title": "颁奖典礼", "items": [{"scheme_id": "one"}]}
    assert (await client.put("/ceremonies/closing", json=body, headers=ORGANISER)).is_success
    return Thing("/ceremonies/closing", ORGANISER, "title", ("/ceremonies/new", body))


async def proxy(client: httpx.AsyncClient) -> Thing:
    closing = await ceremony_of_scheme(client)
    path, body = f"{closing.path}/proxies", {"receiver_name": "李大明"}
    assert (await client.put(f"{path}/somebody", json=body, headers=ORGANISER)).is_success
    return Thing(f"{path}/somebody", ORGANISER, "reason", (f"{path}/new", body))


async def endpoint(client: httpx.AsyncClient) -> Thing:
    body = {"url": "https://museum.example.org/events", "types": ["kepu.award.issued.v1"]}
    assert (await client.put("/endpoints/museum", json=body, headers=ORGANISER)).is_success
    return Thing("/endpoints/museum", ORGANISER, "description", ("/endpoints/school", body))


async def preferences(client: httpx.AsyncClient) -> Thing:
    # Of somebody who has chosen before; tests/notifications/contacts/test_api.py has the first choice.
    assert (await client.put("/preferences", json={"sms": False}, headers=as_participant("li"))).is_success
    choices = ("en", "zh-CN")
    return Thing("/preferences", as_participant("li"), "language", None, values=lambda nth: choices[nth % 2])


REGISTRATION: dict[str, Prepare] = {
    "PUT /activities/{activity_id}": activity,
    "PUT /groups/{group_id}": group,
    "PUT /groups/{group_id}/details": details_of_group,
    "PUT /groups/{group_id}/members/{member_id}": member,
    "PUT /groups/{group_id}/bookings/{registration_id}/attendees": attendees,
    "PUT /sessions/{session_id}/shifts/{shift_id}": shift,
    "PATCH /me": own_data,
    "PUT /me/award-name": own_award_name,
    "PUT /participants/{participant_id}/award-name": award_name,
    "PUT /groups/{group_id}/members/{member_id}/award-name": award_name_of_member,
}
QUIZ: dict[str, Prepare] = {
    "PUT /quizzes/{quiz_id}": quiz_of_definition,
    "PUT /quizzes/{quiz_id}/draft": draft,
    "PUT /quizzes/{quiz_id}/literacy/measure": measure,
    "PUT /quizzes/{quiz_id}/divisions/{kind}/sizes": sizes,
    "PUT /bank/questions/{question_id}": question,
}
AWARDS: dict[str, Prepare] = {
    "PUT /schemes/{scheme_id}": scheme,
    "PUT /draws/{draw_id}": draw,
    "PUT /selections/{selection_id}": selection,
    "PUT /templates/{template_id}": template,
    "PUT /ceremonies/{ceremony_id}": ceremony_of_scheme,
    "PUT /ceremonies/{ceremony_id}/proxies/{recipient_id}": proxy,
}
NOTIFICATIONS: dict[str, Prepare] = {"PUT /preferences": preferences}
WEBHOOKS: dict[str, Prepare] = {"PUT /endpoints/{endpoint_id}": endpoint}
THINGS: dict[str, dict[str, Prepare]] = {
    "registration": REGISTRATION,
    "quiz": QUIZ,
    "awards": AWARDS,
    "notifications": NOTIFICATIONS,
    "webhooks": WEBHOOKS,
    "overview": {},
}
# Where a thing is read, behind the path where it is put.
READ_AT = {"PUT /quizzes/{quiz_id}": "/definition", "PUT /draws/{draw_id}": "/definition"}
_RUNNING: dict[str, Callable[..., Running]] = {
    "registration": registration.service,
    "quiz": quiz.service,
    "awards": awards.service,
    "notifications": notifications.service,
    "webhooks": webhooks.service,
    "overview": overview.service,
}


@asynccontextmanager
async def two_copies(
    service: str, route: str, mongo: str
) -> AsyncIterator[tuple[Thing, list[httpx.AsyncClient]]]:
    """The thing of this route, and clients of two copies of its service."""
    async with _RUNNING[service](mongo, role="api", copies=2) as (clients, database):
        if service == "awards":
            await KnownStore(database).add_participants(["somebody", "new"])
        yield await THINGS[service][route](clients[0]), clients
