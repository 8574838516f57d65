"""/health: shows what works and what does not. It checks everything that the service needs."""

import asyncio
from collections.abc import Awaitable, Callable

from fastapi import Request, Response
from pydantic import BaseModel, Field

from shared.runtime.errors import KepuError

CHECK_SECONDS_MAX = 2.0

Check = Callable[[], Awaitable[str | None]]
"""Says what is wrong with one thing that the service needs, or None."""


class Health(BaseModel):
    """Does the service work? Each thing that it needs is "ok", or has its problem."""

    status: str = Field(examples=["ok"])
    service: str = Field(examples=["quiz"])
    role: str = Field(examples=["all"])
    checks: dict[str, str] = Field(examples=[{"mongo": "ok", "kafka": "ok", "consumer quiz-grading": "ok"}])


async def health(request: Request, response: Response) -> Health:
    """200 while everything works, 503 while something does not. The answer never takes long."""
    state = request.app.state
    checks: dict[str, Check] = state.checks
    words = await asyncio.gather(*[_asked(check, state.check_seconds_max) for check in checks.values()])
    good = all(word == "ok" for word in words)
    response.status_code = 200 if good else 503
    return Health(
        status="ok" if good else "failing",
        service=state.service,
        role=state.settings.role,
        checks=dict(zip(checks, words, strict=True)),
    )


async def _asked(check: Check, seconds_max: float) -> str:
    try:
        async with asyncio.timeout(seconds_max):
            return await check() or "ok"
    except TimeoutError:
        return f"no answer within {seconds_max:g} s"
    except KepuError as error:
        return error.message
    except Exception as error:  # noqa: BLE001 (a failing check must not stop the others)
        # Only the type: anybody may read this.
        return type(error).__name__
