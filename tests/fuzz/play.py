"""Malformed records and requests in numbers while somebody sits a contest, and the ledger of all of them."""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import httpx
import psutil
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.structs import TopicPartition

from ops.deployment.settle import GROUPS, lag
from ops.deployment.whole_topics import bounds_of, records_of
from ops.local.services import Services
from shared.contracts import topics
from shared.contracts.topics import dead_letters
from tests.flow.strangers.week import Report, Week
from tests.fuzz.ledger import Ledger, Place, compare
from tests.fuzz.records import READ, Golden, damaged_batch, expected_of, write
from tests.fuzz.requests import Requests, Routes, judged, over_http
from tests.quiz.builders import quiz
from tests.quiz.http import definition
from tests.registration.builders import activity, newcomer
from tests.support.service import bearer
from tests.support.waiting import eventually

RESULT_SECONDS_MAX = 5.0
POLL_SECONDS = 0.1
LOOK_SECONDS = 1.0
# A hundred thousand need some minutes on two cores.
READ_SECONDS_MAX = 1_800.0
# Of each process, resident.
MEMORY_MB_MAX = 400
SENDERS = 8
ADDRESSES = 200
# Whose tokens are in the requests. Some requests end a token.
PEOPLE = 20
# Of all inputs: damaged batches, requests, and the rest records.
BATCHES_SHARE, REQUESTS_SHARE = 0.02, 0.4
PRODUCE_MS = 10_000


async def played(services: Services, *, inputs: int, seed: int) -> Report:
    """
    Write malformed records and send malformed requests, and account for each.

    Args:
        inputs: how many in all.
        seed: the same seed makes the same inputs.
    """
    report = Report(f"{inputs:,} malformed inputs, seed {seed}")
    ledger = Ledger()
    dice = random.Random(seed)  # noqa: S311 (no secret)
    batches, requests = round(inputs * BATCHES_SHARE), round(inputs * REQUESTS_SHARE)
    async with Week(services) as week:
        contest = f"fuzzed-{uuid4().hex[:6]}"
        await week.put(f"{week.apis.quiz}/quizzes/{contest}", definition(quiz()))
        await week.put(f"{week.apis.registration}/activities/{contest}", activity(contest, 10_000))
        # One who comes before, so that everything has been done once.
        await sits(week, contest)
        before = {name: (pid, _megabytes(pid)) for name in services.names if (pid := services.pid(name))}
        neighbour = asyncio.create_task(_sit_on(week, contest))
        written = await asyncio.to_thread(write, services.stack.kafka, inputs - batches - requests, dice)
        ledger.enter("Kafka", "taken", len(written.places))
        ledger.enter("Kafka", "refused", written.refused)
        expected = dict(written.places)
        expected |= await _write_batches(services.stack.kafka, batches, dice, ledger)
        await _send(week, contest, requests, dice, ledger)
        await _until_read(services.stack.kafka)
        neighbour.cancel()
        ages = (await asyncio.gather(neighbour, return_exceptions=False))[0]
        report.lines.append(f"a participant meanwhile: {_figures(ages)}")
        if max(ages) > RESULT_SECONDS_MAX:
            ledger.fault("late", f"a result took {max(ages):.1f} s")
        await asyncio.to_thread(_compare, services.stack.kafka, expected, ledger)
        report.lines += _processes(services, before, ledger)
        await _healthy(services, ledger)
        # And after it, everything goes on.
        report.lines.append(f"after it: {_figures([await sits(week, contest) for _ in range(3)])}")
    judged_all = ledger.of("Kafka") + sum(ledger.of(over_http(name)) for name in week.apis.urls)
    if judged_all != inputs:
        ledger.fault("not accounted for", f"{judged_all:,} of {inputs:,} inputs have a verdict")
    report.lines += ledger.lines
    report.wrong += ledger.wrong
    return report


async def begins(week: Week, contest: str) -> tuple[dict[str, str], dict[str, Any]]:
    """Somebody joins and begins the contest: the headers of a participant, and the attempt."""
    http = week.at("127.0.0.1")
    joined = await http.post(f"{week.apis.registration}/participants", json=newcomer())
    assert joined.is_success, joined.text
    token = bearer(joined.json()["token"])
    started = await http.post(f"{week.apis.quiz}/quizzes/{contest}/attempts", headers=token)
    assert started.is_success, started.text
    return token, started.json()


async def sits(week: Week, contest: str) -> float:
    """Somebody joins and sits the contest: how many seconds passed from the submission to the result."""
    http = week.at("127.0.0.1")
    token, attempt = await begins(week, contest)
    url = f"{week.apis.quiz}/attempts/{attempt['attempt_id']}"
    answers = {"answers": {question["id"]: "A" for question in attempt["questions"]}}
    began = time.monotonic()
    sent = await http.post(f"{url}/submission", json=answers, headers=bearer(attempt["attempt_token"]))
    assert sent.is_success, sent.text

    async def graded() -> bool:
        result: httpx.Response = await http.get(f"{url}/result", headers=token)
        assert result.is_success, result.text
        if result.json()["status"] == "graded":
            return True
        await asyncio.sleep(POLL_SECONDS)
        return False

    await eventually(graded, seconds=READ_SECONDS_MAX)
    return time.monotonic() - began


async def _sit_on(week: Week, contest: str) -> list[float]:
    """One after the other until this is cancelled."""
    ages: list[float] = []
    try:
        while True:
            ages.append(await sits(week, contest))
            await asyncio.sleep(LOOK_SECONDS)
    except asyncio.CancelledError:
        return ages


async def _write_batches(
    kafka: str, batches: int, dice: random.Random, ledger: Ledger
) -> dict[Place, str | None]:
    """Have Kafka append damaged batches, and say what the contract says of each of their places."""
    expected: dict[Place, str | None] = {}
    client = AIOKafkaClient(bootstrap_servers=kafka)
    await client.bootstrap()
    golden = {contract: Golden(contract) for contract in READ}
    try:
        await client.set_topics([contract.topic for contract in READ])
        for number in range(batches):
            contract = READ[number % len(READ)]
            partition = dice.randrange(topics.declared(contract).partitions)
            batch = damaged_batch(contract, golden[contract], dice)
            leader = client.cluster.leader_for_partition(TopicPartition(contract.topic, partition))
            request = ProduceRequest(
                transactional_id=None,
                required_acks=-1,
                timeout=PRODUCE_MS,
                topics=[(contract.topic, [(partition, batch)])],
            )
            [(_, [(_, code, base, *_)])] = (await client.send(leader, request)).topics
            ledger.enter("Kafka", f"batch refused {code}" if code else "batch taken")
            if not code:
                expected |= await asyncio.to_thread(expected_of, contract, partition, base, batch)
    finally:
        await client.close()
    return expected


async def _send(week: Week, contest: str, requests: int, dice: random.Random, ledger: Ledger) -> None:
    """Send malformed requests, some at a time, from many addresses."""
    routes, ports = {}, {}
    for service, url in week.apis.urls.items():
        answer = await week.at("127.0.0.1").get(f"{url}/openapi.json")
        routes[service] = Routes(service, answer.json())
        ports[service] = httpx.URL(url).port or 80
    tokens: list[str] = []
    own: list[str] = []
    for _ in range(PEOPLE):
        token, attempt = await begins(week, contest)
        told = (token["Authorization"], f"Bearer {attempt['attempt_token']}")
        tokens += [f"Authorization: {one}" for one in told]
        own.append(attempt["attempt_id"])
    organiser = f"X-Organiser-Key: {week.apis.organiser_key}"
    maker = Requests(routes, organiser, tokens, own, [contest])
    numbers = iter(range(requests))

    async def send() -> None:
        for number in numbers:
            request = maker.make(number, dice)
            address = f"127.9.{number % ADDRESSES}.1"
            await judged(ledger, maker, request, ports[request.service], address)

    async with asyncio.TaskGroup() as together:
        for _ in range(SENDERS):
            together.create_task(send())


async def _until_read(kafka: str) -> None:
    async def left() -> dict[str, int]:
        await asyncio.sleep(LOOK_SECONDS)
        found = await asyncio.to_thread(lag, kafka, GROUPS)
        return {name: unread for name, unread in found.items() if unread}

    await eventually(left, lambda found: not found, seconds=READ_SECONDS_MAX)


def _compare(kafka: str, expected: Mapping[Place, str | None], ledger: Ledger) -> None:
    of_topic: dict[str, dict[Place, str | None]] = defaultdict(dict)
    for place, code in expected.items():
        of_topic[place[0]][place] = code
    for contract in READ:
        for group in sorted(topics.declared(contract).groups):
            buried = _buried(kafka, contract.topic, group)
            compare(ledger, group, of_topic[contract.topic], buried)


def _buried(kafka: str, topic: str, group: str) -> dict[Place, tuple[str, str]]:
    found: dict[Place, tuple[str, str]] = {}
    name = dead_letters(topic, group)
    if not bounds_of(kafka, [name]):
        return found
    for message in records_of(kafka, [name]):
        pairs: Any = message.headers() or []
        # What our group has added stands behind the record's own headers.
        told = {key: value.decode(errors="replace") for key, value in pairs if value is not None}
        partition, offset = int(told["dead_partition"]), int(told["dead_offset"])
        reason = told["dead_reason"]
        found.setdefault((topic, partition, offset), (told["dead_code"], reason))
        # "offset 7 to 9: …" stands for several.
        words = reason.split(":")[0].split()
        if len(words) == 4 and words[0] == "offset" and words[2] == "to":
            for other in range(offset, int(words[3]) + 1):
                found.setdefault((topic, partition, other), (told["dead_code"], reason))
    return found


def _megabytes(pid: int) -> int:
    return int(psutil.Process(pid).memory_info().rss) // 1_048_576


def _processes(services: Services, before: Mapping[str, tuple[int, int]], ledger: Ledger) -> list[str]:
    """Whether each process lives, and how much memory it has."""
    lines = []
    for name, (pid, had) in before.items():
        if services.pid(name) != pid:
            ledger.fault("died", f"the process of {name}")
            continue
        megabytes = _megabytes(pid)
        lines.append(f"{name} has {megabytes} MB, and had {had} MB")
        if megabytes > MEMORY_MB_MAX:
            ledger.fault("memory", f"{name} has {megabytes} MB")
    return lines


async def _healthy(services: Services, ledger: Ledger) -> None:
    async with httpx.AsyncClient(timeout=30) as http:
        for part in services.parts:
            answer = await http.get(f"{services.url(part.name)}/health")
            if not answer.is_success:
                ledger.fault("not healthy", f"{part.name}: {answer.text}")


def _figures(ages: list[float]) -> str:
    ordered = sorted(ages)
    middle = ordered[len(ordered) // 2]
    return f"{len(ages)} results, the middle one after {middle:.1f} s, the last after {ordered[-1]:.1f} s"
