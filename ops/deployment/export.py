"""The registrations of a session as a file on this machine, with the names that notifications opens."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, TypeAlias

import httpx

from ops.deployment.description import Apis
from ops.errors import CommandError
from shared.web.tables import Cell, csv_file, xlsx_file

Json: TypeAlias = dict[str, Any]

# Registrations of one page, and people whose names are opened at once.
PAGE = 200
TIMEOUT_SECONDS = 30.0
FORMATS = {".csv": csv_file, ".xlsx": xlsx_file}
COLUMNS = (
    "registration_id",
    "participant_id",
    "status",
    "places",
    "number",
    "asked_at",
    "kind",
    "group_id",
    "district",
    "audience",
    "language",
)
OF_CONTACT = ("name", "email", "phone", "state")


class ExportError(CommandError):
    """A service refuses, or the file cannot be written."""


async def export(apis: Apis, session_id: str, file: Path, reason: str | None) -> int:
    """
    Write the registrations of a session into a new file, which only its owner can read.

    Args:
        reason: why names are opened; None for a file without names.

    Returns: how many registrations it has.
    Raises:
        ExportError: a service refuses or does not answer, or the file is there already. No file is left then.
    """
    if file.suffix not in FORMATS:
        raise ExportError(f"{file} has to end with {' or '.join(FORMATS)}")
    count = 0

    async def rows(http: httpx.AsyncClient) -> AsyncIterator[list[list[Cell]]]:
        nonlocal count
        async for page in _pages(http, apis, session_id):
            opened = await _opened(http, apis, page, reason) if reason else {}
            yield [_cells(one, opened.get(one["participant_id"]) if reason else None) for one in page]
            count += len(page)

    columns = (*COLUMNS, *OF_CONTACT) if reason else COLUMNS
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ExportError(f"can't write {file}: {error.strerror}; name another file") from error
    try:
        with os.fdopen(descriptor, "wb") as opened_file:
            async with httpx.AsyncClient(headers=apis.organiser, timeout=TIMEOUT_SECONDS) as http:
                async for piece in FORMATS[file.suffix](columns, rows(http)):
                    opened_file.write(piece)
    except BaseException:
        # Half a list must not be taken for a whole one.
        os.unlink(file)
        raise
    return count


async def _pages(http: httpx.AsyncClient, apis: Apis, session_id: str) -> AsyncIterator[list[Json]]:
    url, after = f"{apis.registration}/sessions/{session_id}/registrations", None
    while True:
        page = await _ask(http, "GET", url, params={"limit": PAGE} | ({"after": after} if after else {}))
        yield page["registrations"]
        if (after := page["after"]) is None:
            return


async def _opened(http: httpx.AsyncClient, apis: Apis, page: list[Json], reason: str) -> dict[str, Json]:
    if not (ids := list(dict.fromkeys(one["participant_id"] for one in page))):
        return {}
    asked = {"participant_ids": ids, "reason": reason}
    answer = await _ask(http, "POST", f"{apis.url('notifications')}/contacts/openings", json=asked)
    return {one["participant_id"]: one for one in answer["contacts"]}


async def _ask(http: httpx.AsyncClient, method: str, url: str, **request: Any) -> Json:
    try:
        answer = await http.request(method, url, **request)
    except httpx.TransportError as error:
        raise ExportError(f"{url} does not answer: {type(error).__name__}") from error
    if not answer.is_success:
        raise ExportError(f"{url} refuses: {answer.status_code} {answer.text}")
    body: Json = answer.json()
    return body


def _cells(one: Json, contact: Json | None) -> list[Cell]:
    known: list[Cell] = [one[name] for name in COLUMNS]
    return known if contact is None else [*known, *(contact.get(name) for name in OF_CONTACT)]
