"""Logs an organiser's act around the route that does it: before its effect, and again with its outcome."""

import re
from collections.abc import Mapping
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.contracts.checked import ID_PATTERN
from shared.runtime import clock, logs
from shared.runtime.acting import Act, Acting, ActLog, Organiser, acting
from shared.runtime.ids import ordered_id
from shared.web.edge.gate import Entry

READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# Stands for a part of a path that is no id. A caller may have written anything there.
NO_ID = "?"
_ID = re.compile(ID_PATTERN)


def act_of(organiser: Organiser, method: str, entry: Entry, path: str) -> Act:
    """The act that a request to this route is."""
    now = clock.now()
    return Act(
        act_id=ordered_id(now),
        at=now,
        who=organiser.name,
        role=organiser.role,
        method=method,
        route=entry.path,
        ids=_ids(entry, path),
        correlation_id=logs.correlation_id.get() or "",
    )


async def logged(
    log: ActLog, act: Act, framework: ASGIApp, scope: Scope, receive: Receive, send: Send
) -> None:
    """
    Answer a request that is an act.

    The act is kept before the route runs, so a crash cannot lose an act that took effect. The outcome is kept
    before the answer is sent, so whoever has the answer finds the act complete.

    Raises:
        Unavailable: the act cannot be kept. The route has not run.
    """
    await log.begin(act)
    under_way = Acting(log, act)

    async def ending(message: Message) -> None:
        if message["type"] == "http.response.start":
            await under_way.end(message["status"])
        await send(message)

    before = acting.set(under_way)
    try:
        await framework(scope, receive, ending)
    except Exception:
        # The edge answers it with 500.
        under_way.code = "internal"
        await under_way.end(HTTPStatus.INTERNAL_SERVER_ERROR.value)
        raise
    finally:
        acting.reset(before)


def _ids(entry: Entry, path: str) -> dict[str, str]:
    found = entry.pattern.fullmatch(path)
    parts: Mapping[str, str] = found.groupdict() if found else {}
    return {name: part if _ID.fullmatch(part) else NO_ID for name, part in parts.items()}
