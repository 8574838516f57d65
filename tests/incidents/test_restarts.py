"""Copies are replaced one by one behind a real proxy, under load: nothing fails, nothing is lost."""

import asyncio
import os
import shutil
import signal
import sysconfig
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from ops.stack import Stack
from ops.stack.host import free_port
from shared.contracts.events import QuizCompleted
from shared.messaging.create_topics import create_missing
from tests.incidents.environments import environment_of
from tests.quiz.builders import as_resident, quiz
from tests.registration.builders import activity, newcomer
from tests.support.kafka import read_all
from tests.support.killing import Killable
from tests.support.servers import own_stack, stand_still
from tests.support.service import ORGANISER
from tests.support.waiting import eventually

pytestmark = [pytest.mark.stack, pytest.mark.own_servers]

CADDY = shutil.which("caddy", path=sysconfig.get_path("scripts"))
# The proxy looks each second. A busy machine takes longer than that.
DRAIN_SECONDS = 4
STOP_SECONDS_MAX = 40.0
CLIENTS = 3
REST_SECONDS = 0.02
WATCHED = ("/livez", "/readyz", "/health", "/metrics")

# As in deploy/caddy: a request waits for a copy that is ready, since one slow answer to a probe is enough to
# leave none for a second. Other than there, nothing that a copy has got is sent again, not even a GET.
PROXY = """{{
    admin off
    auto_https off
}}
:{port} {{
    bind 127.0.0.1
    reverse_proxy {copies} {{
        lb_policy round_robin
        health_uri /readyz
        health_interval 1s
        health_timeout 2s
        lb_try_duration 5s
        lb_try_interval 100ms
        lb_retry_match {{
            method NONE
        }}
    }}
}}
"""


@pytest.fixture(scope="module")
def own() -> Iterator[Stack]:
    """A stack that nobody else uses, since it stands still too."""
    with own_stack() as stack:
        yield stack


class Copy:
    """One process of a service, which is stopped and started again on the same port."""

    def __init__(self, own: Stack, service: str, role: str, name: str, drain_seconds: float = 0) -> None:
        self.port = free_port()
        self.role = role
        more = {
            "KEPU_ROLE": role,
            "KEPU_INSTANCE": name,
            "KEPU_DRAIN_SECONDS": str(drain_seconds),
            "KEPU_TRUSTED_PROXIES": "127.0.0.1",
        }
        self.process = Killable.serving(
            service, environment_of(service, own.kafka, own.mongo, self.port, **more)
        )

    async def start(self) -> None:
        await self.process.start()
        await eventually(self._is_ready)

    async def replace(self) -> None:
        """End it by SIGTERM, start it again, and wait until it works as before."""
        await self.process.stop(STOP_SECONDS_MAX)
        await self.process.end()
        await self.start()
        if self.role != "worker":
            await eventually(self._has_answered)

    async def _get(self, path: str) -> httpx.Response | None:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=30) as http:
            try:
                return await http.get(path)
            except httpx.TransportError:
                return None

    async def _is_ready(self) -> bool:
        answer = await self._get("/readyz")
        return answer is not None and answer.status_code == 200

    async def _has_answered(self) -> bool:
        """Whether the proxy sends it requests."""
        answer = await self._get("/metrics")
        assert answer is not None
        return any(
            sample.value > 0 and sample.labels["route"] not in WATCHED
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
            if sample.name == "kepu_http_request_seconds_count"
        )


@asynccontextmanager
async def behind_proxy(folder: Path, copies: Sequence[Copy]) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the proxy before these copies. Neither of them sends a request a second time."""
    assert CADDY is not None
    port = free_port()
    file = folder / f"Caddyfile-{port}"
    file.write_text(PROXY.format(port=port, copies=" ".join(f"127.0.0.1:{copy.port}" for copy in copies)))
    proxy = await asyncio.create_subprocess_exec(
        CADDY, "run", "--config", str(file), "--adapter", "caddyfile", stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:

            async def answers() -> bool:
                try:
                    return (await http.get("/readyz")).status_code == 200
                except httpx.TransportError:
                    return False

            await eventually(answers)
            yield http
    finally:
        proxy.kill()
        await proxy.wait()


class Load:
    """People who register, answer the quiz and look at their results, and what they were told."""

    def __init__(self, registration: httpx.AsyncClient | None, quizzes: httpx.AsyncClient) -> None:
        self._registration, self._quizzes = registration, quizzes
        self.quiz_id = f"quiz-{uuid4().hex[:8]}"
        self.answers: Counter[str] = Counter()
        self.failed: list[str] = []
        self.acknowledged: set[str] = set()

    async def prepare(self) -> None:
        definition = quiz().model_dump(mode="json")
        put = await self._quizzes.put(f"/quizzes/{self.quiz_id}", json=definition, headers=ORGANISER)
        assert put.status_code == 200, put.text
        if self._registration is not None:
            body = activity("street-1", 100_000)
            put = await self._registration.put("/activities/street", json=body, headers=ORGANISER)
            assert put.status_code == 200, put.text

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Some clients of each kind until the end of the block, and then until each has finished."""
        ends = asyncio.Event()

        async def again(once: Callable[[], Awaitable[None]]) -> None:
            while not ends.is_set():
                await once()
                await asyncio.sleep(REST_SECONDS)

        kinds = [self._answer_the_quiz] + ([self._register] if self._registration is not None else [])
        clients = [asyncio.create_task(again(kind)) for kind in kinds for _ in range(CLIENTS)]
        try:
            await eventually(lambda: self.answers.total() > 10 * CLIENTS)
            yield
        finally:
            ends.set()
            await asyncio.gather(*clients)

    async def _register(self) -> None:
        assert self._registration is not None
        body = {"session_id": "street-1", "places": 1, "participant": newcomer()}
        await self._ask(
            self._registration,
            "POST /registrations",
            201,
            json=body,
            headers={"Idempotency-Key": uuid4().hex},
        )

    async def _answer_the_quiz(self) -> None:
        me = as_resident(str(uuid4()))
        begun = await self._ask(
            self._quizzes, f"POST /quizzes/{self.quiz_id}/attempts", 201, headers=me, name="start"
        )
        if begun is None:
            return
        attempt = begun.json()
        path = f"/attempts/{attempt['attempt_id']}"
        bearer = {"Authorization": f"Bearer {attempt['attempt_token']}"}
        body = {"answers": {question["id"]: "A" for question in attempt["questions"]}}
        sent = await self._ask(
            self._quizzes, f"POST {path}/submission", 202, headers=bearer, json=body, name="submit"
        )
        if sent is not None:
            self.acknowledged.add(attempt["attempt_id"])
        await self._ask(self._quizzes, f"GET {path}/result", 200, headers=me, name="result")

    async def _ask(
        self, http: httpx.AsyncClient, what: str, good: int, *, name: str = "register", **more: object
    ) -> httpx.Response | None:
        method, path = what.split()
        try:
            answer = await http.request(method, path, **more)  # type: ignore[arg-type]
        except httpx.TransportError as error:
            self.failed.append(f"{name}: {type(error).__name__}")
            return None
        self.answers[name] += 1
        if answer.status_code == good:
            return answer
        self.failed.append(f"{name}: {answer.status_code} {answer.text[:200]}")
        return None

    async def all_graded_once(self, kafka: str) -> None:
        """Wait until each acknowledged submission has its result, which was told under one id."""

        async def told() -> dict[str, set[str]]:
            found: dict[str, set[str]] = {}
            for record in await read_all(kafka, QuizCompleted.topic):
                event = QuizCompleted.model_validate_json(record.value or b"")
                found.setdefault(event.result_id, set()).add(dict(record.headers)["ce_id"].decode())
            return found

        results = await eventually(told, lambda found: found.keys() >= self.acknowledged)
        assert {id_ for id_ in self.acknowledged if len(results[id_]) != 1} == set()


@pytest.mark.skipif(CADDY is None, reason="no Caddy for this system")
async def test_copies_of_every_role_are_replaced_under_load_and_no_request_fails(
    own: Stack, tmp_path: Path
) -> None:
    await create_missing(own.kafka)
    copies = {
        (service, role): [Copy(own, service, role, f"{role}-{n}", DRAIN_SECONDS) for n in range(2)]
        for service, role in (("registration", "all"), ("quiz", "api"), ("quiz", "worker"))
    }
    everyone = [copy for pair in copies.values() for copy in pair]
    try:
        for copy in everyone:
            await copy.start()
        async with AsyncExitStack() as stack:
            registration, quizzes = [
                await stack.enter_async_context(behind_proxy(tmp_path, copies[which]))
                for which in (("registration", "all"), ("quiz", "api"))
            ]
            load = Load(registration, quizzes)
            await load.prepare()
            async with load.running():
                for copy in everyone:
                    await copy.replace()
            assert load.failed == []
            assert load.answers.keys() == {"register", "start", "submit", "result"}
            await load.all_graded_once(own.kafka)
    finally:
        for copy in everyone:
            await copy.process.end()


async def test_sigterm_while_kafka_stands_still_costs_nothing_that_was_acknowledged(own: Stack) -> None:
    await create_missing(own.kafka)
    api, worker = Copy(own, "quiz", "api", "api"), Copy(own, "quiz", "worker", "worker")
    pid = own.pid("kafka")
    assert pid is not None
    try:
        for copy in (api, worker):
            await copy.start()
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{api.port}", timeout=60) as http:
            load = Load(None, http)
            await load.prepare()
            async with load.running():
                await stand_still(pid)
                try:
                    await asyncio.gather(*[copy.process.stop(STOP_SECONDS_MAX) for copy in (api, worker)])
                finally:
                    os.kill(pid, signal.SIGCONT)
        assert load.acknowledged
        for copy in (api, worker):
            await copy.process.end()
        await worker.start()
        await load.all_graded_once(own.kafka)
    finally:
        for copy in (api, worker):
            await copy.process.end()
