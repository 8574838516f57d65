"""A request's trace: brought or begun, and the same for all its events."""

import asyncio
import json
from collections.abc import Sequence

import httpx
import pytest
from fastapi import FastAPI

from shared.contracts.origin import Origin
from shared.contracts.traces import new_traceparent
from shared.runtime.span_export import SpanExport, recording
from shared.runtime.tracing import Span, traceparent
from shared.web.hot import Begun, HotRequest, HotRoute
from tests.support.web import bare_app, port_of, serving


def of_two_events() -> bytes:
    return json.dumps([Origin.of_request().traceparent, Origin.of_request().traceparent]).encode()


def assembled() -> FastAPI:
    async def answer(_: HotRequest) -> tuple[int, bytes]:
        await asyncio.sleep(0)
        return 200, of_two_events()

    def begin(_: HotRequest) -> Begun:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        said = of_two_events()
        return Begun(done, lambda: (200, said))

    app = bare_app(HotRoute("GET", "/hot", answer), HotRoute("GET", "/begun", answer, begins=begin))

    @app.get("/framework")
    async def framework() -> list[str]:
        found: list[str] = json.loads(of_two_events())
        return found

    return app


@pytest.mark.parametrize("path", ["/hot", "/begun", "/framework", "/hot by the edge"])
async def test_all_events_of_a_request_have_the_trace_that_it_brought_and_a_span_of_its_own(
    path: str,
) -> None:
    brought = new_traceparent()
    path, *by_edge = path.split(maxsplit=1)
    # The parser leaves requests with doubled headers to the edge.
    more = [("x-twice", "a"), ("x-twice", "b")] if by_edge else []
    async with (
        serving(assembled()) as server,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port_of(server)}") as http,
    ):
        one, other = (await http.get(path, headers=[("traceparent", brought), *more])).json()
        again, _ = (await http.get(path, headers=[("traceparent", brought), *more])).json()
        strange, _ = (await http.get(path, headers=[("traceparent", f"{brought}-x"), *more])).json()
    assert one == other
    assert one[:36] == again[:36] == brought[:36]
    assert len({one[36:52], again[36:52], brought[36:52]}) == 3
    assert strange[:36] != brought[:36]
    assert traceparent.get() is None


async def test_all_events_of_a_request_that_brought_no_trace_have_one() -> None:
    async with (
        serving(assembled()) as server,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port_of(server)}") as http,
    ):
        one, other = (await http.get("/framework")).json()
        next_, _ = (await http.get("/framework")).json()
    assert one == other != next_


@pytest.mark.parametrize("path", ["/hot", "/begun", "/framework"])
async def test_a_request_is_a_span_that_its_events_follow_from(path: str) -> None:
    spans: list[Span] = []

    def send(some: Sequence[Span]) -> bool:
        spans.extend(some)
        return True

    brought = new_traceparent()
    async with (
        recording(SpanExport(send)),
        serving(assembled()) as server,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port_of(server)}") as http,
    ):
        headers = {"traceparent": brought, "x-correlation-id": "a-request"}
        of_trace, _ = (await http.get(path, headers=headers)).json()
        begun, _ = (await http.get(path)).json()
        unrecorded, _ = (await http.get(path, headers={"traceparent": f"{brought[:53]}00"})).json()
        await http.get("/metrics")
    assert [(span.name, span.own, span.parent) for span in spans] == [
        (f"GET {path}", of_trace, brought[36:52]),
        (f"GET {path}", begun, None),
    ]
    assert unrecorded.endswith("-00")
    assert spans[0].attributes == {
        "http.request.method": "GET",
        "http.route": path,
        "http.response.status_code": 200,
        "kepu.correlation_id": "a-request",
    }
