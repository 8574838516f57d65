"""A door and the service: the list is loaded before, the scans are sent afterwards."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import httpx

from ops.door.queue import ScanQueue, now
from ops.door.verifier import DoorList, ListRefused, keys_of, read_list
from ops.errors import CommandError

Json: TypeAlias = dict[str, Any]
SCANS_A_REQUEST = 500
TIMEOUT_SECONDS = 60.0
PAGES_MAX = 200


class DoorError(CommandError):
    """The service refuses, does not answer, or the list is of no use."""


class Registration:
    """The registration service, asked with a key."""

    def __init__(self, url: str, key: str) -> None:
        self._client = httpx.Client(base_url=url, headers={"X-Organiser-Key": key}, timeout=TIMEOUT_SECONDS)

    def load(self, session_id: str, file: Path) -> DoorList:
        """
        Load the list of a session into a file, which is replaced as a whole.

        Raises:
            DoorError: the service refuses, does not answer, or its list is not signed. The file is as before.
        """
        keys = self._ask("GET", "/tickets/keys")
        pages: list[Json] = []
        after: int | None = 0
        while after is not None and len(pages) < PAGES_MAX:
            page = self._ask("GET", f"/sessions/{session_id}/door-list", params={"after": after})
            pages.append(page)
            after = page["after"]
        try:
            door_list = read_list(pages, keys_of(keys))
        except ListRefused as error:
            raise DoorError(f"the list of session {session_id} is of no use: {error}") from error
        beside = file.with_name(f"{file.name}.new")
        beside.write_text(json.dumps({"keys": keys, "pages": pages}, ensure_ascii=False))
        os.replace(beside, file)
        return door_list

    def send(self, session_id: str, device: str, queue: ScanQueue) -> Iterator[Json]:
        """
        Send what the service does not have yet; sending a scan twice changes nothing.

        Returns: the verdicts, each with the scan that it is on.

        Raises:
            DoorError: the service refuses, or does not answer. What it has acknowledged is noted.
        """
        while some := queue.unsent(session_id)[:SCANS_A_REQUEST]:
            scans = [_sent(scan) for scan in some]
            body = {"device": device, "sent_at": now().isoformat(), "scans": scans}
            answer = self._ask("POST", f"/sessions/{session_id}/scans", json=body)
            queue.acknowledge([scan["scan_id"] for scan in some], now())
            for scan, verdict in zip(some, answer["verdicts"], strict=True):
                yield {**verdict, "noted": scan, "clock_off_seconds": answer["clock_off_seconds"]}

    def _ask(self, method: str, path: str, **request: Any) -> Json:
        try:
            answer = self._client.request(method, path, **request)
        except httpx.HTTPError as error:
            raise DoorError(
                f"registration does not answer ({type(error).__name__}): try again later"
            ) from error
        if not answer.is_success:
            raise DoorError(f"{method} {path} was refused: {answer.status_code} {answer.text}")
        content: Json = answer.json()
        return content


def _sent(scan: Json) -> Json:
    """A scan as the service gets it."""
    # Who was picked from a list has shown no ticket.
    shown = "registration_id" if scan["ticket"] is None else "ticket"
    return {name: scan[name] for name in ("scan_id", shown, "people", "scanned_at", "let_in")}


def saved(file: Path) -> tuple[DoorList, dict[str, bytes]]:
    """
    The list in a file, and the keys of tickets.

    Raises:
        DoorError: there is no such file, or it is not signed.
    """
    try:
        content = json.loads(file.read_text())
        keys = keys_of(content["keys"])
        return read_list(content["pages"], keys), keys
    except OSError as error:
        raise DoorError(f"can't read {file} ({error.strerror}): load it with kepu door load") from error
    except (ValueError, KeyError, ListRefused) as error:
        raise DoorError(f"{file} is no list of a door: load it again with kepu door load") from error
