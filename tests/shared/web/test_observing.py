"""The log has one line for each request that failed or was slow, and not a flood of them."""

import logging

import pytest
from fastapi import FastAPI

from shared.contracts.traces import new_traceparent
from shared.runtime.errors import Unavailable
from shared.runtime.few_lines import LINES_MAX
from shared.web.hot import HotRequest, HotRoute
from tests.support.service import running
from tests.support.web import bare_app

BROUGHT = new_traceparent()
HEADERS = {"x-correlation-id": "a-request", "traceparent": BROUGHT}


def assembled(where: str, *, slow_seconds: float = 60.0) -> FastAPI:
    """An app of which each route answers in two ways; the routes of each test have other names."""

    async def hot(request: HotRequest) -> tuple[int, bytes]:
        if request.id == "outage":
            raise Unavailable("MongoDB does not answer")
        return 200, b"{}"

    app = bare_app(HotRoute("GET", f"/{where}/{{name}}/hot", hot), slow_seconds=slow_seconds)

    @app.get(f"/{where}/{{name}}/cool")
    async def cool(name: str) -> dict[str, str]:
        if name == "outage":
            raise Unavailable("MongoDB does not answer")
        return {}

    return app


def said(caplog: pytest.LogCaptureFixture, message: str) -> list[tuple[object, ...]]:
    names = ("route", "status", "code", "correlation_id", "trace_id", "levelno")
    lines = [vars(record) for record in caplog.records if record.getMessage() == message]
    assert all(line["seconds"] >= 0 for line in lines)
    return [tuple(line.get(name) for name in names) for line in lines]


@pytest.mark.parametrize("kind", ["hot", "cool"])
async def test_a_failed_request_has_one_line_with_its_ids(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(assembled("failing")) as http:
        assert (await http.get(f"/failing/wang/{kind}", headers=HEADERS)).status_code == 200
        assert (await http.get(f"/failing/outage/{kind}", headers=HEADERS)).status_code == 503
    route = f"/failing/{{name}}/{kind}"
    line = (route, 503, "unavailable", "a-request", BROUGHT[3:35], logging.WARNING)
    assert said(caplog, "request failed") == [line]
    assert "wang" not in caplog.text


@pytest.mark.parametrize("kind", ["hot", "cool"])
async def test_a_slow_request_has_one_line_with_its_ids(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    async with running(assembled("slow", slow_seconds=1e-9)) as http:
        await http.get(f"/slow/wang/{kind}", headers=HEADERS)
    line = (f"/slow/{{name}}/{kind}", 200, None, "a-request", BROUGHT[3:35], logging.WARNING)
    assert said(caplog, "request was slow") == [line]


async def test_many_failures_have_few_lines(caplog: pytest.LogCaptureFixture) -> None:
    async with running(assembled("many")) as http:
        for _ in range(3 * LINES_MAX):
            await http.get("/many/outage/cool")
    assert len(said(caplog, "request failed")) == LINES_MAX
