"""Plans of a few requests, and the files that they need."""

import asyncio
from pathlib import Path

from bench.load.client import Latency, Load, Plan, Step, requests_file, run
from bench.tests.load.server import Asked, Reply, http, request

OK = http(200, {"said": "yes"})


async def ran(plan: Plan) -> Load:
    return await asyncio.to_thread(run, plan)


def written(folder: Path, requests: int) -> Path:
    path = folder / "requests"
    assert requests_file(path, (request(number) for number in range(requests))) == requests
    return path


def tokens(folder: Path, participants: int) -> Path:
    path = folder / "tokens"
    path.write_text("".join(f"token.of-{number}\n" for number in range(participants)))
    return path


def latency(step: Step) -> Latency:
    assert step.latency_ms is not None
    return step.latency_ms


async def yes(_: Asked) -> Reply:
    return OK
