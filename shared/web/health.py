"""
Three questions about a process (docs/decisions/0090-three-questions.md).

/livez: should it be started again? /readyz: should it get requests? /health: what works and what does not?
The first two ask no server, so a prober gets their answers at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, Field

from shared.runtime.errors import KepuError
from shared.runtime.life import Life

CHECK_SECONDS_MAX = 2.0
ENDS = "it was told to end: send requests to another copy"
OK = "ok"

Check = Callable[[], Awaitable[str | None]]
"""Says what is wrong with one thing that the service needs, or None."""


class Health(BaseModel):
    """The answer to one of the three questions. Each thing that was looked at is "ok", or has its problem."""

    status: str = Field(examples=[OK])
    service: str = Field(examples=["quiz"])
    role: str = Field(examples=["all"])
    checks: dict[str, str] = Field(examples=[{"mongo": OK, "kafka": OK, "consumer quiz-grading": OK}])


async def livez(request: Request, response: Response) -> Health:
    """
    Should this process be started again? 200: no. 503: yes, a consumer has stopped for a fault of ours.

    An answer shows that the process works at all. An outage of Kafka or MongoDB changes nothing here: no
    restart ends it.
    """
    life: Life = request.app.state.life
    return _told(request, response, {name: fault() or OK for name, fault in life.faults.items()})


async def readyz(request: Request, response: Response) -> Health:
    """
    Should this process get requests? 200: yes. 503: not yet, or not any more, since it was told to end.

    Once it was ready, an outage of Kafka or MongoDB changes nothing here: no other copy is better off.
    """
    life: Life = request.app.state.life
    return _told(request, response, {"start": life.waits_for or OK, "end": ENDS if life.drains else OK})


async def health(request: Request, response: Response) -> Health:
    """
    What works and what does not? 200 while everything works, 503 while something does not.

    For people and alerts. The answer never takes long.
    """
    state = request.app.state
    checks: dict[str, Check] = state.checks
    words = await asyncio.gather(*[asked(check, state.check_seconds_max) for check in checks.values()])
    return _told(request, response, dict(zip(checks, words, strict=True)))


def add_to(app: FastAPI) -> None:
    """Let the app answer the three questions."""
    for path, answer, summary in (
        ("/livez", livez, "Should this process be started again"),
        ("/readyz", readyz, "Should this process get requests"),
        ("/health", health, "What works and what does not"),
    ):
        app.add_api_route(path, answer, methods=["GET"], tags=["operation"], summary=summary)


def _told(request: Request, response: Response, checks: Mapping[str, str]) -> Health:
    state = request.app.state
    good = all(word == OK for word in checks.values())
    response.status_code = 200 if good else 503
    return Health(
        status=OK if good else "failing",
        service=state.service,
        role=state.settings.role,
        checks=dict(checks),
    )


async def asked(check: Check, seconds_max: float) -> str:
    """What this check says: "ok", or the problem."""
    try:
        async with asyncio.timeout(seconds_max):
            return await check() or OK
    except TimeoutError:
        return f"no answer within {seconds_max:g} s"
    except KepuError as error:
        return error.message
    except Exception as error:  # noqa: BLE001 (a failing check must not stop the others)
        # Only the type: anybody may read this.
        return type(error).__name__
