"""An organiser's act is kept before its effect, and its outcome before the answer."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from shared.runtime.acting import Act, acting
from shared.runtime.errors import Conflict, Unavailable
from shared.web.forms import IdInPath
from shared.web.identity import AsOrganiser, AsParticipantOrOrganiser
from tests.support.service import ORGANISER, as_participant, running
from tests.support.web import bare_app


class Kept:
    """A log in memory."""

    def __init__(self, *, away: bool = False) -> None:
        self.acts: dict[str, Act] = {}
        self.happened: list[str] = []
        self.outcomes: list[tuple[int, str | None]] = []
        self.details: dict[str, str | int] = {}
        self._away = away

    async def begin(self, act: Act) -> None:
        if self._away:
            raise Unavailable("MongoDB does not answer")
        self.acts[act.act_id] = act
        self.happened.append("begun")

    async def note(self, act_id: str, details: Mapping[str, str | int]) -> None:
        assert act_id in self.acts
        self.details |= details

    async def end(self, act_id: str, status: int, code: str | None) -> None:
        assert act_id in self.acts
        self.happened.append("ended")
        self.outcomes.append((status, code))


def assembled(log: Kept) -> FastAPI:
    app = bare_app()
    app.state.acts = log

    @app.put("/sessions/{session_id}/seats/{seat_id}", dependencies=[AsOrganiser])
    async def put_seat(session_id: IdInPath, seat_id: IdInPath) -> None:
        log.happened.append("done")
        if session_id == "full":
            raise Conflict("it is full", code="session_full")
        if session_id == "bug":
            raise RuntimeError(seat_id)

    @app.get("/sessions/{session_id}", dependencies=[AsOrganiser])
    async def read(session_id: IdInPath) -> str:
        return session_id

    @app.post("/openings", dependencies=[AsOrganiser])
    async def open_names(people: dict[str, Any]) -> None:
        one = acting.get()
        assert one is not None
        await one.note(people=len(people))

    @app.post("/registrations/{registration_id}/cancel")
    async def cancel(registration_id: IdInPath, who: AsParticipantOrOrganiser) -> None:
        log.happened.append("done")

    return app


def correlated(as_whom: Mapping[str, str]) -> dict[str, str]:
    return {**as_whom, "X-Correlation-Id": "a-request"}


async def answers(log: Kept, method: str, path: str, **asked: Any) -> httpx.Response:
    async with running(assembled(log)) as http:
        return await http.request(method, path, headers=correlated(asked.pop("by", ORGANISER)), **asked)


async def test_an_act_is_kept_before_its_effect_with_who_what_and_how_it_ended() -> None:
    log = Kept()
    assert (await answers(log, "PUT", "/sessions/opening/seats/a-1")).status_code == 200
    assert log.happened == ["begun", "done", "ended"]
    assert log.outcomes == [(200, None)]
    [act] = log.acts.values()
    assert (act.who, act.role, act.method) == ("owner", "owner", "PUT")
    assert act.route == "/sessions/{session_id}/seats/{seat_id}"
    assert act.ids == {"session_id": "opening", "seat_id": "a-1"}
    assert act.correlation_id == "a-request"


async def test_an_act_that_cannot_be_kept_does_not_happen() -> None:
    log = Kept(away=True)
    assert (await answers(log, "PUT", "/sessions/opening/seats/a-1")).status_code == 503
    assert log.happened == []


@pytest.mark.parametrize(
    ("session_id", "outcome"), [("full", (409, "session_full")), ("bug", (500, "internal"))]
)
async def test_the_outcome_of_an_act_that_fails_is_kept(session_id: str, outcome: tuple[int, str]) -> None:
    log = Kept()
    assert (await answers(log, "PUT", f"/sessions/{session_id}/seats/a-1")).status_code == outcome[0]
    assert log.outcomes == [outcome]


async def test_what_stands_in_a_path_and_is_no_id_is_not_kept() -> None:
    log = Kept()
    answer = await answers(log, "PUT", "/sessions/opening/seats/李小明 13800000000")
    assert answer.status_code == 422
    [act] = log.acts.values()
    assert act.ids == {"session_id": "opening", "seat_id": "?"}
    assert log.outcomes == [(422, "invalid")]


async def test_details_that_a_route_adds_belong_to_its_act() -> None:
    log = Kept()
    assert (await answers(log, "POST", "/openings", json={"a": 1, "b": 2})).status_code == 200
    assert log.details == {"people": 2}


async def test_reading_is_no_act_and_neither_is_what_participants_do() -> None:
    log = Kept()
    assert (await answers(log, "GET", "/sessions/opening")).status_code == 200
    own = as_participant("li")
    assert (await answers(log, "POST", "/registrations/one/cancel", by=own)).status_code == 200
    assert log.happened == ["done"]
    assert acting.get() is None


async def test_what_an_organiser_does_instead_of_a_participant_is_an_act() -> None:
    log = Kept()
    assert (await answers(log, "POST", "/registrations/one/cancel")).status_code == 200
    assert log.happened == ["begun", "done", "ended"]


@pytest.mark.parametrize("key", ["", "a-wrong-key-of-nobody"])
async def test_whoever_is_not_admitted_acts_not(key: str) -> None:
    log = Kept()
    for path, method in (("/registrations/one/cancel", "POST"), ("/sessions/opening/seats/a", "PUT")):
        answer = await answers(log, method, path, by={"X-Organiser-Key": key} if key else {})
        assert answer.status_code == (403 if key else 401)
    assert log.happened == []
