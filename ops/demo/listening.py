"""Somebody who listens to the standings until the close, as a screen in the hall does."""

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import httpx

from ops.deployment.client import RETRY_SECONDS, Client, UnexpectedAnswer

Json: TypeAlias = dict[str, Any]
LISTENED_SECONDS_MAX = 120.0


@dataclass(slots=True)
class Heard:
    """The newest event of each name, and the last id."""

    newest: dict[str, Json] = field(default_factory=dict)
    last_id: str = ""


async def listen(client: Client, quiz_id: str) -> None:
    """
    Listen to the standings of a quiz until nothing follows, and note the final ones.

    Processes may be killed meanwhile: then it connects again, as a browser does.

    Raises:
        UnexpectedAnswer: the stream is refused, or it takes too long.
    """
    heard = Heard()
    try:
        async with asyncio.timeout(LISTENED_SECONDS_MAX):
            while "closed" not in heard.newest:
                with suppress(httpx.TransportError):
                    await _hear(client, quiz_id, heard)
                await asyncio.sleep(RETRY_SECONDS)
    except TimeoutError:
        raise UnexpectedAnswer(
            f"the close of {quiz_id} was not told in time; heard: {list(heard.newest)}"
        ) from None
    for row in heard.newest["standings"]["standings"]:
        who = f"{quiz_id}/{row['participant_id']}"
        client.ledger.note("streamed", who, f"{row['rank']} {row['points']:g}")


async def _hear(client: Client, quiz_id: str, heard: Heard) -> None:
    """Listen until the stream ends."""
    url = f"{client.apis.quiz}/quizzes/{quiz_id}/standings/live"
    headers = {**client.apis.organiser, "Last-Event-ID": heard.last_id}
    async with client.http.stream("GET", url, headers=headers) as answer:
        if answer.is_client_error:
            raise UnexpectedAnswer(f"GET {url} was refused: {answer.status_code}")
        fields: dict[str, str] = {}
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            if line:
                fields[name] = value
            elif "data" in fields:
                # Only a whole event counts, and its id with it.
                heard.newest[fields["event"]] = json.loads(fields["data"])
                heard.last_id = fields.get("id", heard.last_id)
                fields = {}
