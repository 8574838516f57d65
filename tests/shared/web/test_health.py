"""What /health tells, within a bounded time."""

import asyncio
import math
import time

from prometheus_client import REGISTRY

from shared.runtime.errors import Unavailable
from shared.web.health_gauges import HealthGauges
from tests.support.service import running
from tests.support.web import bare_app


async def test_health_is_ok_while_everything_works() -> None:
    async def well() -> str | None:
        return None

    async with running(bare_app(checks={"mongo": well})) as http:
        answer = await http.get("/health")
    assert (answer.status_code, answer.json()) == (
        200,
        {"status": "ok", "service": "test", "role": "api", "checks": {"mongo": "ok"}},
    )


async def test_health_names_what_does_not_work() -> None:
    async def well() -> str | None:
        return None

    async def dead() -> str | None:
        return "not running"

    async def away() -> str | None:
        raise Unavailable("Kafka does not answer")

    app = bare_app(checks={"mongo": well, "consumer awards": dead, "kafka": away})
    async with running(app) as http:
        answer = await http.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (503, "failing")
    assert answer.json()["checks"] == {
        "mongo": "ok",
        "consumer awards": "not running",
        "kafka": "Kafka does not answer",
    }


async def test_health_is_told_at_once_though_a_check_hangs() -> None:
    async def hangs() -> str | None:
        await asyncio.Event().wait()
        return None

    async def breaks() -> str | None:
        raise RuntimeError("wang.fang@example.org")

    async def well() -> str | None:
        return None

    checks = {"kafka": hangs, "relay": hangs, "closing": breaks, "mongo": well}
    app = bare_app(checks=checks, check_seconds_max=0.2)
    async with running(app) as http:
        began = time.monotonic()
        answer = await http.get("/health")
        took_seconds = time.monotonic() - began
    assert took_seconds < 2
    assert answer.status_code == 503
    late = "no answer within 0.2 s"
    assert answer.json()["checks"] == {"kafka": late, "relay": late, "closing": "RuntimeError", "mongo": "ok"}


async def test_checks_are_gauges_also_if_nobody_asks() -> None:
    answers: list[str | None] = ["not running", None]

    async def mends() -> str | None:
        return answers.pop(0)

    async def hangs() -> str | None:
        await asyncio.sleep(60)
        return None

    def gauge(name: str) -> float | None:
        return REGISTRY.get_sample_value("kepu_health_check", {"check": name})

    checks = {"mends": mends, "hangs": hangs}
    gauges = HealthGauges(lambda: checks, check_seconds_max=0.05)
    await gauges.turn()
    assert (gauge("mends"), gauge("hangs")) == (0, 0)
    await gauges.turn()
    assert (gauge("mends"), gauge("hangs")) == (1, 0)
    gauges._gauges["mends"]._until = 0.0
    assert math.isnan(gauge("mends") or 0)
    # As the check of a start, once the process has started.
    checks = {}
    await gauges.turn()
    assert (gauge("mends"), gauge("hangs")) == (None, None)
