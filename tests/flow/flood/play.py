"""Malformed records go into every topic while people sit a contest, and what becomes of both is looked at."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any
from uuid import uuid4

import httpx
from confluent_kafka import Producer

from ops.deployment.settle import GROUPS, lag
from ops.deployment.whole_topics import bounds_of, records_of
from ops.local.services import Services
from shared.contracts import events, topics
from shared.contracts.topics import QUIZ_GRADING, dead_letters
from tests.flow.flood.kinds import Kind, kinds
from tests.flow.strangers.week import Report, Week
from tests.quiz.builders import quiz
from tests.quiz.http import definition
from tests.registration.builders import activity, newcomer
from tests.support.service import bearer
from tests.support.waiting import eventually

RESULT_SECONDS_MAX = 5.0
POLL_SECONDS = 0.1
LOOK_SECONDS = 1.0
# A flood of 10,000 into each topic needs some minutes on two cores.
BURIED_SECONDS_MAX = 1_200.0
# Of records that are very large, as many as this for each that is not, and one at least.
LARGE_SHARE = 0.002
READ = tuple(contract for contract in events.ALL if topics.declared(contract).groups)


@dataclass
class Flooded:
    """What was written, by topic and code."""

    codes: dict[str, Counter[str]] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(counted.total() for counted in self.codes.values())


async def played(services: Services, *, records: int, people: int) -> Report:
    """
    Flood every topic, and play a contest.

    Args:
        records: malformed ones into each topic.
        people: who sit the contest meanwhile, one after the other.
    """
    report = Report(f"{records:,} malformed records into each of {len(READ)} topics")
    async with Week(services) as week:
        contest = f"flooded-{uuid4().hex[:6]}"
        await week.put(f"{week.apis.quiz}/quizzes/{contest}", definition(quiz()))
        await week.put(f"{week.apis.registration}/activities/{contest}", activity(contest, 10_000))
        # One who comes before, so that everything has been done once.
        await sits(week, contest)
        sitting = asyncio.create_task(sit(week, contest, people))
        began = time.monotonic()
        flooded = await asyncio.to_thread(_flood, services.stack.kafka, records)
        report.lines.append(f"{flooded.total:,} records written in {time.monotonic() - began:.0f} s")
        read_at = asyncio.create_task(_until_read(services.stack.kafka, QUIZ_GRADING))
        ages = await sitting
        report.lines.append(f"submissions graded: {_figures(ages)}")
        if max(ages) > RESULT_SECONDS_MAX:
            report.wrong.append(f"a result took {max(ages):.1f} s")
        report.lines.append(f"{QUIZ_GRADING} has read it {await read_at - began:.0f} s after it began")
        ended_at = await _until_read(services.stack.kafka, *GROUPS)
        report.lines.append(f"all groups have read it {ended_at - began:.0f} s after it began")
        report.wrong += await _unhealthy(services)
        report.wrong += await asyncio.to_thread(_not_buried, services.stack.kafka, flooded)
        # And after it, everything goes on.
        ages = await sit(week, contest, 3)
        report.lines.append(f"after it: {_figures(ages)}")
    return report


def _flood(kafka: str, records: int) -> Flooded:
    flooded = Flooded()
    producer = Producer(
        {
            "bootstrap.servers": kafka,
            "compression.type": "zstd",
            "linger.ms": 20,
            "message.max.bytes": topics.RECORD_BYTES_MAX,
            "queue.buffering.max.kbytes": 65_536,
            "partitioner": "random",
            "log_level": 0,
        }
    )
    lost: list[str] = []
    for topic, one in _mixed(records):
        counted = flooded.codes.setdefault(topic, Counter())
        counted[one.code] += 1
        while True:
            try:
                producer.produce(
                    topic,
                    one.value,
                    one.key,
                    headers=[*one.headers],
                    on_delivery=lambda error, _: lost.append(str(error)) if error else None,
                )
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    producer.flush(60)
    assert not lost, lost[0]
    return flooded


def _mixed(records: int) -> Iterator[tuple[str, Kind]]:
    """All topics get their records side by side."""
    of_topic = []
    for contract in READ:
        all_kinds = kinds(contract)
        small = cycle([one for one in all_kinds if not one.is_large])
        large = [one for one in all_kinds if one.is_large]
        few = islice(cycle(large), max(1, int(records * LARGE_SHARE)))
        of_topic.append((contract.topic, small, few))
    for number in range(records):
        for topic, small, few in of_topic:
            rare = None if number % 100 else next(few, None)
            yield topic, rare or next(small)


async def sit(week: Week, contest: str, people: int) -> list[float]:
    """How many seconds passed from each submission to its result."""
    return [await sits(week, contest) for _ in range(people)]


async def sits(week: Week, contest: str) -> float:
    """Somebody joins and sits the contest: how many seconds passed from the submission to the result."""
    http = week.at("127.0.0.1")
    joined = await http.post(f"{week.apis.registration}/participants", json=newcomer())
    assert joined.is_success, joined.text
    token = bearer(joined.json()["token"])
    started = await http.post(f"{week.apis.quiz}/quizzes/{contest}/attempts", headers=token)
    assert started.is_success, started.text
    attempt = started.json()
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

    await eventually(graded, seconds=BURIED_SECONDS_MAX)
    return time.monotonic() - began


async def _until_read(kafka: str, *groups: str) -> float:
    """When these groups have read everything."""

    async def left() -> int:
        await asyncio.sleep(LOOK_SECONDS)
        return sum((await asyncio.to_thread(lag, kafka, groups)).values())

    await eventually(left, lambda found: not found, seconds=BURIED_SECONDS_MAX)
    return time.monotonic()


async def _unhealthy(services: Services) -> list[str]:
    async with httpx.AsyncClient(timeout=30) as http:
        answers = {part.name: await http.get(f"{services.url(part.name)}/health") for part in services.parts}
    return [f"{name}: {answer.text}" for name, answer in answers.items() if not answer.is_success]


def _not_buried(kafka: str, flooded: Flooded) -> list[str]:
    wrong = []
    for contract in READ:
        for group in topics.declared(contract).groups:
            name = dead_letters(contract.topic, group)
            found: Counter[str] = Counter()
            if bounds_of(kafka, [name]):
                for message in records_of(kafka, [name]):
                    pairs: Any = message.headers() or []
                    found[dict(pairs)["dead_code"].decode()] += 1
            if found != flooded.codes[contract.topic]:
                wrong.append(f"{name}: {dict(found)} instead of {dict(flooded.codes[contract.topic])}")
    return wrong


def _figures(ages: list[float]) -> str:
    ordered = sorted(ages)
    middle = ordered[len(ordered) // 2]
    return f"{len(ages)}, the middle one after {middle:.1f} s, the last after {ordered[-1]:.1f} s"
