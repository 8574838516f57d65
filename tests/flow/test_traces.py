"""One trace from a request to the mail, through the outbox, Kafka and all consumers."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from ops.demo.mails import Mails
from ops.local.services import Services, running
from shared.contracts.traces import new_traceparent
from shared.messaging.create_topics import create_missing
from tests.quiz.builders import quiz
from tests.support.collector import Collected, Collector, collecting
from tests.support.servers import own_stack
from tests.support.service import bearer
from tests.support.waiting import eventually

pytestmark = [pytest.mark.stack, pytest.mark.own_servers]

ADDRESS = "wang@example.org"
# Kinds of spans, as OTLP numbers them.
INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = 1, 2, 3, 4, 5


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as at:
        yield at


@pytest.fixture(scope="module")
def services(collector: Collector) -> Iterator[Services]:
    with own_stack() as stack:
        asyncio.run(create_missing(stack.kafka))
        settings = {"KEPU_TRACES": collector.url}
        with running(Services(stack, detached=False, settings=settings)) as up:
            yield up


class Client:
    """Sends requests, each with a trace of its own, and keeps the trace contexts."""

    def __init__(self, services: Services) -> None:
        self._apis = services.apis
        self._http = httpx.AsyncClient(timeout=30)
        self.brought: dict[str, str] = {}

    async def ask(self, method: str, url: str, as_whom: dict[str, str], body: Any = None) -> Any:
        brought = new_traceparent()
        headers = as_whom | {"traceparent": brought, "x-correlation-id": f"asked-{len(self.brought)}"}
        answer = await self._http.request(method, url, json=body, headers=headers)
        assert answer.is_success, answer.text
        self.brought[url] = brought
        return answer.json()

    async def register(self, mails: Mails) -> tuple[dict[str, str], str]:
        """Somebody joins and verifies the contact. Returns the token's header, and the request's address."""
        apis, starts_at = self._apis, datetime.now(UTC) + timedelta(days=1)
        session = {
            "session_id": "fair",
            "starts_at": starts_at.isoformat(),
            "ends_at": (starts_at + timedelta(hours=2)).isoformat(),
            "venue": "广场",
            "district": "华龙区",
            "capacity": 10,
        }
        of = {"title": "科普宣传一条街", "organiser": "科学技术局", "kind": "outreach", "sessions": [session]}
        await self.ask("PUT", f"{apis.registration}/activities/street", apis.organiser, of)
        who = {"name": "王芳", "email": ADDRESS, "audience": "youth", "language": "zh-CN"}
        asked = f"{apis.registration}/registrations"
        key = {"Idempotency-Key": "only-once-and-no-more"}
        joined = await self.ask("POST", asked, key, {"session_id": "fair", "participant": who})
        code = await mails.code_for(ADDRESS)
        sign_in = f"{apis.registration}/sign-ins/{joined['participant_id']}/confirmations"
        return bearer((await self.ask("POST", sign_in, {}, {"code": code}))["token"]), asked

    async def submit(self, token: dict[str, str]) -> str:
        """All answers are right, so there is an award. Returns the address of the submission."""
        apis, one = self._apis, quiz()
        await self.ask("PUT", f"{apis.quiz}/quizzes/stars", apis.organiser, one.model_dump(mode="json"))
        rule = {"type": "pass_mark", "quiz_id": "stars", "score_percent": 60}
        scheme = {"title": "合格证书", "kind": "certificate", "rule": rule}
        await self.ask("PUT", f"{apis.awards}/schemes/pass", apis.organiser, scheme)
        attempt = await self.ask("POST", f"{apis.quiz}/quizzes/stars/attempts", token)
        answers = {question["id"]: "A" for question in attempt["questions"]}
        asked = f"{apis.quiz}/attempts/{attempt['attempt_id']}/submission"
        await self.ask("POST", asked, bearer(attempt["attempt_token"]), {"answers": answers})
        return asked


def way_of(span: Collected, trace: dict[str, Collected]) -> list[str]:
    """The names of a span and of all that it follows from, the last one first."""
    way = [span.name]
    while span.parent in trace:
        span = trace[span.parent]
        way.append(span.name)
    return way


async def test_a_trace_shows_every_hop_from_the_request_to_the_mail(
    services: Services, collector: Collector
) -> None:
    client = Client(services)
    token, registered = await client.register(Mails(services.mail_file))
    submitted = await client.submit(token)
    brought = client.brought[submitted]
    to_mail = [
        "send email",
        "handle award.issued",
        "handle quiz.completed",
        "handle quiz.submitted",
        "POST /attempts/{attempt_id}/submission",
    ]

    def ways() -> list[list[str]]:
        trace = collector.of_trace(brought[3:35])
        return [way_of(span, trace) for span in trace.values()]

    await eventually(lambda: to_mail in ways(), seconds=30)
    await eventually(lambda: ["publish award.issued", *to_mail[2:]] in ways())
    trace = collector.of_trace(brought[3:35])
    _every_parent_is_there(trace, brought)
    assert {(span.service, span.name, span.kind) for span in trace.values()} >= {
        ("kepu-quiz", to_mail[-1], SERVER),
        ("kepu-quiz", "publish quiz.submitted", PRODUCER),
        ("kepu-quiz", "handle quiz.submitted", CONSUMER),
        ("kepu-quiz", "publish quiz.completed", PRODUCER),
        ("kepu-awards", "handle quiz.completed", CONSUMER),
        ("kepu-awards", "publish award.issued", PRODUCER),
        ("kepu-notifications", "handle quiz.completed", CONSUMER),
        ("kepu-notifications", "handle award.issued", CONSUMER),
        ("kepu-notifications", "publish notification.delivered", PRODUCER),
        ("kepu-notifications", "send email", CLIENT),
    }
    assert len({span.attributes.get("kepu.correlation_id") for span in trace.values()}) == 1
    batches = {span.id: span for span in collector.spans if span.name.startswith("handle batch")}
    handled = [span for span in trace.values() if span.kind == CONSUMER]
    assert all(span.id in batches[span.links[0]].links for span in handled)

    # The outbox: its events are relayed.
    brought = client.brought[registered]
    relayed = ["relay participant.code_requested", "POST /registrations"]
    await eventually(lambda: relayed in ways())
    trace = collector.of_trace(brought[3:35])
    _every_parent_is_there(trace, brought)
    assert {
        ("kepu-registration", "relay participant.code_requested", INTERNAL),
        ("kepu-registration", "publish participant.code_requested", PRODUCER),
        ("kepu-notifications", "handle participant.code_requested", CONSUMER),
        ("kepu-notifications", "send email", CLIENT),
    } <= {(span.service, span.name, span.kind) for span in trace.values()}
    _nothing_is_personal(collector)
    mails = [json.loads(line) for line in services.mail_file.read_text().splitlines()]
    assert "王芳" in "".join(mail["body"] for mail in mails), "what was looked for would have been found"


def _every_parent_is_there(trace: dict[str, Collected], brought: str) -> None:
    for span in trace.values():
        assert span.parent in {*trace, brought[36:52]}, span
    assert {way_of(span, trace)[-1].split()[0] for span in trace.values()} == {"POST"}


def _nothing_is_personal(collector: Collector) -> None:
    told = "".join(f"{span.name} {span.attributes}" for span in collector.spans)
    assert ADDRESS not in told
    assert "王芳" not in told
