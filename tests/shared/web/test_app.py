"""The app that every service is."""

import json
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import httpx
import pytest
from fastapi import FastAPI, Request
from pydantic import BaseModel, Field
from starlette.responses import PlainTextResponse, Response

from shared.runtime.errors import (
    Conflict,
    Forbidden,
    KepuError,
    NotAuthenticated,
    NotFound,
    Overloaded,
    Rejected,
    Unavailable,
)
from shared.runtime.logs import JsonLines
from shared.web.forms import BODY_BYTES_MAX, FAULTS_MAX
from shared.web.hot import HotRequest, HotRoute
from shared.web.identity import AsOrganiser, AsParticipant
from tests.support.service import ORGANISER, ORGANISER_KEY, as_participant, running
from tests.support.web import bare_app

ERRORS: dict[str, KepuError] = {
    "rejected": Rejected("no", code="not_allowed"),
    "unknown": NotFound("no session opening"),
    "conflict": Conflict("it is full", code="session_full"),
    "forbidden": Forbidden("not yours"),
    "stranger": NotAuthenticated("who are you"),
    "outage": Unavailable("MongoDB does not answer"),
    "crowd": Overloaded("too many"),
}


class Wish(BaseModel):
    places: int = Field(ge=1)


def assembled() -> FastAPI:
    async def hot(request: HotRequest) -> tuple[int, bytes]:
        if request.id == "bug" or request.id in ERRORS:
            raise ERRORS.get(request.id) or RuntimeError("wang.fang@example.org")
        said = (
            request.id,
            request.authorization.decode(),
            request.idempotency_key.decode(),
            len(request.body),
        )
        return 202 if request.id else 201, json.dumps(said).encode()

    app = bare_app(
        HotRoute("POST", "/hot/{name}/size", hot),
        HotRoute("POST", "/hot", hot),
    )

    @app.get("/errors/{name}")
    async def fail(name: str) -> None:
        raise ERRORS.get(name) or RuntimeError(f"{name}: wang.fang@example.org")

    @app.post("/wishes")
    async def wish(wish: Wish) -> int:
        return wish.places

    @app.get("/page")
    async def page(limit: int = 50) -> int:
        return limit

    @app.put("/page")
    async def put_page() -> None:
        return

    @app.get("/me")
    async def me(participant: AsParticipant) -> str:
        return participant.participant_id

    @app.post("/close", dependencies=[AsOrganiser])
    async def close() -> str:
        return "closed"

    async def raw(request: Request) -> Response:
        return PlainTextResponse(str(len(await request.body())))

    app.add_route("/raw/{name}", raw, methods=["POST"])
    return app


def client() -> AbstractAsyncContextManager[httpx.AsyncClient]:
    return running(assembled())


@pytest.mark.parametrize("path", ["/errors/{}", "/hot/{}/size"])
@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("rejected", 422, "not_allowed"),
        ("unknown", 404, "not_found"),
        ("conflict", 409, "session_full"),
        ("forbidden", 403, "forbidden"),
        ("stranger", 401, "not_authenticated"),
        ("outage", 503, "unavailable"),
        ("crowd", 503, "overloaded"),
    ],
)
async def test_error_is_a_problem_with_its_status_and_code(
    path: str, name: str, status: int, code: str
) -> None:
    async with client() as http:
        answer = await http.request("POST" if "hot" in path else "GET", path.format(name))
    assert (answer.status_code, answer.json()["code"], answer.json()["status"]) == (status, code, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == ERRORS[name].message
    assert ("retry-after" in answer.headers) == (status == 503)


@pytest.mark.parametrize(
    ("method", "route"), [("GET", "/errors/{name}"), ("POST", "/hot/{name}/size")], ids=["framework", "hot"]
)
async def test_unexpected_error_tells_nothing_but_the_id_under_which_the_log_has_it(
    method: str, route: str
) -> None:
    lines: list[dict[str, object]] = []

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(json.loads(JsonLines("test").format(record)))

    keeping = Keeping()
    logging.getLogger("shared").addHandler(keeping)
    try:
        async with client() as http:
            path = route.format(name="bug")
            answer = await http.request(method, path, headers={"x-correlation-id": "a-request"})
    finally:
        logging.getLogger("shared").removeHandler(keeping)
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-correlation-id"] == "a-request"
    assert "example.org" not in answer.text
    [failure] = [line for line in lines if line["level"] == "error"]
    assert (failure["correlation_id"], failure["route"]) == ("a-request", route)
    assert "RuntimeError" in str(failure["exception"])


@pytest.mark.parametrize("body", ['{"places": 0}', '{"places": "many"}', "{}", "{", "[]"])
async def test_invalid_body_is_a_problem_that_names_the_place_and_not_the_input(body: str) -> None:
    async with client() as http:
        answer = await http.post("/wishes", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert answer.json()["detail"].startswith("body")
    assert "many" not in answer.text


async def test_unknown_route_and_method_are_problems() -> None:
    async with client() as http:
        assert (await http.get("/nowhere")).json()["code"] == "not_found"
        assert (await http.get("/wishes")).json()["code"] == "method_not_allowed"


@pytest.mark.parametrize("route", ["/wishes", "/raw/x", "/hot/x/size"])
async def test_body_beyond_the_bound_is_refused_with_and_without_a_length(route: str) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(BODY_BYTES_MAX // 65_536 + 1):
            yield b" " * 65_536

    async with client() as http:
        told = await http.post(route, content=b" " * (BODY_BYTES_MAX + 1))
        chunked = await http.post(route, content=chunks())
    for answer in (told, chunked):
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


async def test_a_body_of_very_many_values_is_refused_before_they_are_looked_at() -> None:
    app = assembled()

    @app.put("/bank", max_body_size=4_194_304)
    async def bank(questions: list[int]) -> int:
        return len(questions)

    async with running(app) as http:
        many = await http.put("/bank", content=b"[" + b'"",' * 1_000_000 + b'""]')
        assert (many.status_code, many.json()["code"]) == (413, "too_many_values")
        some = (await http.put("/bank", content=b"[" + b'"",' * 1_000 + b'""]')).json()
        assert (some["code"], len(some["errors"])) == ("invalid", FAULTS_MAX)
        assert some["detail"].endswith("(1000 more)")


async def test_body_at_the_bound_is_taken() -> None:
    async with client() as http:
        assert (await http.post("/raw/x", content=b" " * BODY_BYTES_MAX)).text == str(BODY_BYTES_MAX)


async def test_a_hot_route_is_answered_with_its_id_the_authorization_and_the_body() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"in "
        yield b"parts"

    async with client() as http:
        whole = await http.post("/hot/wang/size", content=b"whole", headers={"authorization": "Bearer x"})
        parts = await http.post("/hot/li/size", content=chunks(), headers={"x-correlation-id": "a-request"})
    assert (whole.status_code, whole.json()) == (202, ["wang", "Bearer x", "", 5])
    assert whole.headers["content-type"] == "application/json"
    assert (parts.json(), parts.headers["x-correlation-id"]) == (["li", "", "", 8], "a-request")


async def test_a_hot_route_may_have_no_id_and_look_at_an_idempotency_key() -> None:
    async with client() as http:
        answer = await http.post("/hot", content=b"once", headers={"Idempotency-Key": "k"})
    assert (answer.status_code, answer.json()) == (201, ["", "", "k", 4])


@pytest.mark.parametrize(
    "path", ["/hot//size", "/hot/a/b/size", "/hot/a/size/", "/hot/a", "/hot/size", "/hot/"]
)
async def test_what_is_almost_a_hot_route_is_none(path: str) -> None:
    async with client() as http:
        assert (await http.post(path)).status_code == 404
        assert (await http.post("/hot/a/size")).status_code == 202


async def test_parameters_that_a_route_does_not_know_or_that_stand_twice_are_refused() -> None:
    async with client() as http:
        assert (await http.get("/page?limit=3")).json() == 3
        for path, code in (
            ("/page?limit=3&offset=1", "parameter_unknown"),
            ("/page?limit=3&limit=4", "parameter_doubled"),
            ("/page?Limit=3", "parameter_unknown"),
            ("/health?x=", "parameter_unknown"),
            ("/hot?x=1", "parameter_unknown"),
        ):
            answer = await http.request("POST" if "hot" in path else "GET", path)
            assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_head_is_answered_as_get_and_options_with_what_there_is() -> None:
    async with client() as http:
        got, head = await http.get("/page"), await http.head("/page")
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == got.headers["content-length"]
        options = await http.options("/page")
        assert (options.status_code, options.headers["allow"]) == (204, "GET, HEAD, OPTIONS, PUT")
        wrong = await http.delete("/page")
        assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET, HEAD, OPTIONS, PUT")
        assert (await http.options("/nowhere")).status_code == 404


async def test_no_host_is_ever_echoed() -> None:
    async with client() as http:
        for path in ("/page/", "/docs/", "/static-offline-docs", "/hot/"):
            answer = await http.get(path, headers={"host": "evil.example"})
            assert answer.status_code == 404
            assert "evil" not in f"{answer.headers}{answer.text}"


async def test_a_doubled_key_is_refused() -> None:
    headers = [("x-organiser-key", ORGANISER_KEY), ("x-organiser-key", "guess")]
    async with client() as http:
        answer = await http.post("/close", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "header_doubled")


async def test_correlation_id_is_kept_and_made_when_missing_or_strange() -> None:
    async with client() as http:
        kept = await http.get("/health", headers={"x-correlation-id": "a-request"})
        made = await http.get("/health")
        strange = await http.get("/health", headers={"x-correlation-id": "a\tb {}"})
    assert kept.headers["x-correlation-id"] == "a-request"
    assert made.headers["x-correlation-id"] != strange.headers["x-correlation-id"]
    assert len(strange.headers["x-correlation-id"]) == 16


async def test_participant_is_known_by_a_token_alone() -> None:
    async with client() as http:
        assert (await http.get("/me", headers=as_participant("wang"))).json() == "wang"
        assert (await http.get("/me")).json()["code"] == "token_missing"
        assert (await http.get("/me", headers={"authorization": "Basic d2FuZw=="})).status_code == 401
        forged = as_participant("wang")["Authorization"] + "x"
        answer = await http.get("/me", headers={"authorization": forged})
        assert (answer.status_code, answer.json()["code"]) == (401, "token_invalid")


async def test_organisers_route_needs_the_key() -> None:
    async with client() as http:
        assert (await http.post("/close")).status_code == 401
        assert (await http.post("/close", headers={"x-organiser-key": "guess"})).status_code == 403
        assert (await http.post("/close", headers=ORGANISER)).json() == "closed"


async def test_metrics_have_labels_that_nobody_can_make_up() -> None:
    async with client() as http:
        for method in ("PURGE", "M-SEARCH", "WANG"):
            await http.request(method, "/page")
        await http.get("/nowhere/wang")
        await http.post("/wishes", content=b" " * (BODY_BYTES_MAX + 1))
        text = (await http.get("/metrics")).text
    assert 'kepu_http_request_seconds_count{method="other",route="/page",status="405"} ' in text
    for method in ("PURGE", "M-SEARCH", "WANG"):
        assert method not in text
    for labels in (
        'code="method_not_allowed",route="/page"',
        'code="not_found",route="unmatched"',
        'code="too_large",route="/wishes"',
    ):
        assert f"kepu_http_problems_total{{{labels}}}" in text


async def test_metrics_count_requests_by_pattern_and_never_by_path() -> None:
    async with client() as http:
        await http.get("/errors/conflict")
        await http.get("/errors/bug")
        await http.post("/raw/wang", content=b"")
        await http.post("/hot/wang/size")
        await http.post("/hot/crowd/size")
        await http.get("/nowhere/wang")
        text = (await http.get("/metrics")).text
    for labels in (
        'method="GET",route="/errors/{name}",status="409"',
        'method="GET",route="/errors/{name}",status="500"',
        'method="POST",route="/raw/{name}",status="200"',
        'method="POST",route="/hot/{name}/size",status="202"',
        'method="GET",route="unmatched",status="404"',
    ):
        assert f"kepu_http_request_seconds_count{{{labels}}}" in text
    assert 'kepu_http_problems_total{code="session_full",route="/errors/{name}"}' in text
    assert 'kepu_http_problems_total{code="overloaded",route="/hot/{name}/size"}' in text
    assert "wang" not in text


async def test_documentation_loads_nothing_from_elsewhere() -> None:
    async with client() as http:
        page = (await http.get("/docs")).text
        api = (await http.get("/openapi.json")).json()
    assert "https://cdn" not in page
    assert api["paths"]["/wishes"]["post"]["responses"]["422"]["content"]
